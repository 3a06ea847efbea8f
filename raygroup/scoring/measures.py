"""Measures of the robust reading scripts.

They are precision, recall, H, average precision and 1-NED.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from raygroup.scoring.word_columns import Flags, Reals


@dataclass(frozen=True)
class Scores:
    """The scores of a submission, each from 0 to 1.

    Only 1-NED can fall below 0, because upper-casing may turn one letter into two.
    """

    precision: float
    recall: float
    hmean: float
    ap: float | None = None
    """Average precision, or None if detections have no confidence."""
    one_minus_ned: float | None = None
    """None if the protocol has no 1-NED."""


def ratio(part: float, whole: float) -> float:
    """Return ``part / whole``, or 0 if the whole is 0."""
    return part / whole if whole else 0.0


def hmean(precision: float, recall: float) -> float:
    """Return the harmonic mean H, or 0 if both are 0."""
    return ratio(2 * precision * recall, precision + recall)


def micro_scores(
    correct: float, num_detections: int, num_words: int, ap: float | None = None, one_minus_ned: float | None = None
) -> Scores:
    """Return scores over all images together.

    Only detections and words that count are passed in.
    """
    precision, recall = ratio(correct, num_detections), ratio(correct, num_words)
    return Scores(precision, recall, hmean(precision, recall), ap, one_minus_ned)


def average_precision(confidences: Reals, correct: Flags, num_words: int) -> float:
    """Return the average precision.

    It is the mean, over the words that count, of the precision at each correct detection.
    Detections are ranked from the highest confidence to the lowest. A missed word counts 0. The
    official script leaves the order of equal confidences to an unstable sort. This is the mean over
    all their orders, so it does not depend on the order of files.
    """
    if not len(confidences):
        return 0.0
    _, group, sizes = np.unique(-confidences, return_inverse=True, return_counts=True)
    hits = np.bincount(group, weights=correct)
    ranks_before, hits_before = np.cumsum(sizes) - sizes, np.cumsum(hits) - hits
    # One element for each rank: its group of equal confidences, and its place in the group.
    at = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(at)) - ranks_before[at]
    # Given a hit at this rank, the expected number of hits before it in the same group.
    others = place * (hits[at] - 1) / np.maximum(sizes[at] - 1, 1)
    precision = (hits_before[at] + 1 + others) / (ranks_before[at] + place + 1)
    return ratio(float((hits[at] / sizes[at] * precision).sum()), num_words)


def edit_shares(truths: Sequence[str], readings: Sequence[str], *, upper: bool) -> list[float]:
    """Return edits / length of the longer text for each pair.

    Two empty texts have 0. With ``upper``, edits are counted between upper-cased texts, but the
    length is that of the texts as they are, as in the official script. A share can then exceed 1,
    because upper-casing makes some texts longer.
    """
    return [
        0.0 if truth == reading else _edits(truth, reading, upper) / max(len(truth), len(reading))
        for truth, reading in zip(truths, readings, strict=True)
    ]


def mean_one_minus_ned(shares: Sequence[float], num_unmatched: int) -> float:
    """Return 1 - the mean of the edit shares.

    If there is nothing to average, this is 0. Each word and each detection that counts but has no
    partner has the share 1.
    """
    number = len(shares) + num_unmatched
    return 1 - (math.fsum(shares) + num_unmatched) / number if number else 0.0


def _edits(truth: str, reading: str, upper: bool) -> int:
    return int(Levenshtein.distance(truth.upper(), reading.upper()) if upper else Levenshtein.distance(truth, reading))
