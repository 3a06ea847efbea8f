"""Make a package of a finished trial, in memory."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

import pyarrow as pa

from raygroup.config_sections import to_json
from raygroup.errors import ConfigError
from raygroup.export.evidence import COLUMNS, accuracy_rows, task_thresholds
from raygroup.export.head_names import head_name
from raygroup.export.trial_checkpoint import TrialCheckpoint, read_trial_checkpoint
from raygroup.history.assignments import grouping
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.pruning import prune_head
from raygroup.model.router import Router
from raygroup.reading.package import Package
from raygroup.reading.record import HeadRecord, PackageRecord
from raygroup.runtime.attempt.pack_inputs import load_universal_weights
from raygroup.runtime.attempt.provenance import versions
from raygroup.scoring.predictions import read_predictions
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.storage.sweeps import StoredTrial
from raygroup.tasks import by_paper_order
from raygroup.training.reading_model import ReadingModel, TorchBackend
from raygroup.trunks import CROP_SIZE, FEATURE_SHAPE
from raygroup.words.labels import LONGEST
from raygroup.words.task_characters import group_characters

DEFAULT_BEAMS = 6
FROM_LABELS = "the script of each task and its training labels"
FROM_SCRIPTS = "the script of each task alone, because the training words are gone or name no tasks"
_LEAST_SAME = 0.5
"""Share of the trial's own test words that must be read again as it read them.

Pruning and rounded features change a reading now and then. Another trunk changes nearly all.
"""


@dataclass(frozen=True)
class TrialModel:
    """A trial that can read."""

    record: PackageRecord
    """Without files."""
    model: ReadingModel
    own_images: tuple[bytes, ...]
    """Test words whose pictures the trial stored."""

    @functools.cached_property
    def package(self) -> Package:
        """The same as a package that is read with torch."""
        return Package(self.record, TorchBackend(self.record, self.model))


def load_trial_model(stored: StoredTrial, beams: int = DEFAULT_BEAMS) -> TrialModel:
    """Return the record and the model of a finished trial.

    Raises ConfigError if the trial is not done, if its trained heads are gone, or if it reads its own
    test words otherwise than before, as it does with another trunk.
    """
    checkpoint = read_trial_checkpoint(stored)
    predictions = read_predictions(stored.folder / PREDICTIONS_FILE, COLUMNS)
    weights = str(checkpoint.config.get("weights", "laptop"))
    try:
        universal = load_universal_weights(stored.folder.parent.parent, weights)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{stored.folder}: its stage-1 weights {weights} are not in {stored.folder.parent.parent}: "
            "'python -m raygroup.runs pull' copies them with --caches"
        ) from error
    pruned = _prune_heads(checkpoint)
    router = Router(checkpoint.classifier(), checkpoint.r_tm, [*pruned.banks], checkpoint.trial.grouping.route)
    model = ReadingModel(universal.trunk, router.eval().requires_grad_(False), tuple(pruned.banks.values()))
    words = predictions.filter(predictions["image"].is_valid()).select(["image", "reading"]).to_pylist()
    content = TrialModel(_record(checkpoint, pruned, predictions, beams), model, tuple(word["image"] for word in words))
    again = [reading.text for reading in content.package.read(content.own_images)]
    same = sum(word["reading"] == text for word, text in zip(words, again, strict=True))
    if same < _LEAST_SAME * len(words):
        raise ConfigError(
            f"{stored.folder}: reads only {same} of its own {len(words)} test words as at the end of its training: the stage-1 weights "
            f"({weights}) are not those that it was trained with: use the raygroup that trained it"
        )
    return content


@dataclass(frozen=True)
class _PrunedHeads:
    """The heads that have tasks, pruned to the characters of their groups."""

    banks: Mapping[int, HeadBank]
    """By the head's number in the trial."""
    records: tuple[HeadRecord, ...]
    characters_from: str


def _prune_heads(checkpoint: TrialCheckpoint) -> _PrunedHeads:
    whole, seen, characters = checkpoint.bank(), checkpoint.training_characters(), checkpoint.charset.characters
    banks, records = {}, []
    for head, group in _groups(checkpoint).items():
        kept = group_characters(checkpoint.charset, group, checkpoint.tasks, seen)
        banks[head] = prune_head(whole, head, kept)
        records.append(
            HeadRecord(
                name=head_name(group, head), tasks=group, characters="".join(characters[number - 1] for number in kept),
                embed=whole.embeds[head], hidden=whole.hiddens[head], parameters=banks[head].num_parameters(0),
                whole_parameters=whole.num_parameters(head),
            )
        )  # fmt: skip
    return _PrunedHeads(banks, tuple(records), FROM_LABELS if seen else FROM_SCRIPTS)


def _record(checkpoint: TrialCheckpoint, pruned: _PrunedHeads, predictions: pa.Table, beams: int) -> PackageRecord:
    heads, stored, trial = pruned.records, checkpoint.stored, checkpoint.trial
    settings = to_json(trial)
    settings["weights"]["file"] = PurePath(settings["weights"]["file"]).name  # the folders of this machine are nobody's business
    return PackageRecord(
        versions=versions(),
        trial={
            "id": stored.id, "label": stored.label, "sweep": stored.folder.parent.name, "words": checkpoint.words_origin,
            "settings": settings,
        },
        tasks=checkpoint.tasks, grouping={task: head.name for head in heads for task in head.tasks},
        route=trial.grouping.route, heads=heads,
        idle_heads=tuple(sorted(set(range(trial.heads.count)) - pruned.banks.keys())), characters_from=pruned.characters_from,
        crop=CROP_SIZE, features=FEATURE_SHAPE, longest=LONGEST + 1, beams=beams, accuracy=accuracy_rows(predictions),
        thresholds=task_thresholds(predictions, checkpoint.tasks), parity={}, sizes={}, files={},
    )  # fmt: skip


def _groups(checkpoint: TrialCheckpoint) -> Mapping[int, tuple[str, ...]]:
    """Return the tasks of each head that has some, by its number."""
    final = grouping(checkpoint.tasks, checkpoint.r_tm.shape[1], checkpoint.r_tm.argmax(-1).tolist())
    return {head: by_paper_order(set(group)) for head, group in final.by_head.items() if group}
