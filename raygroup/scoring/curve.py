"""Precision, recall and H when only detections of at least some confidence are handed in: at every confidence that occurs."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_whole
from raygroup.scoring.matching import first_come
from raygroup.scoring.measures import hmean, ratio
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import Reals


@dataclass(frozen=True, eq=False)
class Curve:
    """One point for each confidence that occurs, surest first."""

    threshold: Reals
    precision: Reals
    recall: Reals
    hmean: Reals

    @property
    def best(self) -> int:
        """The point of the highest H; of several the surest."""
        return int(np.argmax(self.hmean))


def curve(result: Result) -> Curve:
    """Each point is what the protocol would say of the detections kept: words are matched anew, since a detection that goes may leave its
    word to the next. Raises ConfigError where detections have no confidence.
    """
    sure = result.detections.confidences
    if sure is None:
        raise ConfigError(f"{result.protocol} has no confidences: there is no curve over them")
    cared = ~result.matching.ignored
    threshold, counted = np.unique(-sure[cared], return_counts=True)
    gained = np.zeros(len(threshold), np.int64)
    for confidence, gain in _gains(result, sure):
        gained[np.searchsorted(threshold, -confidence)] += gain
    correct, detections = np.cumsum(gained).tolist(), np.cumsum(counted).tolist()
    precision = [ratio(right, number) for right, number in zip(correct, detections, strict=True)]
    recall = [ratio(right, result.counts.words) for right in correct]
    both = [hmean(*each) for each in zip(precision, recall, strict=True)]
    return Curve(-threshold, np.array(precision), np.array(recall), np.array(both))


def write_curve(points: Curve, path: Path) -> None:
    """As CSV: threshold, precision, recall, hmean."""
    rows = np.stack([points.threshold, points.precision, points.recall, points.hmean], axis=1)
    lines = ["threshold,precision,recall,hmean", *(",".join(f"{value:.6g}" for value in row) for row in rows.tolist())]
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _gains(result: Result, sure: Reals) -> Iterator[tuple[float, int]]:
    """(confidence, how many more detections are right once those of this confidence are handed in, below 0 where one spoils others)."""
    truth, detection = result.matching.tried
    image = result.truths.image[truth]
    lone = (np.bincount(truth)[truth] == 1) & (np.bincount(detection)[detection] == 1) if len(truth) else np.zeros(0, np.bool_)
    rivals = np.isin(image, image[~lone])
    for confidence, right in zip(sure[detection[~rivals]].tolist(), result.right[~rivals].tolist(), strict=True):
        yield confidence, int(right)
    for _, pairs in itertools.groupby(np.flatnonzero(rivals).tolist(), key=lambda pair: image[pair]):
        tried = np.array([*pairs])
        before = 0
        for confidence in np.unique(sure[detection[tried]])[::-1].tolist():
            kept = tried[sure[detection[tried]] >= confidence]
            right = int(result.right[kept[first_come(truth[kept], detection[kept])]].sum())
            yield confidence, right - before
            before = right
