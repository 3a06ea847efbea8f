"""A pack: trials that train in lockstep as one batched program.

The trials share their words. A step is a function of (settings, step). Every trial keeps its own
seed, Gumbel noise, epsilon, learning rates, clipping and losses, and its history is the one that it
has alone. On a CPU that holds bit for bit if the trials have equally many heads, two or more, and
the rows of their arrays are whole cache lines. On a GPU it holds except for rounding. Several
workers can train one pack, each with a share of the words of every step, and a worker can read its
words in parts. Both change the numbers by rounding only.

Shapes: k trials, t tasks, m heads of the largest trial (smaller trials are padded), h heads of all
trials side by side, w words.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Trial
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.packs.added_tasks import KeptHeads
from raygroup.training.packs.by_task.evidence import EvidenceGatherer
from raygroup.training.packs.by_task.probe import Probe
from raygroup.training.packs.cuda_graphs import STEPS_PER_GRAPH, CapturedSteps
from raygroup.training.packs.initial_state import TrainedTensors, empty_bank, initial_assignments, initialise_trial
from raygroup.training.packs.inputs import StepInputs, draw_inputs
from raygroup.training.packs.loss_average import LossAverage
from raygroup.training.packs.optimizer import PackOptimizer, Rates, clip_by_row
from raygroup.training.packs.sharding import SOLE_RANK, WHOLE_BATCH, Share, WorkerRank
from raygroup.training.packs.step_losses import StepLosses
from raygroup.training.packs.step_records import LOSSES, split_by_trial
from raygroup.training.packs.trained_trial import TrainedTrial
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.packs.trial_tensors import TrialTensors, require_shared_settings, require_valid_step
from raygroup.training.schedule import learning_rate_at, value_at
from raygroup.training.universal_weights import UniversalModel


class Pack:
    """The state of trials in training: heads, R_TM, task classifiers and optimizer."""

    def __init__(
        self, trials: Sequence[Trial], data: TrainingData, universal: UniversalModel, device: str = "cpu", kernels: Kernels = PLAIN,
        worker: WorkerRank = SOLE_RANK, accumulate: int = 1, dtype: torch.dtype = torch.float32,
        trained: Sequence[TrainedTensors | None] | None = None,
    ) -> None:  # fmt: skip
        """Initialise the trials.

        Each of several workers holds the whole pack, and all take their steps together. ``worker``
        is this worker's rank. ``accumulate`` is the number of parts in which a worker reads its
        words one after another, if they do not fit into memory at once. Everything is computed in
        ``dtype``: float64 serves to compare numbers. ``trained`` are, for each trial, the tensors of
        the stage-2 trial from which it goes on, or None. Raises ConfigError if the trials cannot
        share a pack, or if a grouping that is given does not fit the tasks.
        """
        require_valid_step(kernels, worker, accumulate)
        require_shared_settings(trials)
        self.trials, self.data, self.universal = tuple(trials), data, universal
        self.device, self.kernels, self.dtype = device, kernels, dtype
        self.worker, self.accumulate = worker, accumulate
        self.step = 0  # steps done
        self.common = self.trials[0]
        self.trained = tuple(trained) if trained is not None else (None,) * len(self.trials)
        by_gradient = self.common.grouping.has_gradient
        self.counts = [trial.heads.count for trial in self.trials]
        self.starts = np.cumsum([0, *self.counts]).tolist()
        self.bank = empty_bank(self.trials, data)
        self.bank.trials = len(self.trials) if len(set(self.counts)) == 1 else 1
        self.classifiers = TaskClassifiers(len(self.trials), len(data.tasks), self.bank.features)
        self.new_characters = self._initialise_trials()
        self.bank.to(device, dtype)
        self.classifiers.to(device, dtype)
        self.r_ktm = initial_assignments(self.trials, data.tasks, self.trained).to(device, dtype).requires_grad_(by_gradient)
        self.settings = TrialTensors(self.trials, max(self.counts), device, dtype)
        self.losses = StepLosses(self.bank, self.classifiers, self.r_ktm, self.settings, self.common, kernels)
        self.optimizer = self._make_optimizer(by_gradient)
        self.loss_average = LossAverage(self.trials, self.r_ktm, self.settings) if self.common.grouping.assignment == "loss" else None
        self.kept = KeptHeads(self.bank, self.starts, self.trained)
        self.captured = CapturedSteps() if kernels.captured else None
        self.evidence = EvidenceGatherer(
            self.trials, data, self.bank, self.optimizer, self.settings.trial_of_head, kernels, worker, accumulate, self.starts
        )
        self.probe = Probe(self.trials, data.tasks) if self.common.grouping.method == "probe" else None

    def advance(self) -> Tensor:
        """Take one optimizer step and return its record.

        The record is (k, t * m + m + 3), on the device. A row is one trial: R_TM after the step,
        the mean loss of each head, then the integrated, grouping and task losses. Losses cover the
        whole batch, so all workers return the same bits.
        """
        self._set_scheduled_values()
        if self.probe and self.step == self.probe.steps:
            self._choose_groupings(self.probe)
        gathered = self._gather_evidence()
        if self.captured is None:
            record = self._compute_step(self._draw_inputs(share) for share in self.worker.shares(self.accumulate))
        else:
            inputs = self._draw_inputs(WHOLE_BATCH, STEPS_PER_GRAPH)
            record = self.captured(inputs, lambda inputs: self._compute_step([inputs]), self.snapshot)
        record, sums = record.tensor_split([self.r_ktm[0].numel() + max(self.counts) + len(LOSSES)], 1)
        if gathered is not None and sums.numel():
            self.evidence.keep(self.step, sums, gathered)
        self.step += 1
        return record

    def split_records(self, records: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        """Bring the records of ``advance`` from the device in one copy.

        Returns the rows of each trial, (steps, t * m + m + 3), where m is the trial's own number of
        heads.
        """
        return split_by_trial(records, len(self.data.tasks), self.counts)

    def snapshot(self) -> Callable[[], None]:
        """Copy the pack's state and return a function that restores it."""
        step, states = self.step, [{name: value.clone() for name, value in self.state(k).items()} for k in range(len(self.trials))]
        return lambda: self.restore(step, states)

    def trained_trial(self, number: int) -> TrainedTrial:
        """Copy a trial as it is now. Its heads get a bank of their own."""
        bank = empty_bank(self.trials[number : number + 1], self.data).to(self.device, self.dtype).requires_grad_(False)
        for name, parameter in bank.named_parameters():
            parameter.copy_(self.bank.get_parameter(name).detach()[self._head_rows(number)])
        classifier = TaskClassifiers(1, len(self.data.tasks), self.bank.features).to(self.device, self.dtype).requires_grad_(False)
        for name, parameter in classifier.named_parameters():
            parameter.copy_(self.classifiers.get_parameter(name).detach()[number : number + 1])
        r_tm = self.r_ktm.detach()[number, :, : self.counts[number]].clone()
        return TrainedTrial(self.trials[number], self.data, bank, classifier, r_tm, self.device, self.kernels)

    def state(self, number: int) -> dict[str, Tensor]:
        """Return the tensors that a trial's later steps depend on.

        Random generators are keyed by the step, so they have no state.
        """
        heads = self._head_rows(number)
        tensors = {f"heads.{name}": value[heads] for name, value in self.bank.state_dict().items()}
        tensors |= {f"classifier.{name}": value[number : number + 1] for name, value in self.classifiers.state_dict().items()}
        tensors["r_tm"] = self.r_ktm.detach()[number, :, : self.counts[number]]
        tensors |= self.optimizer.state(number, self.counts[number])
        if self.loss_average is not None:
            tensors |= self.loss_average.state(number, self.counts[number])
        tensors |= self.probe.state(number, self.step) if self.probe else {}
        return {name: value.contiguous() for name, value in tensors.items()}

    @torch.no_grad()
    def restore(self, step: int, states: Sequence[dict[str, Tensor]]) -> None:
        """Set the pack to the point after ``step``.

        ``states`` holds the result of ``state`` for each trial.
        """
        self.step = step
        for number, tensors in enumerate(states):
            for name, parameter in self.bank.named_parameters():
                parameter[self._head_rows(number)] = tensors[f"heads.{name}"].to(self.device)
            for name, parameter in self.classifiers.named_parameters():
                parameter[number : number + 1] = tensors[f"classifier.{name}"].to(self.device)
            self.r_ktm[number, :, : self.counts[number]] = tensors["r_tm"].to(self.device)
            self.optimizer.restore(number, self.counts[number], tensors)
            if self.loss_average is not None:
                self.loss_average.restore(number, self.counts[number], tensors)
            if self.probe:
                self.probe.restore(number, tensors)

    def without(self, numbers: Sequence[int]) -> "Pack":
        """Return the other trials as a new pack in their current state."""
        remaining = [number for number in range(len(self.trials)) if number not in numbers]
        # The new pack takes about as much memory again, so gradients that nobody reads any more
        # must go first.
        self.optimizer.zero_grad()
        pack = Pack(
            [self.trials[number] for number in remaining], self.data, self.universal, self.device, self.kernels, self.worker,
            self.accumulate, self.dtype, [self.trained[number] for number in remaining],
        )  # fmt: skip
        pack.restore(self.step, [self.state(number) for number in remaining])
        return pack

    def _initialise_trials(self) -> list[int]:
        """Set the initial weights of every trial.

        Returns, for each trial, the number of characters that the universal head does not know.
        """
        new_characters = []
        for number, trial in enumerate(self.trials):
            heads = range(*self.starts[number : number + 2])
            trained = self.trained[number]
            new_characters.append(initialise_trial(trial, number, heads, self.bank, self.classifiers, self.universal, self.data, trained))
        return new_characters

    def _set_scheduled_values(self) -> None:
        """Set the settings that change from step to step."""
        trainings, steps = [trial.training for trial in self.trials], self.common.training.steps
        self.optimizer.set_rates(
            [learning_rate_at(self.step, steps, each.learning_rate) for each in trainings],
            [value_at(self.step, steps, each.assignment_learning_rate, each.assignment_learning_rate_changes) for each in trainings],
        )
        self.settings.set_step(self.step)

    def _gather_evidence(self) -> dict[str, Tensor] | None:
        """Return the evidence of gradients before this step, or None if none of any kind is due."""
        if not self.evidence.is_due(self.step):
            return None
        probes = self.probe is not None and self.step < self.probe.steps
        gathered = self.evidence.gather(self.step) if probes or self.common.training.gathers_gradients else {}
        if self.probe and probes:
            self.probe.add(gathered)
        return gathered

    @torch.no_grad()
    def _choose_groupings(self, probe: Probe) -> None:
        """End the probe: each head goes on with the tasks of its group."""
        for number, count in enumerate(self.counts):
            self.r_ktm[number, :, :count] = probe.assignment(number).to(self.r_ktm)

    def _make_optimizer(self, by_gradient: bool) -> PackOptimizer:
        rates = [
            Rates(trial.training.learning_rate, trial.training.weight_decay, trial.training.assignment_learning_rate)
            for trial in self.trials
        ]
        return PackOptimizer(self.bank, self.classifiers, self.r_ktm if by_gradient else None, self.starts, rates, self.kernels.captured)

    def _draw_inputs(self, share: Share, rounded_to: int | None = None) -> StepInputs:
        return draw_inputs(self.data, self.trials, self.step, rounded_to, share).to(self.device, self.dtype)

    def _compute_step(self, parts: Iterable[StepInputs]) -> Tensor:
        """Compute a whole step on the device and return its record, followed by the sums of ``task_sums`` if evidence is gathered.

        ``parts`` are the parts of this worker's words. Each goes through the forward and the
        backward pass.
        """
        losses_of_parts: list[Tensor] = []
        for inputs in parts:
            total, losses = self.losses(inputs)
            if not losses_of_parts:
                # Gradients are freed after the forward pass. Freed before it, their memory would go
                # to the forward pass, and the new gradients would need memory that is not mapped
                # yet.
                self.optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            losses_of_parts.append(losses)
        losses = reduce(torch.add, losses_of_parts)
        losses, sums = losses.tensor_split([max(self.counts) + len(LOSSES)], 1)
        self.worker.all_reduce([*self.optimizer.gradients(), losses])
        if sums.numel():
            # In a message of its own: a longer message may sum in another order.
            self.worker.all_reduce([sums])
        clip_by_row(list(self.bank.parameters()), self.settings.clip_of_head)
        clip_by_row(list(self.classifiers.parameters()), self.settings.clip)
        self.optimizer.step()
        self.kept.restore()
        if self.loss_average is not None:
            sums = self.loss_average.update(sums)
        return torch.cat([self.r_ktm.detach().flatten(1), losses, sums], 1)

    def _head_rows(self, number: int) -> slice:
        return slice(self.starts[number], self.starts[number + 1])
