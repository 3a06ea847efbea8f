"""Total-Text detection by DetEval.

A word may be found in parts, and one detection may hold several words, at a lower credit. The
recall threshold is 0.7, the precision threshold 0.6, and the credit for parts 0.8. Shares of area
are rounded to two digits. Images without a file of detections are left out altogether, as in the
official script. A note says how many.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import shapely

from raygroup.errors import ConfigError
from raygroup.scoring.matching import Matching
from raygroup.scoring.measures import Scores, hmean, ratio
from raygroup.scoring.results import Result, build_result
from raygroup.scoring.word_columns import Flags, Indices, Polygons, Reals, WordColumns

RECALL = 0.7
PRECISION = 0.6
CREDIT = 0.8
"""Credit for a word found in parts, and for a detection of several words."""
IGNORED_SHARE = 0.5
"""A detection does not count if it shares more than this part of its area plus one pixel with a
don't-care word.
"""


def score(truths: WordColumns, detections: WordColumns) -> Result:
    """Score detections.

    A word with any credit counts as found. Raises ConfigError for a true word without area, which
    the official script dies of.
    """
    answered = set(truths.images) if detections.answered is None else detections.answered
    is_scored = np.array([image in answered for image in truths.images], np.bool_)[truths.image]
    ignored, credits = np.zeros(len(detections), np.bool_), []
    for image in np.unique(np.concatenate([truths.image[is_scored], detections.image])).tolist():
        words, others = np.flatnonzero((truths.image == image) & is_scored), np.flatnonzero(detections.image == image)
        ignored[others] = _lies_over_ignored(truths, words[truths.ignored[words]], detections, others)
        credits += _credits(truths, words[~truths.ignored[words]], detections, others[~ignored[others]])
    pairs = [(word, detection) for credit in credits for word in credit.words for detection in credit.detections]
    pair_columns = np.array(pairs, np.intp).reshape(-1, 2)
    matching = Matching(tried=(pair_columns[:, 0], pair_columns[:, 1]), matched=np.arange(len(pairs)), ignored=ignored)
    left_out = len(truths.images) - len(answered)
    notes = (f"{left_out} images of the ground truth have no file of detections: DetEval leaves them out",) if left_out else ()
    scored_truths = replace(truths, ignored=truths.ignored | ~is_scored)
    result = build_result("totaltext-deteval", scored_truths, detections, matching, np.ones(len(pairs), np.bool_), notes=notes)
    num_found = len(np.unique(pair_columns[:, 0]))
    return replace(
        result,
        scores=_scores(credits, result.counts.words, result.counts.detections),
        counts=replace(result.counts, found=num_found, correct=num_found),
    )


@dataclass(frozen=True)
class _Credit:
    """Words and detections that match: one of each, or one and several."""

    words: list[int]
    detections: list[int]
    each: float
    """Credit for each word and for each detection."""


def _scores(credits: list[_Credit], num_words: int, num_detections: int) -> Scores:
    recall = ratio(sum(len(credit.words) * credit.each for credit in credits), num_words)
    precision = ratio(sum(len(credit.detections) * credit.each for credit in credits), num_detections)
    return Scores(precision, recall, hmean(precision, recall))


def _lies_over_ignored(truths: WordColumns, words: Indices, detections: WordColumns, others: Indices) -> Flags:
    shared = _shared_areas(truths.polygons, words, detections.polygons, others)
    areas = shapely.area(detections.polygons.shapes(others))
    lies_over: Flags = (shared / (areas + 1.0) > IGNORED_SHARE).any(axis=0)
    return lies_over


def _credits(truths: WordColumns, words: Indices, detections: WordColumns, others: Indices) -> list[_Credit]:
    """Match words and detections in three steps.

    First one to one, then one word with its parts, then one detection with several words. Each step
    takes only words and detections that are still free.
    """
    if not len(words) or not len(others):
        return []
    shared = _shared_areas(truths.polygons, words, detections.polygons, others)
    true_areas, areas = shapely.area(truths.polygons.shapes(words)), shapely.area(detections.polygons.shapes(others))
    if (true_areas == 0).any():
        raise ConfigError(f"{truths.location(int(words[true_areas == 0][0]))}: the polygon has no area: the official script divides by it")
    recalled = np.round(shared / true_areas[:, None], 2)
    precise = np.round(np.divide(shared, areas, out=np.zeros_like(shared), where=areas > 0), 2)
    free_words, free = np.ones(len(words), np.bool_), np.ones(len(others), np.bool_)
    matches = [*_one_to_one(recalled, precise, free_words, free), *_one_to_many(recalled, precise, free_words, free)]
    matches += _many_to_one(recalled, precise, free_words, free)
    return [_Credit(words[rows].tolist(), others[columns].tolist(), each) for rows, columns, each in matches]


Match = tuple[list[int], list[int], float]
"""Rows of words, columns of detections, credit of each."""


def _one_to_one(recalled: Reals, precise: Reals, free_words: Flags, free: Flags) -> Iterator[Match]:
    """Match one word with one detection.

    Exactly one detection must recall the word, and exactly one must be precise about it. Neither
    detection may do so for another word. The script does not ask whether the two are the same
    detection.
    """
    for word in range(len(recalled)):
        recalls, is_precise = recalled[word] > RECALL, precise[word] > PRECISION
        if recalls.sum() == is_precise.sum() == (recalled[:, recalls] > RECALL).sum() == (precise[:, is_precise] > PRECISION).sum() == 1:
            free_words[word] = False
            free[recalls] = False
            yield [word], np.flatnonzero(recalls).tolist(), 1.0


def _one_to_many(recalled: Reals, precise: Reals, free_words: Flags, free: Flags) -> Iterator[Match]:
    """Match a word with its parts.

    The parts are detections that lie in it and together recall it.
    """
    for word in np.flatnonzero(free_words).tolist():
        parts = np.flatnonzero((precise[word] >= PRECISION) & free) if (recalled[word] > 0).sum() > 1 else np.zeros(0, np.intp)
        if len(parts) and recalled[word, parts].sum() >= RECALL:
            free_words[word] = False
            free[parts] = False
            yield [word], parts.tolist(), 1.0 if len(parts) == 1 else CREDIT


def _many_to_one(recalled: Reals, precise: Reals, free_words: Flags, free: Flags) -> Iterator[Match]:
    """Match a detection with the words that together fill it.

    A single word must pass both thresholds. Of several, each must be recalled (to 0.6), and all
    together must fill the detection.
    """
    for detection in np.flatnonzero(free).tolist():
        has_several = (precise[:, detection] > 0).sum() > 1
        words = np.flatnonzero((recalled[:, detection] >= PRECISION) & free_words) if has_several else np.zeros(0, np.intp)
        fills = precise[words, detection].sum() >= PRECISION and (len(words) > 1 or (recalled[words, detection] >= RECALL).all())
        if len(words) and fills:
            free_words[words] = False
            free[detection] = False
            yield words.tolist(), [detection], 1.0 if len(words) == 1 else CREDIT


def _shared_areas(true: Polygons, words: Indices, detected: Polygons, others: Indices) -> Reals:
    """Return areas of intersection, (words, others).

    A buffer of 0 repairs polygons that cross themselves, as in the script.
    """
    true_shapes, detected_shapes = shapely.buffer(true.shapes(words), 0), shapely.buffer(detected.shapes(others), 0)
    shared: Reals = shapely.area(shapely.intersection(true_shapes[:, None], detected_shapes[None, :]))
    return shared.reshape(len(words), len(others))
