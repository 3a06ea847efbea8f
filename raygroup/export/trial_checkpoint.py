"""Read the heads, the classifier, R_TM and the charset of a finished trial.

They are in its last checkpoint. Neither the words nor the optimiser's state is needed.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from raygroup.config import Trial, trial_id
from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.local_copies import local_copy
from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.storage.checkpoint_format import read_facts
from raygroup.storage.checkpoint_index import read_last_checkpoint
from raygroup.storage.identity import without_rendering
from raygroup.storage.layout import CHECKPOINTS_FOLDER, CONFIG_FILE, WORD_FACTS_FILE
from raygroup.storage.records import read_record
from raygroup.storage.sweeps import StoredTrial, TrialState
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset
from raygroup.words.word_facts import read_word_facts
from raygroup.words.word_store import WordStore, open_word_store

_NO_HEADS = (
    "the trial has no trained heads: 'python -m raygroup.runs clean --heads' removes them, and "
    "'python -m raygroup.runs pull' copies them with --checkpoints last"
)

RENDERING_REPORT = "missing_glyph"
"""A field that only the report on rendered words has."""


@dataclass(frozen=True)
class TrialCheckpoint:
    """The last state of a finished trial."""

    stored: StoredTrial
    trial: Trial
    config: Mapping[str, Any]
    """The content of ``config.json``: settings and inputs."""
    charset: Charset
    tasks: tuple[str, ...]
    tensors: Mapping[str, Tensor]

    @property
    def r_tm(self) -> Tensor:
        """R_TM after the last step, (t, m)."""
        return self.tensors["r_tm"].float()

    def bank(self) -> HeadBank:
        """Return the trial's heads."""
        heads = self.trial.heads
        bank = HeadBank(
            heads.count, self.charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=heads.embeds, hidden=heads.hiddens
        )  # fmt: skip
        bank.load_state_dict(self._part("heads."))
        return bank.requires_grad_(False)

    def classifier(self) -> TaskClassifiers:
        """Return the trial's task classifier."""
        classifier = TaskClassifiers(1, len(self.tasks), FEATURES)
        classifier.load_state_dict(self._part("classifier."))
        return classifier.requires_grad_(False)

    def training_characters(self) -> dict[str, set[str]] | None:
        """Return the characters of each task's training labels.

        They come from the trial's record of them, or for an older trial from the prepared words.
        None if neither is there. Raises DamagedFileError if the record is damaged.
        """
        if facts := read_word_facts(self.stored.folder / WORD_FACTS_FILE):
            return {task: set(characters) for task, characters in facts.characters.items()}
        words = self._words
        if words is None:
            return None
        seen: dict[str, set[str]] = defaultdict(set)
        training = words.columns.take(words.rows_of("train"))
        for task, label in zip(training["task"].to_pylist(), training["label"].to_pylist(), strict=True):
            if task is not None:
                seen[task].update(label)
        return dict(seen)

    @property
    def words_origin(self) -> str:
        """``rendered``, ``given`` by whoever trained the trial, or ``unknown``."""
        sweep, data = self.stored.id.rpartition("-")[0], str(self.config["data"])
        origins = {
            origin
            for origin, variant in (("rendered", self.trial), ("given", without_rendering(self.trial)))
            if self.stored.id == trial_id(sweep, variant, data)
        }
        if len(origins) == 1:
            return origins.pop()
        if self._words is None:
            return "unknown"
        return "rendered" if RENDERING_REPORT in self._words.metadata.report else "given"

    @functools.cached_property
    def _words(self) -> WordStore | None:
        """The words that were prepared for the trial, if they are still there."""
        try:
            return open_word_store(local_copy(self.stored.folder.parent.parent / str(self.config.get("store", ""))))
        except (ConfigError, OSError):
            return None

    def _part(self, start: str) -> dict[str, Tensor]:
        return {name[len(start) :]: value.float() for name, value in self.tensors.items() if name.startswith(start)}


def read_trial_checkpoint(stored: StoredTrial) -> TrialCheckpoint:
    """Return the last state of a trial.

    Raises ConfigError if the trial is not done, if its trained heads are gone, or if they are not
    those of the laptop trunk, and DamagedFileError if the checkpoint is damaged.
    """
    from safetensors.torch import load

    if stored.state != TrialState.DONE:
        raise ConfigError(f"{stored.folder}: the trial is {stored.state}, so it has no reader yet: finish it with its sweep's command")
    trial, config = stored.config(), read_record(stored.folder / CONFIG_FILE)
    content = read_last_checkpoint(stored.folder)
    if content is None:
        raise ConfigError(f"{stored.folder / CHECKPOINTS_FOLDER}: {_NO_HEADS}")
    try:
        facts, tensors = read_facts(content), load(content)
        charset, tasks = Charset.from_json(facts["charset"]), tuple(facts["tasks"])
    except (KeyError, ValueError) as error:
        raise DamagedFileError(f"{stored.folder / CHECKPOINTS_FOLDER}: the last checkpoint does not describe its heads: {error}") from error
    if "heads.convolution" in tensors:
        raise ConfigError(
            f"{stored.folder}: its heads convolve planes, which only those of the laptop trunk do not: they cannot be exported"
        )
    used = {name: value for name, value in tensors.items() if not name.startswith("optimizer.")}
    return TrialCheckpoint(stored, trial, config, charset, tasks, {name: value.detach() for name, value in used.items()})
