"""What a trained trial reads in words it is tested on: routed by its own classifier, and by the true task beside it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.grouping import route
from raygroup.model.heads.decoding import Reader
from raygroup.randomness import generator
from raygroup.training.label_batches import LONGEST
from raygroup.training.packs.pack import Trained
from raygroup.words.labels import to_logical

_WORDS = 256


@dataclass(frozen=True)
class Readings:
    """Columns, one row a word; ``by_true_task`` is None where the task is not known."""

    reading: list[str]
    by_true_task: list[str | None]
    task: list[str]
    head: list[int]
    confidence: list[float]


def tested_rows(rows: NDArray[np.intp], task_of: NDArray[np.int32], most: int) -> NDArray[np.intp]:
    """At most ``most`` of the rows of each task (-1: not known), always the same ones."""
    chosen = []
    for task in np.unique(task_of[rows]):
        mine = rows[task_of[rows] == task]
        chosen.append(generator("tested words", int(task)).permutation(mine)[:most])
    return np.concatenate(chosen) if chosen else rows[:0]


@torch.no_grad()
def read_words(trained: Trained, rows: NDArray[np.intp], true_task: NDArray[np.int32]) -> Readings:
    """Every word once by the head its classifier's task goes to, and once by the true task's; ``true_task`` (w,), -1 where unknown."""
    found = Readings([], [], [], [], [])
    head_of_task = trained.r_tm.argmax(-1).cpu()
    reader = Reader(trained.bank, trained.kernels)
    for start in range(0, len(rows), _WORDS):
        part = slice(start, start + _WORDS)
        words = torch.from_numpy(trained.material.features.rows(rows[part])).to(trained.device).to(trained.r_tm.dtype)
        p_wt = trained.classifier(words)[0].softmax(-1)
        heads = route(p_wt, trained.r_tm, trained.trial.grouping.route).cpu()
        texts, scores = _read(trained, reader, words, heads)
        truth = torch.from_numpy(true_task[part]).long()
        true_heads = torch.where(truth >= 0, head_of_task[truth.clamp(min=0)], -1)
        others, _ = _read(trained, reader, words, torch.where(true_heads == heads, -1, true_heads))
        found.reading.extend(texts)
        found.by_true_task.extend(
            None if head < 0 else text if head == own else other
            for text, other, head, own in zip(texts, others, true_heads.tolist(), heads.tolist(), strict=True)
        )
        found.task.extend(trained.material.tasks[number] for number in p_wt.argmax(-1).tolist())
        found.head.extend(heads.tolist())
        found.confidence.extend(scores)
    return found


def _read(trained: Trained, reader: Reader, words: Tensor, heads: Tensor) -> tuple[list[str], list[float]]:
    """Each word by its head; "" for words of head -1."""
    texts, scores = [""] * len(words), [0.0] * len(words)
    places = (heads >= 0).nonzero().squeeze(1)
    longest = min(int(trained.material.lengths.max(initial=1)), LONGEST + 1)
    read = reader.greedy(words[places.to(words.device)], heads[places], longest)
    for place, classes, score in zip(places.tolist(), read.classes.tolist(), read.confidence.tolist(), strict=True):
        texts[place], scores[place] = to_logical(trained.material.charset.decode(classes)), score
    return texts, scores
