"""Choose a spotter's thresholds on labelled scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from raygroup.scoring.curve import curve
from raygroup.scoring.protocols import mlt19
from raygroup.scoring.results import Result
from raygroup.scoring.submissions import quadrilateral
from raygroup.scoring.word_columns import Word, detection_columns, truth_columns
from raygroup.spotting.spotter import SpottedWord, SpottingThresholds

READING_STEPS = 20
"""Confidences of reading that are tried: equal steps of the words' share."""
IGNORED = "###"


@dataclass(frozen=True)
class LabelledScene:
    """The true words of a scene, and the words that a spotter finds in it."""

    name: str
    truths: tuple[Word, ...]
    """``script`` has the task of a word. A don't-care word has the text ``###``."""
    words: tuple[SpottedWord, ...]


class SubmittedScene(LabelledScene):
    """A scene whose polygons all have the four corners of a submission."""


def with_corners(scene: LabelledScene) -> SubmittedScene:
    """Return a scene whose polygons have the four corners of a submission. It takes a millisecond a word."""
    if isinstance(scene, SubmittedScene):
        return scene
    truths = tuple(replace(word, polygon=quadrilateral(word.polygon).tolist()) for word in scene.truths)
    words = tuple(replace(word, polygon=quadrilateral(word.polygon).astype(np.float64)) for word in scene.words)
    return SubmittedScene(scene.name, truths, words)


def score_scenes(scenes: Sequence[LabelledScene], task: int, thresholds: SpottingThresholds) -> Result:
    """Score the words that these thresholds keep, by task 1, 3 or 4 of MLT19."""
    return _score([with_corners(scene) for scene in scenes], task, thresholds)


def choose_thresholds(scenes: Sequence[LabelledScene], chosen_on: str) -> dict[str, SpottingThresholds]:
    """Return the thresholds with the highest H, for each purpose.

    ``detection`` has one on regions, by task 1. ``end-to-end`` has that and one on readings, by task
    4. Of thresholds with the same H the lowest wins.
    """
    everything = SpottingThresholds(chosen_on=chosen_on)
    submitted = [with_corners(scene) for scene in scenes]
    points = curve(_score(submitted, 1, everything))
    best = replace(everything, detection=float(points.threshold[points.best]) if len(points.threshold) else 0.0)
    readings = np.array([word.confidence for scene in scenes for word in scene.words])
    steps = np.quantile(readings, np.linspace(0, 0.95, READING_STEPS)) if len(readings) else np.zeros(1)
    tried = [replace(everything, detection=detection, reading=float(step)) for step in (0.0, *steps) for detection in (0.0, best.detection)]
    by_score: Mapping[float, SpottingThresholds] = {
        _score(submitted, 4, thresholds).scores.hmean: thresholds for thresholds in reversed(tried)
    }
    return {"detection": best, "end-to-end": by_score[max(by_score)]}


def _score(scenes: Sequence[SubmittedScene], task: int, thresholds: SpottingThresholds) -> Result:
    """Score scenes whose polygons have four corners."""
    truths = truth_columns({scene.name: scene.truths for scene in scenes}, IGNORED)
    kept = {scene.name: [_scored(word, task) for word in scene.words if thresholds.keeps(word)] for scene in scenes}
    return mlt19.score(truths, detection_columns(kept, truths), task)


def _scored(word: SpottedWord, task: int) -> Word:
    """Return a detection as a submission has it. Without a text it gets a mark that no word has."""
    confidence = word.detection if task != 4 else word.detection * max(word.confidence, 1e-4)
    return Word(word.polygon.tolist(), word.text or "?", word.task, confidence)
