"""Read test words with a trained trial, and write the readings and the facts about its words.

The trial's own classifier routes each word to a head.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.files.places import Place
from raygroup.history.group_readings import write_group_readings
from raygroup.scoring.predictions import write_predictions
from raygroup.storage.layout import GROUP_READINGS_FILE, PREDICTIONS_FILE, WORD_FACTS_FILE
from raygroup.training.packs.group_reading import read_with_groups
from raygroup.training.packs.trained_trial import TrainedTrial
from raygroup.training.word_nll import word_nll
from raygroup.training.word_reading import predict_words, sample_test_rows, time_reading
from raygroup.words.word_facts import ReadingTime, WordFacts, task_characters, write_word_facts
from raygroup.words.word_store import WordStore

_MAX_WORDS = 200
"""Most words of a task and split that are read."""
_MAX_PICTURES = 3
"""Most words of a task and split whose pictures are stored for the summary."""


def predict_test_words(trained: TrainedTrial, words: WordStore) -> Callable[[Place], None]:
    """Read test words of a store with a trained trial.

    It reads at most 200 words of each task and split. Returns a function that writes the readings
    and the facts about the words into a trial's folder.
    """
    task_of = words.task_numbers()
    splits, rows = _test_rows(words)
    readings = predict_words(trained, rows, task_of[rows])
    table = words.columns.take(rows)
    columns = {
        "split": splits, "task": table["task"].to_pylist(), "text": table["text"].to_pylist(), "reading": readings.reading,
        "reading_by_true_task": readings.by_true_task, "routed_task": readings.task, "head": readings.head,
        "confidence": readings.confidence, "image": _pictures(words, rows, splits, task_of[rows]), **_nll(trained, rows, task_of[rows]),
    }  # fmt: skip
    facts = _word_facts(trained, words, time_reading(trained, rows, task_of[rows]))

    def write(folder: Place) -> None:
        write_predictions(folder / PREDICTIONS_FILE, columns)
        write_word_facts(folder / WORD_FACTS_FILE, facts)

    return write


def predict_group_words(trained: TrainedTrial, words: WordStore) -> Callable[[Place], None]:
    """Read test words with every group head that has their task. They are the words that ``predict_test_words`` reads.

    Returns a function that writes the readings and the facts about the words into a trial's folder.
    """
    splits, rows = _test_rows(words)
    texts = words.columns["text"].take(rows).to_pylist()
    columns = read_with_groups(trained, rows, splits, texts, words.task_numbers()[rows])
    facts = _word_facts(trained, words, ())

    def write(folder: Place) -> None:
        write_group_readings(folder / GROUP_READINGS_FILE, columns)
        write_word_facts(folder / WORD_FACTS_FILE, facts)

    return write


def _test_rows(words: WordStore) -> tuple[list[str], NDArray[np.intp]]:
    """Return the split and the row of each word to read."""
    task_of = words.task_numbers()
    by_split = {split: sample_test_rows(words.rows_of(split), task_of, _MAX_WORDS) for split in ("new", "unseen")}
    return [split for split, rows in by_split.items() for _ in rows], np.concatenate(list(by_split.values()))


def _nll(trained: TrainedTrial, rows: NDArray[np.intp], true_task: NDArray[np.int32]) -> dict[str, list[Any]]:
    """Return the columns of the losses: under the head of the true task, and under every head."""
    nll_wm = word_nll(trained, rows)
    true_head = trained.r_tm.argmax(-1).cpu().numpy()[true_task]  # -1 picks the last task; such words are left out below
    by_true_task = np.where(true_task < 0, np.nan, nll_wm[np.arange(len(rows)), true_head])
    is_known = ~np.isnan(nll_wm[:, 0])
    return {
        "nll": [None if np.isnan(value) else value for value in by_true_task.tolist()],
        "nll_by_head": [row if known else None for row, known in zip(nll_wm.tolist(), is_known.tolist(), strict=True)],
    }  # fmt: skip


def _word_facts(trained: TrainedTrial, words: WordStore, times: tuple[ReadingTime, ...]) -> WordFacts:
    training = words.columns.select(["task", "label"]).take(words.rows_of("train"))
    characters = task_characters(zip(training["task"].to_pylist(), training["label"].to_pylist(), strict=True))
    return WordFacts(
        classes=trained.data.charset.num_classes, shape=tuple(trained.data.features.shape),
        characters={task: letters for task, letters in characters.items() if task is not None},
        characters_without_task=characters.get(None, frozenset()), times=times, device=trained.device, threads=torch.get_num_threads(),
    )  # fmt: skip


def _pictures(words: WordStore, rows: NDArray[np.intp], splits: list[str], tasks: NDArray[np.int32]) -> list[bytes | None]:
    """Return the pictures of the first few words of each task and split.

    Other rows have None.
    """
    counts: dict[tuple[str, int], int] = {}
    positions = []
    for position, key in enumerate(zip(splits, tasks.tolist(), strict=True)):
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _MAX_PICTURES:
            positions.append(position)
    pictures: list[bytes | None] = [None] * len(rows)
    for indices, images in words.images(rows[positions]):
        for index, image in zip(indices, images.to_pylist(), strict=True):
            pictures[positions[index]] = image
    return pictures
