"""The words of stage 1: rendered from built-in lists, a user's images, rendered from a user's lists, or several of these."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raygroup.config import Pretraining, Words
from raygroup.config_sections import fingerprint, require
from raygroup.files.places import Place
from raygroup.runtime.preparation.extraction import ProgressCallback
from raygroup.runtime.preparation.prepare import render_store
from raygroup.runtime.processes import WorkerPool, cores
from raygroup.storage.layout import words_path
from raygroup.storage.locks import lock_folder
from raygroup.tasks import by_paper_order
from raygroup.training.word_reading import sample_test_rows
from raygroup.trunks import CROP_SIZE
from raygroup.values import BAD_SHARE
from raygroup.words.crops import crop_array
from raygroup.words.importing.importer import data_fingerprint, import_user_words
from raygroup.words.rendering.own_lists import OwnList
from raygroup.words.rendering.own_rendering import list_lines, plan_own_rendering
from raygroup.words.rendering.synthesis import Rendering, plan_rendering, words_of_tasks
from raygroup.words.word_store import WordStore, open_word_store

UNKNOWN_TASK = "any"
"""Words without a task, in tables of scores."""

_HELD_OUT_WORDS = 50
"""Words of each store and task that follow the training."""


@dataclass(frozen=True, kw_only=True)
class Stage1Inputs:
    """Where the words of stage 1 come from."""

    words: Path | None = None
    """A user's word images. They replace the words that the settings would render."""
    lists: tuple[OwnList, ...] = ()
    """A user's word lists, to render beside ``words`` or alone."""
    fonts: Path | None = None
    bad_share: float = BAD_SHARE

    @property
    def are_own(self) -> bool:
        return self.words is not None or bool(self.lists)


@dataclass(frozen=True)
class LabelledCrops:
    """Crops (n, height, width), with the label and the task of each."""

    crops: NDArray[np.uint8]
    labels: list[str]
    tasks: list[str]


@dataclass(frozen=True)
class Stage1Words:
    """The open word stores of a training. No word of their split ``unseen`` is trained on."""

    stores: tuple[WordStore, ...]
    notes: tuple[str, ...] = ()
    """Lines for the user on the lists: their words, fonts, and what was dropped."""

    @property
    def data(self) -> str:
        """Return the fingerprint of all words."""
        hashes = [store.metadata.fingerprint for store in self.stores]
        return hashes[0] if len(hashes) == 1 else fingerprint(*hashes)

    @functools.cached_property
    def tasks(self) -> tuple[str, ...]:
        return by_paper_order({task for store in self.stores for task in store.metadata.tasks})

    @functools.cached_property
    def num_held_back(self) -> int:
        """Count the training images of words that another store keeps unseen. They are left out of the training."""
        return sum(len(store.rows_of("train")) - len(rows) for store, rows in self._rows("train"))

    def training(self) -> LabelledCrops:
        """Read the training words into memory."""
        return self._read(self._rows("train"))

    def tested(self, split: str, most: int) -> LabelledCrops:
        """Read at most ``most`` words of each store and task, of the split ``new`` or ``unseen``."""
        chosen = ((store, sample_test_rows(rows, store.task_numbers(), most)) for store, rows in self._rows(split))
        return self._read(chosen)

    def held_out(self) -> LabelledCrops:
        """Read words that follow the training: unseen ones, or new images of training words if no word is unseen."""
        unseen = self.tested("unseen", _HELD_OUT_WORDS)
        return unseen if unseen.labels else self.tested("new", _HELD_OUT_WORDS)

    def labels_by_task(self) -> dict[str, list[str]]:
        """Return the different training labels of each task."""
        by_task: dict[str, dict[str, None]] = {}
        for store, rows in self._rows("train"):
            for task, label in zip(_task_names(store, rows), _labels(store, rows), strict=True):
                by_task.setdefault(task, {})[label] = None
        return {task: [*labels] for task, labels in by_task.items()}

    def _rows(self, split: str) -> Iterator[tuple[WordStore, NDArray[np.int64]]]:
        for store in self.stores:
            rows = store.rows_of(split)
            if split == "train" and self._unseen:
                labels = _labels(store, rows)
                rows = rows[[label.casefold() not in self._unseen for label in labels]]
            yield store, rows

    @functools.cached_property
    def _unseen(self) -> frozenset[str]:
        """Return the words that some store keeps unseen. A single store never trains on its own."""
        if len(self.stores) == 1:
            return frozenset()
        return frozenset(label.casefold() for store in self.stores for label in _labels(store, store.rows_of("unseen")))

    def _read(self, chosen: Iterator[tuple[WordStore, NDArray[np.int64]]]) -> LabelledCrops:
        parts = [(crop_array(store, rows, *CROP_SIZE), _labels(store, rows), _task_names(store, rows)) for store, rows in chosen]
        crops, labels, tasks = zip(*parts, strict=True)
        return LabelledCrops(np.concatenate(crops), [*_joined(labels)], [*_joined(tasks)])


