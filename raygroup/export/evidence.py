"""Accuracy and thresholds of a package, from its trial's test words."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from raygroup.reading.thresholds import Threshold, derive_threshold
from raygroup.scoring.word_accuracy import is_read, pair_intervals
from raygroup.tables.trial_result import TESTED_SPLITS

COLUMNS = ("split", "task", "text", "reading", "routed_task", "confidence", "image")
"""The columns of predictions that an export needs."""


def accuracy_rows(predictions: pa.Table) -> tuple[dict[str, Any], ...]:
    """Return the scores of each tested split and task, with 95 % intervals."""
    rows = []
    words = predictions.select(["split", "task", "text", "reading"]).to_pylist()
    tasks = list(dict.fromkeys(word["task"] for word in words))
    for split in TESTED_SPLITS:
        for task in tasks:
            pairs = [(word["text"], word["reading"]) for word in words if word["split"] == split and word["task"] == task]
            if pairs:
                rows.append({"split": split, "task": task, **score_pairs(pairs)})
    return tuple(rows)


def score_pairs(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the scores of (truth, reading) pairs. A score is ``[mean, low, high]``."""
    exact, similar = pair_intervals(pairs)
    return {
        "words": len(pairs), "accuracy": [exact.mean, exact.low, exact.high], "one_minus_ned": [similar.mean, similar.low, similar.high]
    }  # fmt: skip


def task_thresholds(predictions: pa.Table, tasks: Sequence[str]) -> dict[str, Threshold]:
    """Return each task's threshold, from unseen words that the classifier sent there."""
    words = [word for word in predictions.select(list(COLUMNS[:-1])).to_pylist() if word["split"] == "unseen"]
    thresholds = {}
    for task in tasks:
        routed = [word for word in words if word["routed_task"] == task and word["confidence"] is not None]
        are_right = [is_read(word["text"], word["reading"]) for word in routed]
        thresholds[task] = derive_threshold([word["confidence"] for word in routed], are_right)
    return thresholds
