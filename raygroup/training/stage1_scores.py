"""Score the universal head of stage 1, by split and task."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import choose_kernels
from raygroup.scoring.word_accuracy import WordScore, pair_intervals, score_words
from raygroup.tasks import by_paper_order
from raygroup.training.feature_extraction import extract_features
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.labels import to_logical

TESTED_WORDS = 200
"""Words of each split and task that score the universal head."""


class Labelled(Protocol):
    """Crops (n, height, width), with the label and the task of each."""

    @property
    def crops(self) -> NDArray[np.uint8]: ...
    @property
    def labels(self) -> list[str]: ...
    @property
    def tasks(self) -> list[str]: ...


def score_universal(universal: UniversalModel, tested: Callable[[str, int], Labelled]) -> dict[str, Any]:
    """Return the scores of new images and of unseen words: split -> ``mean`` or task -> values.

    ``tested`` gives at most so many words of each task of a split. Values are ``words``, ``exact`` and ``one_minus_ned``, and the 95 %
    intervals over words of a task. A split without words is left out.
    """
    by_split = {}
    for split in ("new", "unseen"):
        words = tested(split, TESTED_WORDS)
        if words.labels:
            by_split[split] = _scores(words, read_labels(universal, words.crops, max(map(len, words.labels))))
    return by_split


def exact_by_task(scores: dict[str, Any]) -> dict[str, float]:
    """Return each task's exact match on new images, or on unseen words if it has no new images."""
    rows = {**scores.get("unseen", {}), **scores.get("new", {})}
    return {task: values["exact"] for task, values in rows.items() if task != "mean"}


@torch.no_grad()
def read_labels(universal: UniversalModel, crops: NDArray[np.uint8], longest: int) -> list[str]:
    """Read crops with the universal head, greedily. A reading has at most ``longest`` characters."""
    features = torch.from_numpy(extract_features(universal.trunk, crops)).float()
    reader = Reader(universal.head, choose_kernels("auto"))
    read = reader.greedy(features, torch.zeros(len(crops), dtype=torch.long), longest + 1)
    return [to_logical(universal.charset.decode(word)) for word in read.classes.tolist()]


def _scores(words: Labelled, readings: list[str]) -> dict[str, Any]:
    scores = score_words(words.tasks, words.labels, readings, by_paper_order(set(words.tasks)))
    rows: dict[str, Any] = {"mean": _rounded(scores.mean)}
    for task, score in scores.by_task.items():
        pairs = [(label, text) for name, label, text in zip(words.tasks, words.labels, readings, strict=True) if name == task]
        exact, similar = pair_intervals(pairs)
        rows[task] = _rounded(score) | {
            "exact_interval": [round(exact.low, 4), round(exact.high, 4)],
            "one_minus_ned_interval": [round(similar.low, 4), round(similar.high, 4)],
        }
    return rows


def _rounded(score: WordScore) -> dict[str, Any]:
    return {"words": score.num_words, "one_minus_ned": round(score.one_minus_ned, 4), "exact": round(score.accuracy, 4)}
