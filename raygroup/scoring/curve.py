"""Precision, recall and H over the confidence. Each confidence that occurs is one point."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_bytes
from raygroup.scoring.matching import first_come_pairs
from raygroup.scoring.measures import hmean, ratio
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import Reals


@dataclass(frozen=True, eq=False)
class Curve:
    """Scores at each threshold, from the highest confidence to the lowest."""

    threshold: Reals
    precision: Reals
    recall: Reals
    hmean: Reals

    @property
    def best(self) -> int:
        """Index of the highest H. Of several, the one with the highest threshold."""
        return int(np.argmax(self.hmean))


def curve(result: Result) -> Curve:
    """Return the scores at each confidence.

    They are the protocol's scores of the detections with at least this confidence. Words are
    matched anew at each threshold, because a detection that drops out may leave its word to the
    next one. Raises ConfigError if detections have no confidences.
    """
    confidences = result.detections.confidences
    if confidences is None:
        raise ConfigError(f"{result.protocol} has no confidences: there is no curve over them")
    counting = ~result.matching.ignored
    threshold, num_at_threshold = np.unique(-confidences[counting], return_counts=True)
    gains = np.zeros(len(threshold), np.int64)
    for confidence, gain in _gains(result, confidences):
        gains[np.searchsorted(threshold, -confidence)] += gain
    correct, detections = np.cumsum(gains).tolist(), np.cumsum(num_at_threshold).tolist()
    precision = [ratio(right, number) for right, number in zip(correct, detections, strict=True)]
    recall = [ratio(right, result.counts.words) for right in correct]
    both = [hmean(*each) for each in zip(precision, recall, strict=True)]
    return Curve(-threshold, np.array(precision), np.array(recall), np.array(both))


def write_curve(curve: Curve, path: Path) -> None:
    """Write a CSV file with the columns threshold, precision, recall and hmean."""
    rows = np.stack([curve.threshold, curve.precision, curve.recall, curve.hmean], axis=1)
    lines = ["threshold,precision,recall,hmean", *(",".join(f"{value:.6g}" for value in row) for row in rows.tolist())]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def _gains(result: Result, confidences: Reals) -> Iterator[tuple[float, int]]:
    """Yield confidences and gains.

    A gain is the number of correct detections that are added when those of this confidence are
    handed in. It is below 0 if one detection spoils the match of another.
    """
    truth, detection = result.matching.tried
    image = result.truths.image[truth]
    # A pair is lone if its word and its detection are in no other pair. Images of lone pairs alone need no matching.
    lone = (np.bincount(truth)[truth] == 1) & (np.bincount(detection)[detection] == 1) if len(truth) else np.zeros(0, np.bool_)
    rivals = np.isin(image, image[~lone])
    for confidence, is_right in zip(confidences[detection[~rivals]].tolist(), result.right[~rivals].tolist(), strict=True):
        yield confidence, int(is_right)
    for _, pairs in itertools.groupby(np.flatnonzero(rivals).tolist(), key=lambda pair: image[pair]):
        tried = np.array([*pairs])
        before = 0
        for confidence in np.unique(confidences[detection[tried]])[::-1].tolist():
            remaining = tried[confidences[detection[tried]] >= confidence]
            right = int(result.right[remaining[first_come_pairs(truth[remaining], detection[remaining])]].sum())
            yield confidence, right - before
            before = right
