"""The words of stage 1, in the open word stores that hold them."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raygroup.config import Words
from raygroup.config_sections import fingerprint
from raygroup.tasks import by_paper_order
from raygroup.training.word_reading import sample_test_rows
from raygroup.trunks import CROP_SIZE
from raygroup.words.crops import crop_array
from raygroup.words.word_store import WordStore

UNKNOWN_TASK = "any"
"""Words without a task, in tables of scores."""

_HELD_OUT_WORDS = 50
"""Words of each store and task that follow the training."""


@dataclass(frozen=True)
class LabelledCrops:
    """Crops (n, height, width), with the label and the task of each."""

    crops: NDArray[np.uint8]
    labels: list[str]
    tasks: list[str]
    sources: list[str] = field(default_factory=list)
    """Empty if nobody draws words by their sources."""


@dataclass(frozen=True)
class Stage1Words:
    """The open word stores of a training. No word of their split ``unseen`` is trained on."""

    stores: tuple[WordStore, ...]
    notes: tuple[str, ...] = ()
    """Lines for the user on the lists: their words, fonts, and what was dropped."""
    never_drawn: frozenset[str] = frozenset()
    """Sources whose ratio is 0. Their words are not trained on."""

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
        labels = (label for store in self.stores for label in _labels(store, self._drawn_rows(store)))
        return sum(label.casefold() in self._unseen for label in labels)

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
            rows = self._drawn_rows(store) if split == "train" else store.rows_of(split)
            if split == "train" and self._unseen:
                rows = rows[[label.casefold() not in self._unseen for label in _labels(store, rows)]]
            yield store, rows

    def _drawn_rows(self, store: WordStore) -> NDArray[np.int64]:
        """Return the training rows whose source may be drawn."""
        rows = store.rows_of("train")
        return rows[[source not in self.never_drawn for source in _sources(store, rows)]] if self.never_drawn else rows

    @functools.cached_property
    def _unseen(self) -> frozenset[str]:
        """Return the words that some store keeps unseen. A single store never trains on its own."""
        if len(self.stores) == 1:
            return frozenset()
        return frozenset(label.casefold() for store in self.stores for label in _labels(store, store.rows_of("unseen")))

    def _read(self, chosen: Iterator[tuple[WordStore, NDArray[np.int64]]]) -> LabelledCrops:
        columns = (_labels, _task_names, _sources)
        parts = [(crop_array(store, rows, *CROP_SIZE), *(column(store, rows) for column in columns)) for store, rows in chosen]
        crops, labels, tasks, sources = zip(*parts, strict=True)
        return LabelledCrops(np.concatenate(crops), [*_joined(labels)], [*_joined(tasks)], [*_joined(sources)])


def stage1_words(words: Words, stores: tuple[WordStore, ...], notes: tuple[str, ...] = ()) -> Stage1Words:
    """Return the words of these stores. Those of sources that the settings never draw are left out of the training."""
    return Stage1Words(stores, notes, frozenset(source for source, ratio in words.mixture if not ratio))


def _labels(store: WordStore, rows: NDArray[np.int64]) -> list[str]:
    return store.columns["label"].take(rows).to_pylist()  # type: ignore[no-any-return]


def _sources(store: WordStore, rows: NDArray[np.int64]) -> list[str]:
    return store.columns["source"].take(rows).to_pylist()  # type: ignore[no-any-return]


def _task_names(store: WordStore, rows: NDArray[np.int64]) -> list[str]:
    return [name or UNKNOWN_TASK for name in store.columns["task"].take(rows).to_pylist()]


def _joined(parts: Sequence[Sequence[str]]) -> Iterator[str]:
    return (item for part in parts for item in part)
