"""Precision, recall, their harmonic mean, average precision and 1-NED, as the robust reading scripts define them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from raygroup.scoring.word_columns import Flags, Reals


@dataclass(frozen=True)
class Scores:
    """All from 0 to 1, but for 1-NED, which upper-casing can push below 0 (a letter may become two)."""

    precision: float
    recall: float
    hmean: float
    ap: float | None = None
    """Average precision; None where detections have no confidence."""
    one_minus_ned: float | None = None
    """None where the protocol compares no texts in this way."""


def ratio(part: float, whole: float) -> float:
    """0 for nothing of nothing."""
    return part / whole if whole else 0.0


def hmean(precision: float, recall: float) -> float:
    return ratio(2 * precision * recall, precision + recall)


def scores(correct: float, num_detections: int, num_words: int, ap: float | None = None, one_minus_ned: float | None = None) -> Scores:
    """Micro precision and recall over all images: of detections and words that count."""
    precision, recall = ratio(correct, num_detections), ratio(correct, num_words)
    return Scores(precision, recall, hmean(precision, recall), ap, one_minus_ned)


def average_precision(confidences: Reals, correct: Flags, num_words: int) -> float:
    """Mean over the words that count of the precision at each correct detection, surest first; a word not found counts 0.

    Detections of equal confidence have no order (the official script leaves it to an unstable sort): this is the mean over all their
    orders, so that it does not depend on how files are sorted.
    """
    if not len(confidences):
        return 0.0
    _, group, sizes = np.unique(-confidences, return_inverse=True, return_counts=True)
    hits = np.bincount(group, weights=correct)
    ranks_before, hits_before = np.cumsum(sizes) - sizes, np.cumsum(hits) - hits
    at = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(at)) - ranks_before[at]
    others = place * (hits[at] - 1) / np.maximum(sizes[at] - 1, 1)
    precision = (hits_before[at] + 1 + others) / (ranks_before[at] + place + 1)
    return ratio(float((hits[at] / sizes[at] * precision).sum()), num_words)


def edit_shares(truths: Sequence[str], readings: Sequence[str], *, upper: bool) -> list[float]:
    """Edits from truth to reading / length of the longer one, of pairs; 0 for two empty ones.

    With ``upper`` the edits are those between upper-cased texts, and the length still that of the texts as they are, as in the official
    script: above 1 is possible where upper-casing makes texts longer.
    """
    return [
        0.0 if truth == reading else _edits(truth, reading, upper) / max(len(truth), len(reading))
        for truth, reading in zip(truths, readings, strict=True)
    ]


def one_minus_ned(shares: Sequence[float], num_unmatched: int) -> float:
    """1 - mean of the edit shares, with 1 for each word and each detection that count and have no partner; 0 where there is nothing."""
    number = len(shares) + num_unmatched
    return 1 - (math.fsum(shares) + num_unmatched) / number if number else 0.0


def _edits(truth: str, reading: str, upper: bool) -> int:
    return int(Levenshtein.distance(truth.upper(), reading.upper()) if upper else Levenshtein.distance(truth, reading))
