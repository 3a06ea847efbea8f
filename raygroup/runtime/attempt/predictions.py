"""What a finished trial reads: the words it is tested on, through its own classifier's routing, into ``predictions.parquet``."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from raygroup.files.places import Place
from raygroup.scoring.predictions import write_predictions
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.training.packs.pack import Trained
from raygroup.training.word_reading import read_words, tested_rows
from raygroup.words.word_store import WordStore

_TESTED = 200
"""Words read of each task and split."""
_SHOWN = 3
"""Words of each task and split whose picture is kept for the summary."""


def predict_test_words(trained: Trained, words: WordStore) -> Callable[[Place], None]:
    """Reads at most ``_TESTED`` words of each task and split of a store; what writes them into a trial's folder."""
    task_of = words.task_numbers()
    by_split = {split: tested_rows(words.rows_of(split), task_of, _TESTED) for split in ("new", "unseen")}
    splits = [split for split, rows in by_split.items() for _ in rows]
    rows = np.concatenate(list(by_split.values()))
    found = read_words(trained, rows, task_of[rows])
    table = words.columns.take(rows)
    columns = {
        "split": splits, "task": table["task"].to_pylist(), "text": table["text"].to_pylist(), "reading": found.reading,
        "reading_by_true_task": found.by_true_task, "routed_task": found.task, "head": found.head, "confidence": found.confidence,
        "image": _shown(words, rows, splits, task_of[rows]),
    }  # fmt: skip
    return lambda folder: write_predictions(folder / PREDICTIONS_FILE, columns)


def _shown(words: WordStore, rows: NDArray[np.intp], splits: list[str], tasks: NDArray[np.int32]) -> list[bytes | None]:
    """The pictures of the first few words of each task and split."""
    seen: dict[tuple[str, int], int] = {}
    places = []
    for place, key in enumerate(zip(splits, tasks.tolist(), strict=True)):
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= _SHOWN:
            places.append(place)
    pictures: list[bytes | None] = [None] * len(rows)
    for mine, images in words.images(rows[places]):
        for place, image in zip(mine, images.to_pylist(), strict=True):
            pictures[places[place]] = image
    return pictures
