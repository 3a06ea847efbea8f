"""Read words with a trained trial, to test it.

A word is read by the head that its predicted task is routed to, and by the head of its true task.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.grouping import route
from raygroup.model.heads.decoding import Reader
from raygroup.randomness import generator
from raygroup.training.packs.trained_trial import TrainedTrial
from raygroup.words.labels import LONGEST, to_logical
from raygroup.words.word_facts import ReadingTime

_WORDS_PER_BLOCK = 256
_TIMED_WORDS = 64
"""Most words of a task that are read again to time the reading."""


@dataclass(frozen=True)
class Readings:
    """The readings of several words, in columns. A row is one word."""

    reading: list[str]
    by_true_task: list[str | None]
    """Readings by the head of the true task. None if the task is unknown."""
    task: list[str]
    head: list[int]
    confidence: list[float]


def sample_test_rows(rows: NDArray[np.intp], task_of: NDArray[np.int32], most: int) -> NDArray[np.intp]:
    """Choose at most ``most`` rows of each task. The choice is always the same.

    ``task_of`` is the task of every row of the store, or -1 if it is unknown. Unknown tasks count
    as one task.
    """
    samples = []
    for task in np.unique(task_of[rows]):
        rows_of_task = rows[task_of[rows] == task]
        samples.append(generator("tested words", int(task)).permutation(rows_of_task)[:most])
    return np.concatenate(samples) if samples else rows[:0]


@torch.no_grad()
def predict_words(trained: TrainedTrial, rows: NDArray[np.intp], true_task: NDArray[np.int32]) -> Readings:
    """Read each word with the heads of its predicted and its true task.

    ``true_task`` is (w,), with -1 for unknown tasks. A word whose two heads are the same is read
    once.
    """
    readings = Readings([], [], [], [], [])
    head_of_task = trained.r_tm.argmax(-1).cpu()
    reader = Reader(trained.bank, trained.kernels)
    for start in range(0, len(rows), _WORDS_PER_BLOCK):
        part = slice(start, start + _WORDS_PER_BLOCK)
        words = _features(trained, rows[part])
        p_wt, heads = _routed(trained, words)
        texts, scores = _read(trained, reader, words, heads)
        known_task = torch.from_numpy(true_task[part]).long()
        true_heads = torch.where(known_task >= 0, head_of_task[known_task.clamp(min=0)], -1)
        # Only words that the true task sends to another head are read again.
        other_texts, _ = _read(trained, reader, words, torch.where(true_heads == heads, -1, true_heads))
        readings.reading.extend(texts)
        readings.by_true_task.extend(
            None if true_head < 0 else text if true_head == head else other_text
            for text, other_text, true_head, head in zip(texts, other_texts, true_heads.tolist(), heads.tolist(), strict=True)
        )
        readings.task.extend(trained.data.tasks[number] for number in p_wt.argmax(-1).tolist())
        readings.head.extend(heads.tolist())
        readings.confidence.extend(scores)
    return readings


@torch.no_grad()
def predicted_tasks(trained: TrainedTrial, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the place of the task that the classifier finds most likely for each word, (w,)."""
    blocks = [rows[start : start + _WORDS_PER_BLOCK] for start in range(0, len(rows), _WORDS_PER_BLOCK)]
    found = [trained.classifier(_features(trained, block))[0].argmax(-1).cpu().numpy() for block in blocks]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


@torch.no_grad()
def time_reading(trained: TrainedTrial, rows: NDArray[np.intp], true_task: NDArray[np.int32]) -> tuple[ReadingTime, ...]:
    """Read a few words of each task once more, by the classifier's route, and return the time.

    The readings are dropped, so this changes no prediction. ``true_task`` is as in ``predict_words``.
    """
    reader = Reader(trained.bank, trained.kernels)
    times = []
    for number in np.unique(true_task).tolist():
        words = _features(trained, rows[true_task == number][:_TIMED_WORDS])
        _wait_for(trained.device)
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        _read(trained, reader, words, _routed(trained, words)[1])
        _wait_for(trained.device)
        cpu_s, wall_s = time.process_time() - start_cpu_s, time.perf_counter() - start_s
        times.append(ReadingTime(trained.data.tasks[number] if number >= 0 else None, len(words), cpu_s, wall_s))
    return tuple(times)


def _wait_for(device: str) -> None:
    """Wait until a GPU has done what it was given."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def _features(trained: TrainedTrial, rows: NDArray[np.intp]) -> Tensor:
    return torch.from_numpy(trained.data.features.rows(rows)).to(trained.device).to(trained.r_tm.dtype)


def _routed(trained: TrainedTrial, words: Tensor) -> tuple[Tensor, Tensor]:
    """Return P_WT by the classifier, and the head of each word."""
    p_wt = trained.classifier(words)[0].softmax(-1)
    return p_wt, route(p_wt, trained.r_tm, trained.trial.grouping.route).cpu()


def _read(trained: TrainedTrial, reader: Reader, words: Tensor, heads: Tensor) -> tuple[list[str], list[float]]:
    """Return the text and the confidence of each word.

    Words of head -1 are not read, and their text is empty.
    """
    texts, scores = [""] * len(words), [0.0] * len(words)
    places = (heads >= 0).nonzero().squeeze(1)
    longest = min(int(trained.data.lengths.max(initial=1)), LONGEST + 1)
    decoded = reader.greedy(words[places.to(words.device)], heads[places], longest)
    for place, classes, score in zip(places.tolist(), decoded.classes.tolist(), decoded.confidence.tolist(), strict=True):
        texts[place], scores[place] = to_logical(trained.data.charset.decode(classes)), score
    return texts, scores
