"""Gather evidence on tasks while a pack trains, without a change to its numbers.

Shapes: k trials, t tasks, m heads of a trial.
"""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Trial
from raygroup.history.schema import evidence_columns
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels
from raygroup.training.packs.by_task.task_gradients import HeadsAndWords, TaskGradients, lookahead, relative_change, task_gradients
from raygroup.training.packs.by_task.task_words import evidence_inputs, task_means
from raygroup.training.packs.optimizer import PackOptimizer
from raygroup.training.packs.sharding import WorkerRank
from raygroup.training.packs.training_data import TrainingData

EvidenceRow = tuple[NDArray[np.generic], ...]
"""The columns of ``history.schema.EVIDENCE_COLUMNS`` after the step."""


class EvidenceGatherer:
    """Gathers the evidence of all trials of a pack, and keeps it until it is taken."""

    def __init__(
        self, trials: Sequence[Trial], data: TrainingData, bank: HeadBank, optimizer: PackOptimizer, trial_of_head: Tensor,
        kernels: Kernels, worker: WorkerRank, accumulate: int, starts: Sequence[int],
    ) -> None:  # fmt: skip
        """``starts`` are the first head of each trial, and then the number of heads."""
        self.trials, self.data, self.bank, self.optimizer = trials, data, bank, optimizer
        self.trial_of_head, self.kernels, self.worker, self.accumulate = trial_of_head, kernels, worker, accumulate
        self.heads = [slice(*starts[number : number + 2]) for number in range(len(trials))]
        self.kind, self.every = trials[0].training.evidence, trials[0].training.evidence_every
        self._rows: dict[int, Mapping[str, Tensor]] = {}

    def is_due(self, step: int) -> bool:
        """Return True if a step, counted from 0, is one to gather at."""
        return (step + 1) % self.every == 0

    def gather(self, step: int) -> dict[str, Tensor]:
        """Return the products of gradients and the lookahead before a step, for each trial. Every worker must call this.

        They have the names of their columns, and the first axis is the trial. Without lookahead, that is left out.
        """
        device, dtype = self.bank.output.device, self.bank.output.dtype
        start_s = _now(device)
        parts = [evidence_inputs(self.data, self.trials, step, share) for share in self.worker.shares(self.accumulate)]
        material = HeadsAndWords(
            self.bank, self.trial_of_head, self.kernels, self.trials[0].loss.length, self.worker,
            [part.to(str(device), dtype) for part in parts],
        )  # fmt: skip
        gradients = task_gradients(material)
        products = [gradients.products(heads) for heads in self.heads]
        columns = {
            "gradient_words_t": gradients.words_t.expand(len(self.trials), -1),
            "gram_tt": torch.stack([everything for everything, _ in products]),
            "inner_gram_tt": torch.stack([inner for _, inner in products]),
        }
        gradients_s = _now(device) - start_s
        columns["gradients_s"] = self._seconds(gradients_s)
        if self.kind == "lookahead":
            columns["lookahead_tt"] = self._lookahead(material, gradients)
            columns["lookahead_s"] = self._seconds(_now(device) - start_s - gradients_s)
        return columns

    def keep(self, step: int, sums: Tensor, gathered: Mapping[str, Tensor]) -> None:
        """Keep the evidence of a step, counted from 0. ``sums`` are those of ``task_sums`` over the whole step."""
        nll_ktm, words_kt = task_means(sums, len(self.data.tasks))
        self._rows[step + 1] = {"words_t": words_kt, "nll_tm": nll_ktm, **gathered}

    def take(self) -> list[dict[int, EvidenceRow]]:
        """Bring the evidence since the last call from the device: for each trial, step -> its row. Steps count from 1."""
        names = evidence_columns(self.kind)[1:] if self._rows else ()
        rows = {step: [columns[name].detach().cpu().numpy() for name in names] for step, columns in self._rows.items()}
        self._rows = {}
        return [
            {step: tuple(self._unpadded(name, values[number], number) for name, values in zip(names, of_step, strict=True))
             for step, of_step in rows.items()}
            for number in range(len(self.trials))
        ]  # fmt: skip

    def _unpadded(self, name: str, values: NDArray[np.generic], number: int) -> NDArray[np.generic]:
        return values[:, : self.trials[number].heads.count] if name == "nll_tm" else values

    def _lookahead(self, material: HeadsAndWords, gradients: TaskGradients) -> Tensor:
        steps = [self.optimizer.scaled_steps(of_task) for of_task in gradients.gradients]
        difference_htt = lookahead(material, gradients, steps)
        return torch.stack([relative_change(difference_htt[heads], gradients.losses_ht[heads]) for heads in self.heads])

    def _seconds(self, seconds: float) -> Tensor:
        """Return each trial's part of the seconds: one pass serves all."""
        return torch.full((len(self.trials),), seconds / len(self.trials))


def _now(device: torch.device) -> float:
    """Return a clock in seconds, after all work that the device has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
