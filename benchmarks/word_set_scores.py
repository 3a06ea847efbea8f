"""Score the universal head on sets of words, with intervals over words, and on labelled photographs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from raygroup.reading.images import make_crops
from raygroup.reading.label_scores import read_labels, score_readings
from raygroup.reading.package import WordReading
from raygroup.runtime.stage1.words import LabelledCrops
from raygroup.scoring.word_accuracy import is_read, one_minus_ned
from raygroup.tables.score_intervals import Interval, ScoredTrials, difference_interval
from raygroup.tasks import TASKS
from raygroup.training.stage1_scores import read_labels as read_crops
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import CROP_SIZE

MEASURES = ("accuracy", "one_minus_ned")
_LONGEST = 31
"""Most characters of a reading of a photograph."""


def score(model: UniversalModel, sets: Mapping[str, LabelledCrops]) -> dict[str, ScoredTrials]:
    """Read every set with the universal head, and return the scores of its words."""
    return {kind: _score(words, read_crops(model, words.crops, max(map(len, words.labels)))) for kind, words in sets.items()}


def _score(words: LabelledCrops, readings: Sequence[str]) -> ScoredTrials:
    pairs = [*zip(words.labels, readings, strict=True)]
    scores = {
        "accuracy": np.array([[is_read(label, text) for label, text in pairs]], np.float64),
        "one_minus_ned": np.array([[one_minus_ned(label, text) for label, text in pairs]], np.float64),
    }
    return ScoredTrials(tuple(zip(words.tasks, words.labels, strict=True)), scores, (0,))


def mean_of_two(one: ScoredTrials, other: ScoredTrials) -> ScoredTrials:
    """Return the mean score of every word over two runs. Its interval is over words."""
    return ScoredTrials(one.words, {name: (one.scores[name] + other.scores[name]) / 2 for name in MEASURES}, (0,))


def score_rows(scored: ScoredTrials) -> dict[str, Any]:
    """Return the means over tasks with 95 % intervals over words, and the means of each task."""
    tasks = np.array([task for task, _ in scored.words])
    by_task = {
        task: [round(float(scored.scores[name][0, tasks == task].mean()), 4) for name in MEASURES] for task in dict.fromkeys(tasks.tolist())
    }
    return {name: _rounded(scored.interval(name)) for name in MEASURES} | {"by_task": by_task}


def difference_rows(control: ScoredTrials, scored: ScoredTrials) -> dict[str, list[float | None]]:
    """Return the mean differences to the control on the same words, with 95 % intervals over words."""
    return {name: _rounded(difference_interval(control, scored, name)) for name in MEASURES}


def squeezed_rows(scored: ScoredTrials, squeezed: Sequence[bool]) -> dict[str, Any]:
    """Return the share of words that are squeezed to the width of a crop, and the scores of these and of the others."""
    mask = np.array(squeezed)
    lengths = np.array([len(text) for _, text in scored.words])
    return {"share": round(float(mask.mean()), 4)} | {
        name: {"characters": round(float(lengths[part].mean()), 1)}
        | {measure: round(float(scored.scores[measure][0, part].mean()), 4) for measure in MEASURES}
        for name, part in (("squeezed", mask), ("others", ~mask))
        if part.any()
    }


def read_photographs(model: UniversalModel, file: Path) -> dict[str, Any]:
    """Return the scores of labelled photographs by language, each with its 95 % interval over words."""
    labels = read_labels(file)
    crops = make_crops([label.path for label in labels.values()], 0, CROP_SIZE)
    pixels = [crop.pixels for crop in crops if crop.pixels is not None]
    texts = iter(read_crops(model, np.stack(pixels), _LONGEST)) if pixels else iter(())
    readings = [WordReading(crop.name, problem=crop.problem) if crop.problem else WordReading(crop.name, next(texts)) for crop in crops]
    scores = score_readings(readings, labels, tuple(TASKS))
    return {
        row.task: {"words": row.words, **{name: [round(value, 4) for value in getattr(row, name)] for name in MEASURES}}
        for row in scores.by_language
    }


def _rounded(interval: Interval) -> list[float | None]:
    return [None if value is None else round(value, 4) for value in (interval.mean, interval.low, interval.high)]