def prepare_stage1_words(settings: Pretraining, inputs: Stage1Inputs, storage: Path, progress: ProgressCallback) -> Stage1Words:
    """Render and import the words into the cache of the storage path, unless they are there, and open them.

    Raises ConfigError for words, lists or fonts that cannot be used, and if more than ``inputs.bad_share`` of a user's words are lost.
    """
    stores, notes = [], []
    require(
        not (inputs.words and settings.words.parts), "words.parts", settings.words.parts,
        f"empty with --words {inputs.words}, because it divides the built-in word lists",
    )  # fmt: skip
    if inputs.words is not None:
        stores.append(_imported(inputs.words, settings, storage, inputs.bad_share, progress))
    if inputs.lists:
        rendering = plan_own_rendering(inputs.lists, settings.words, inputs.fonts)
        stores.append(_rendered(rendering, storage, progress))
        notes += list_lines(inputs.lists, rendering)
    if inputs.words is not None and settings.rehearsal:
        rehearsed = [task for task in settings.words.tasks if task in stores[0].metadata.tasks]
        rehearsed = [task for task in rehearsed if task not in {each.name for each in inputs.lists}]
        if rehearsed:
            stores.append(_rendered(plan_rendering(_rehearsal_words(settings, rehearsed), inputs.fonts), storage, progress))
            notes.append(f"{settings.rehearsal} words of each built-in list are rendered too, against forgetting: {', '.join(rehearsed)}")
    if not inputs.are_own:
        stores.append(_rendered(plan_rendering(settings.words, inputs.fonts), storage, progress))
    return Stage1Words(tuple(stores), tuple(notes))


def _rehearsal_words(settings: Pretraining, tasks: list[str]) -> Words:
    """Return the settings of words from the built-in lists of these tasks."""
    return replace(words_of_tasks(settings.words, tasks), words_per_task=settings.rehearsal)


def _rendered(rendering: Rendering, storage: Path, progress: ProgressCallback) -> WordStore:
    store = _local(words_path(storage, rendering.fingerprint))
    with lock_folder(store.parent, "cache"):
        if not store.exists():
            with WorkerPool(cores()) as workers:
                render_store(store, rendering, progress, workers)
    return open_word_store(store)


def _imported(words: Path, settings: Pretraining, storage: Path, bad_share: float, progress: ProgressCallback) -> WordStore:
    tasks = settings.words.tasks
    data = fingerprint("stage 1", data_fingerprint(words, progress), [*tasks])
    store = _local(words_path(storage, data))
    with lock_folder(store.parent, "cache"):
        if not store.exists():
            import_user_words(words, tasks, store, data, bad_share, progress)
    return open_word_store(store)


def _local(path: Place) -> Path:
    return Path(str(path))


def _labels(store: WordStore, rows: NDArray[np.int64]) -> list[str]:
    return store.columns["label"].take(rows).to_pylist()  # type: ignore[no-any-return]


def _task_names(store: WordStore, rows: NDArray[np.int64]) -> list[str]:
    return [name or UNKNOWN_TASK for name in store.columns["task"].take(rows).to_pylist()]


def _joined(parts: Sequence[Sequence[str]]) -> Iterator[str]:
    return (item for part in parts for item in part)
