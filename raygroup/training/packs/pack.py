"""A pack: trials that share their words, trained in lockstep as one batched program; a step is a function of (settings, step).

Every trial keeps its own seed, Gumbel stream, epsilon, rates, clipping and losses, and leaves the history it leaves alone: the same bits
on a processor (trials of equally many heads, two or more, at shapes whose rows are whole cache lines), rounding apart on a GPU. Several
workers can train one pack, each a share of a step's words, and a worker can read its words in parts: both but for rounding.

Shapes: k trials, t tasks, m the most heads of a trial (smaller ones are padded), h heads of all trials side by side, w words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Trial
from raygroup.model.grouping import task_model_probabilities, word_model_probabilities
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.losses import control_probabilities, grouping_loss, integrated_loss, sequence_loss, task_loss, word_weights
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.label_batches import rate
from raygroup.training.packs.cuda_graphs import STEPS_A_GRAPH, CapturedSteps
from raygroup.training.packs.initial_state import empty_bank, first_assignments, initialise
from raygroup.training.packs.inputs import Inputs, drawn
from raygroup.training.packs.optimizer import PackOptimizer, Rates, clip_by_row
from raygroup.training.packs.sharding import ALONE, WHOLE, Shard, Share
from raygroup.training.packs.training_data import Material
from raygroup.training.packs.trial_tensors import Settings, require_alike, require_possible
from raygroup.training.universal_weights import Universal

LOSSES = ("integrated", "grouping", "task")


@dataclass(frozen=True)
class Trained:
    """One trial of a pack as it stands, for reading with it."""

    trial: Trial
    material: Material
    bank: HeadBank
    classifier: TaskClassifiers
    r_tm: Tensor
    """(t, m)"""
    device: str
    kernels: Kernels


class Pack:
    """The state of trials in training: heads, R_TM, task classifiers, optimiser. ``step`` counts the steps done."""

    def __init__(
        self, trials: Sequence[Trial], material: Material, universal: Universal, device: str = "cpu", kernels: Kernels = PLAIN,
        shard: Shard = ALONE, accumulate: int = 1, dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        """``shard`` says which worker of how many this is; the same pack stands on each, and they step together. ``accumulate`` is the
        number of parts that a worker's words are read in, one after the other, where they do not fit the memory at once. ``dtype`` is
        that of everything computed, float64 where numbers are to be compared."""
        require_possible(kernels, shard, accumulate)
        self.trials, self.material, self.universal = tuple(trials), material, universal
        self.device, self.kernels, self.dtype, self.step = device, kernels, dtype, 0
        self.shard, self.accumulate = shard, accumulate
        require_alike(self.trials)
        self.common = self.trials[0]
        self.fixed = self.common.grouping.method == "one-per-task"
        self.counts = [trial.heads.count for trial in self.trials]
        self.starts = np.cumsum([0, *self.counts]).tolist()
        self.bank = empty_bank(self.trials, material)
        self.bank.trials = len(self.trials) if len(set(self.counts)) == 1 else 1
        self.classifiers = TaskClassifiers(len(self.trials), len(material.tasks), self.bank.features)
        self.new_characters = [
            initialise(trial, number, range(*self.starts[number : number + 2]), self.bank, self.classifiers, universal, material)
            for number, trial in enumerate(self.trials)
        ]
        self.bank.to(device, dtype)
        self.classifiers.to(device, dtype)
        self.r_ktm = first_assignments(self.trials, len(material.tasks), self.fixed).to(device, dtype).requires_grad_(not self.fixed)
        self.settings = Settings(self.trials, max(self.counts), device, dtype)
        rates = [
            Rates(trial.training.learning_rate, trial.training.weight_decay, trial.training.assignment_learning_rate)
            for trial in self.trials
        ]
        self.optimizer = PackOptimizer(
            self.bank, self.classifiers, None if self.fixed else self.r_ktm, self.starts, rates, kernels.captured
        )
        self.captured = CapturedSteps() if kernels.captured else None

    def advance(self) -> Tensor:
        """One optimiser step; what it leaves as evidence, on the device, (k, t * m + m + 3): each trial's R_TM after it, its heads' mean
        losses, and its integrated, grouping and task loss, all of the whole step: the same bits on every worker."""
        steps = self.common.training.steps
        self.optimizer.set_rates([rate(self.step, steps, trial.training.learning_rate) for trial in self.trials])
        if self.captured is None:
            row = self._computed(self._drawn(share) for share in self.shard.shares(self.accumulate))
        else:
            row = self.captured(self._drawn(WHOLE, STEPS_A_GRAPH), lambda inputs: self._computed([inputs]), self.snapshot)
        self.step += 1
        return row

    def _drawn(self, share: Share, rounded_to: int | None = None) -> Inputs:
        return drawn(self.material, self.trials, self.step, rounded_to, share).to(self.device, self.dtype)

    def _computed(self, parts: Iterable[Inputs]) -> Tensor:
        """Forward and backward over the parts of this worker's words, and the optimiser's step, all on the device."""
        rows: list[Tensor] = []
        for inputs in parts:
            total, row = self._losses(inputs)
            if not rows:
                self.optimizer.zero_grad()  # not before the forward pass, which would take their memory and leave the new ones to be mapped
            total.backward()  # type: ignore[no-untyped-call]
            rows.append(row)
        losses = reduce(torch.add, rows)
        self.shard.add_up([*self.optimizer.gradients(), losses])
        clip_by_row(list(self.bank.parameters()), self.settings.clip_of_head)
        clip_by_row(list(self.classifiers.parameters()), self.settings.clip)
        self.optimizer.step()
        return torch.cat([self.r_ktm.detach().flatten(1), losses], 1)

    def _losses(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """What a share of a step's words adds to the loss of all trials, and to the evidence (k, m + 3).

        The loss reaches every weight, with zeros where the share has no words, so that workers have the same gradients to add up.
        """
        p_ktm = self._sampled(inputs.noise)
        words = inputs.words.to(self.dtype)
        totals, nll_kwm, p_kwm = self._read(inputs, words, p_ktm)
        settings, loss, num_words = self.settings, self.common.loss, self.common.training.batch
        grouping = self._grouping(p_ktm, inputs.first)
        task = task_loss(self.classifiers(words), inputs.p_wt, num_words)
        integrated = integrated_loss(p_kwm.detach(), nll_kwm, settings.base_coefficient, loss.words, num_words)
        total = totals.sum() + (settings.grouping * grouping).sum() + (settings.task * task).sum()
        losses = [integrated[:, None], grouping.detach()[:, None], task.detach()[:, None]]
        return total, torch.cat([nll_kwm.sum(1) / num_words, *losses], 1)

    def snapshot(self) -> Callable[[], None]:
        """What brings the pack back to where it stands now."""
        step, states = self.step, [{name: value.clone() for name, value in self.state(k).items()} for k in range(len(self.trials))]
        return lambda: self.restore(step, states)

    def evidence(self, rows: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        """The rows that ``advance`` gave, brought from the device at once: for each trial (steps, t * its heads + its heads + 3)."""
        stacked = torch.stack(list(rows)).cpu().numpy()
        tasks, most = len(self.material.tasks), max(self.counts)
        found = []
        for number, count in enumerate(self.counts):
            r_tm, nll, losses = np.split(stacked[:, number], [tasks * most, tasks * most + most], axis=1)
            own = r_tm.reshape(len(rows), tasks, most)[:, :, :count].reshape(len(rows), -1)
            found.append(np.concatenate([own, nll[:, :count], losses], 1))
        return found

    def trained(self, number: int) -> Trained:
        """A trial as it stands, its heads in a bank of their own."""
        bank = empty_bank(self.trials[number : number + 1], self.material).to(self.device, self.dtype).requires_grad_(False)
        for name, parameter in bank.named_parameters():
            parameter.copy_(self.bank.get_parameter(name).detach()[self._heads(number)])
        classifier = TaskClassifiers(1, len(self.material.tasks), self.bank.features).to(self.device, self.dtype).requires_grad_(False)
        for name, parameter in classifier.named_parameters():
            parameter.copy_(self.classifiers.get_parameter(name).detach()[number : number + 1])
        r_tm = self.r_ktm.detach()[number, :, : self.counts[number]].clone()
        return Trained(self.trials[number], self.material, bank, classifier, r_tm, self.device, self.kernels)

    def state(self, number: int) -> dict[str, Tensor]:
        """Everything a later step of a trial depends on, by name; randomness is keyed by the step, so it has no state."""
        heads = self._heads(number)
        tensors = {f"heads.{name}": value[heads] for name, value in self.bank.state_dict().items()}
        tensors |= {f"classifier.{name}": value[number : number + 1] for name, value in self.classifiers.state_dict().items()}
        tensors["r_tm"] = self.r_ktm.detach()[number, :, : self.counts[number]]
        tensors |= self.optimizer.state(number, self.counts[number])
        return {name: value.contiguous() for name, value in tensors.items()}

    @torch.no_grad()
    def restore(self, step: int, states: Sequence[dict[str, Tensor]]) -> None:
        """Goes on after ``step`` from what ``state`` gave for each trial."""
        self.step = step
        for number, tensors in enumerate(states):
            for name, parameter in self.bank.named_parameters():
                parameter[self._heads(number)] = tensors[f"heads.{name}"].to(self.device)
            for name, parameter in self.classifiers.named_parameters():
                parameter[number : number + 1] = tensors[f"classifier.{name}"].to(self.device)
            self.r_ktm[number, :, : self.counts[number]] = tensors["r_tm"].to(self.device)
            self.optimizer.restore(number, self.counts[number], tensors)

    def without(self, numbers: Sequence[int]) -> "Pack":
        """The other trials as a pack of their own, where they stand."""
        kept = [number for number in range(len(self.trials)) if number not in numbers]
        self.optimizer.zero_grad()  # the rest is as large again: gradients that no one reads must not stand beside it
        rest = Pack(
            [self.trials[number] for number in kept], self.material, self.universal, self.device, self.kernels, self.shard,
            self.accumulate, self.dtype,
        )  # fmt: skip
        rest.restore(self.step, [self.state(number) for number in kept])
        return rest

    def _heads(self, number: int) -> slice:
        return slice(self.starts[number], self.starts[number + 1])

    def _sampled(self, noise: Tensor) -> Tensor:
        """P_TM of a step: (k, 1, t, m), or (k, w, t, m) where every word has its own draw."""
        if self.fixed:
            return self.r_ktm.softmax(-1)[:, None]
        return task_model_probabilities(self.r_ktm[:, None], noise, self.settings.temperature)

    def _grouping(self, p_ktm: Tensor, first: bool) -> Tensor:
        """Eq. (9) of each trial (k,): the mean over the step's words where each has its own draw, otherwise counted ``first`` alone."""
        settings, grouping = self.settings, self.common.grouping
        if grouping.penalty_on == "sample" and grouping.sample == "word" and not self.fixed:
            return grouping_loss(p_ktm, settings.min_tasks).sum(-1) / self.common.training.batch
        penalised = p_ktm[:, 0] if grouping.penalty_on == "sample" else self.r_ktm.softmax(-1)
        return grouping_loss(penalised, settings.min_tasks[:, 0]) * float(first)

    def _read(self, inputs: Inputs, words: Tensor, p_ktm: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each head adds to the loss (h,), NLL_WM (k, w, m), without gradients, and P_WM (k, w, m)."""
        settings, loss = self.settings, self.common.loss
        p_kwm = word_model_probabilities(inputs.p_wt, p_ktm)
        if self.common.grouping.control:
            p_kwm = control_probabilities(p_kwm, settings.heads)
        num_words = self.common.training.batch
        own = word_weights(p_kwm, inputs.lengths, settings.base_coefficient, loss.length, loss.words, num_words)
        weights = settings.recognition * own
        by_head = weights[settings.trial_of_head, :, settings.place_of_head][:, inputs.owners]
        if inputs.counted is not None:
            by_head = by_head * inputs.counted
        before = inputs.inputs[settings.trial_of_head]
        totals, nll = self.bank.losses(words, before, inputs.characters, inputs.active, by_head, self.kernels)
        nll = nll if inputs.counted is None else nll * inputs.counted
        nll_wh = sequence_loss(nll, inputs.owners, inputs.lengths, loss.length)
        nll_kwm = torch.where(settings.is_head[:, None], nll_wh.T[settings.head_at].transpose(1, 2), 0.0)
        return totals, nll_kwm.contiguous(), p_kwm
