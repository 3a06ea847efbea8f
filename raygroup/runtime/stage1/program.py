"""A trial of stage 1 as a program, and its inputs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from raygroup.config import Pretraining
from raygroup.config_sections import to_json
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place
from raygroup.history.schema import spotter_history_schema
from raygroup.history.writer import RowWriter
from raygroup.runtime.attempt.pack_inputs import load_universal_weights
from raygroup.runtime.attempt.scalars import write_settings_and_scores
from raygroup.runtime.attempt.session import WorkerContext
from raygroup.runtime.attempt.spotter_program import SingleProgram
from raygroup.runtime.planning.jobs import SPOTTER, SPOTTER_READER
from raygroup.runtime.stage1.words import Stage1Words, stage1_words
from raygroup.search_space import AnyTrial
from raygroup.storage.layout import UNIVERSAL_FILE
from raygroup.storage.leases import Lease
from raygroup.training.held_out import HeldOutCurve
from raygroup.training.stage1_scores import score_universal
from raygroup.training.universal_draws import training_words
from raygroup.training.universal_start import UniversalStart, known_characters, load_start, stage1_charset
from raygroup.training.universal_trainer import LOSSES, UniversalTrainer
from raygroup.training.universal_weights import save_universal
from raygroup.words.mixtures import mixed_words
from raygroup.words.word_store import open_word_store

_MEASURES = {"accuracy": "exact", "1-NED": "one_minus_ned"}
"""Name of a measure in TensorBoard -> its name in the scores."""


class UniversalInputs:
    """The words of a trial of stage 1, and its first weights."""

    def __init__(self, trial: Pretraining, config: Mapping[str, Any], context: WorkerContext) -> None:
        """Open the words and load the weights that a trial's config.json names."""
        self.context, self.data = context, str(config["data"])
        store = context.retry(lambda: local_copy(context.storage / config["store"]))
        self.words = stage1_words(trial.words, (open_word_store(store),))
        self.start_weights = _load_start(context, config["weights"]) if "weights" in config else None
        self.training = self.words.training()
        self.charset = stage1_charset(self.training.labels, self.start_weights, trial)

    @property
    def history_facts(self) -> dict[str, Any]:
        return {"charset": self.charset.hash}

    def open_history(self, lease: Lease, trial: AnyTrial, metadata: dict[str, Any]) -> RowWriter:
        return RowWriter(lease.folder, lease.attempt, spotter_history_schema(LOSSES, metadata), retry=self.context.retry)

    def start(self, trials: Sequence[AnyTrial], starts: Sequence[str | None]) -> "UniversalProgram":
        (trial,) = trials
        if not isinstance(trial, Pretraining):
            raise TypeError(f"a {type(trial).__name__} is no trial of stage 1")
        crops, labels, tasks = self.training.crops, self.training.labels, self.training.tasks
        known, mixed = known_characters(self.start_weights, trial), mixed_words(trial.words, self.training.sources)
        held_out = self.words.held_out()
        curve = HeldOutCurve(held_out.crops, held_out.labels, held_out.tasks, self.charset)
        words = training_words(crops, labels, tasks, self.charset, trial, known, mixed)
        trainer = UniversalTrainer(words, self.charset, trial, self.start_weights, curve, self.context.placement.device)
        return UniversalProgram(trainer, self.words, self.data)


class UniversalProgram(SingleProgram):
    """A trunk and a universal head in training."""

    losses = LOSSES
    remedy = "Lower learning_rate, head_learning_rate or clip"

    def __init__(self, trainer: UniversalTrainer, words: Stage1Words, data: str) -> None:
        """``data`` is the fingerprint of words and first weights."""
        settings = trainer.settings
        super().__init__(trainer, settings, settings.all_steps, settings.batch, settings.checkpoint_every)
        self.trainer, self.words, self.data = trainer, words, data
        self.advance = trainer.advance
        self._scores: dict[str, Any] = {}

    def checkpoint_facts(self) -> dict[str, Any]:
        return super().checkpoint_facts() | {"charset": self.trainer.charset.to_json()}

    def write_results(self, number: int) -> Callable[[Place], None]:
        universal = self.trainer.universal()
        self._scores = score_universal(universal, self.words.tested)
        about = {
            "settings": to_json(self.trainer.settings), "data": self.data, "scores": self._scores, "held_out": self.trainer.curve.to_json(),
        }  # fmt: skip
        return lambda folder: save_universal(folder / UNIVERSAL_FILE, universal, about)

    def write_final_scalars(self, number: int, folder: Place, attempt: int) -> None:
        values = dict(_named_scores(self._scores))
        write_settings_and_scores(folder, attempt, self.settings, self.step, values, [name for name in values if name.endswith("/mean")])

    def outcome(self, number: int) -> dict[str, Any]:
        return super().outcome(number) | {"scores": self._scores}


def _load_start(context: WorkerContext, name: str) -> UniversalStart:
    if name == SPOTTER:
        return load_start(SPOTTER_READER)
    return context.retry(lambda: load_universal_weights(context.storage, name))


def _named_scores(scores: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for split, rows in scores.items():
        for task, values in rows.items():
            for measure, field in _MEASURES.items():
                yield f"{measure}_{split}/{task}", float(values[field])
