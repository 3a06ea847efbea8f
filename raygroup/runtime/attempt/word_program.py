"""Trials on words as a program: a pack, its histories, and the test words that it reads at the end."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Trial
from raygroup.files.places import Place
from raygroup.history.schema import task_evidence_schema
from raygroup.history.task_evidence import seal_task_evidence
from raygroup.history.writer import HistoryWriter, RowWriter
from raygroup.model.kernels.forms import Kernels, choose_kernels
from raygroup.runtime.attempt.pack_inputs import load_trained_tensors, load_training_data, load_universal_weights
from raygroup.runtime.attempt.predictions import predict_group_words, predict_test_words
from raygroup.runtime.attempt.program import StepRow
from raygroup.runtime.attempt.scalars import grouping_curves, grouping_progress, write_settings_and_scores
from raygroup.runtime.attempt.session import WorkerContext
from raygroup.runtime.placement import Placement
from raygroup.scoring.predictions import read_predictions, score_predictions
from raygroup.scoring.word_accuracy import WordScores
from raygroup.search_space import AnyTrial
from raygroup.storage.layout import EVIDENCE, PREDICTIONS_FILE
from raygroup.storage.leases import Lease
from raygroup.tables.trial_result import SCORE_COLUMNS, TESTED_SPLITS, mean_score
from raygroup.training.packs.by_task.evidence import EvidenceRow
from raygroup.training.packs.initial_state import TrainedTensors
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.step_records import LOSSES, step_records
from raygroup.words.word_store import WordStore


class WordProgram:
    """A pack, and what the files of its trials hold."""

    speed_name = "words_per_s"

    def __init__(self, pack: Pack, words: WordStore) -> None:
        self.pack, self.words = pack, words
        training = pack.common.training
        self.steps, self.batch, self.checkpoint_every = training.steps, training.batch, training.checkpoint_every
        self.advance, self.state, self.restore = pack.advance, pack.state, pack.restore
        self._evidence: list[dict[int, EvidenceRow]] = []

    @property
    def step(self) -> int:
        return self.pack.step

    def without(self, numbers: Sequence[int]) -> "WordProgram":
        return type(self)(self.pack.without(numbers), self.words)

    def split_records(self, records: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        self._evidence = self.pack.evidence.take()
        return self.pack.split_records(records)

    def step_rows(self, number: int, rows: NDArray[np.float32], first_step: int) -> Iterator[StepRow]:
        tasks = self.pack.data.tasks
        for step, r_tm, nll_m, losses in step_records(rows, first_step, len(tasks), self.pack.counts[number]):
            scalars = functools.partial(word_scalars, tasks, r_tm, losses)
            yield StepRow(step, (r_tm, nll_m, *(losses[name] for name in LOSSES)), losses, scalars, self._evidence[number].get(step))

    def checkpoint_facts(self) -> dict[str, Any]:
        data = self.pack.data
        return {"charset": data.charset.to_json(), "tasks": data.tasks, "kernels": self.pack.kernels.name}

    def progress(self, number: int) -> dict[str, Any]:
        r_tm = self.pack.r_ktm.detach()[number, :, : self.pack.counts[number]].float().cpu().numpy()
        return grouping_progress(self.pack.data.tasks, r_tm)

    def write_results(self, number: int) -> Callable[[Place], None]:
        return self._with_evidence(predict_test_words(self.pack.trained_trial(number), self.words))

    def _with_evidence(self, write_readings: Callable[[Place], None]) -> Callable[[Place], None]:
        """Return a function that also seals the evidence on tasks, if there is any."""

        def write(folder: Place) -> None:
            write_readings(folder)
            if self.pack.common.training.evidence != "none":
                seal_task_evidence(folder, self.steps)

        return write

    def write_final_scalars(self, number: int, folder: Place, attempt: int) -> None:
        words = read_predictions(folder / PREDICTIONS_FILE, SCORE_COLUMNS)
        scores = {split: score_predictions(words, split) for split in TESTED_SPLITS}
        means = [f"{measure}_{split}/mean" for split in scores for measure in _MEASURES]
        write_settings_and_scores(folder, attempt, self.pack.trials[number], self.step, dict(_named_scores(scores)), means)

    def outcome(self, number: int) -> dict[str, Any]:
        return {"device": self.pack.device, "kernels": self.pack.kernels.name, "new_characters": self.pack.new_characters[number]}


class BankProgram(WordProgram):
    """A pack of banks of group heads. They have no grouping, and no classifier that routes words."""

    def progress(self, number: int) -> dict[str, Any]:
        return {"decisiveness": 1.0, "grouping": f"{self.pack.counts[number]} group heads"}

    def step_rows(self, number: int, rows: NDArray[np.float32], first_step: int) -> Iterator[StepRow]:
        for row in super().step_rows(number, rows, first_step):
            yield replace(row, scalars=functools.partial(_loss_scalars, row.losses))

    def write_results(self, number: int) -> Callable[[Place], None]:
        return self._with_evidence(predict_group_words(self.pack.trained_trial(number), self.words))

    def write_final_scalars(self, number: int, folder: Place, attempt: int) -> None:
        write_settings_and_scores(folder, attempt, self.pack.trials[number], self.step, {}, [])


class WordInputs:
    """The words of a pack, and the form of its kernels."""

    def __init__(self, trial: Trial, config: Mapping[str, Any], context: WorkerContext, stored_kernels: str | None) -> None:
        """Load the words of a trial and its config.json. ``stored_kernels`` is the form of the checkpoint to resume from."""
        storage = context.storage
        self.context, self.weights = context, str(config["weights"])
        self.words, self.data = load_training_data(storage / config["store"], storage / config["features"], trial, context.retry)
        self.form = _kernel_form(context.placement, stored_kernels)

    @property
    def history_facts(self) -> dict[str, Any]:
        return {"charset": self.data.charset.hash, "kernels": self.form.name}

    def open_history(self, lease: Lease, trial: AnyTrial, metadata: dict[str, Any]) -> HistoryWriter:
        settings, retry = _require_words(trial), self.context.retry
        heads, training, evidence = settings.heads.count, settings.training, None
        if training.evidence != "none":
            schema = task_evidence_schema(self.data.tasks, heads, training.evidence, training.evidence_every, metadata)
            evidence = RowWriter(lease.folder, lease.attempt, schema, retry=retry, record=EVIDENCE)
        return HistoryWriter(lease.folder, lease.attempt, self.data.tasks, heads, metadata, retry=retry, evidence=evidence)

    def start(self, trials: Sequence[AnyTrial], starts: Sequence[str | None]) -> WordProgram:
        placement, worker = self.context.placement, self.context.group.worker
        universal = self.context.retry(lambda: load_universal_weights(self.context.storage, self.weights))
        on_words = [_require_words(trial) for trial in trials]
        trained = [self._trained_tensors(trial, start) for trial, start in zip(on_words, starts, strict=True)]
        pack = Pack(on_words, self.data, universal, placement.device, self.form, worker, placement.accumulate, trained=trained)
        return (BankProgram if pack.common.grouping.is_cover else WordProgram)(pack, self.words)

    def _trained_tensors(self, trial: Trial, start: str | None) -> TrainedTensors | None:
        """Return the tensors of the stage-2 trial from which a trial goes on. Other trials have none."""
        if trial.heads.start != "trained" or start is None:
            return None
        return self.context.retry(lambda: load_trained_tensors(self.context.storage / start, self.data, trial.grouping))


_MEASURES = {"accuracy": "accuracy", "1-NED": "one_minus_ned"}
"""Name of a measure in TensorBoard -> its field of a score."""


def word_scalars(tasks: Sequence[str], r_tm: NDArray[np.float32], losses: Mapping[str, float]) -> dict[str, float]:
    """Return the curves of TensorBoard at a step: losses, decisiveness, and the head of each task."""
    return _loss_scalars(losses) | grouping_curves(tasks, r_tm)


def _loss_scalars(losses: Mapping[str, float]) -> dict[str, float]:
    return {f"loss/{name}": loss for name, loss in losses.items()}


def _named_scores(scores: Mapping[str, WordScores]) -> Iterator[tuple[str, float]]:
    for split, of_split in scores.items():
        for name, score in {"mean": mean_score(of_split), **of_split.by_task}.items():
            for measure, field in _MEASURES.items():
                yield f"{measure}_{split}/{name}", getattr(score, field)


def _kernel_form(placement: Placement, stored: str | None) -> Kernels:
    """Return the kernel form with which to train.

    It is that of the checkpoint, so that trials continue bit for bit. Without a checkpoint, or if
    this device cannot run its form, it is that of the placement.
    """
    if stored is not None:
        with contextlib.suppress(ValueError):
            return choose_kernels(stored, placement.device)
    return choose_kernels(placement.kernels, placement.device)


def _require_words(trial: AnyTrial) -> Trial:
    if not isinstance(trial, Trial):
        raise TypeError(f"a {type(trial).__name__} cannot share a pack with trials on words")
    return trial
