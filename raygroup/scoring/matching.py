"""Match detections with true words as the official scripts do.

The first pair that fits wins. Neither the best overlap nor the highest confidence matters.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from raygroup.errors import SubmissionError
from raygroup.scoring.overlap import HALF, MeasuredPolygons, Overlaps, find_overlaps, measure_polygons, shared_areas
from raygroup.scoring.word_columns import Flags, Indices, WordColumns


class BrokenPolygonRule(Enum):
    """Treatment of polygons that cross themselves, which shapely cannot intersect.

    A broken don't-care word never covers a detection, whatever the rule.
    """

    IGNORED = "no match"
    """The polygon never intersects anything: MLT19 task 1."""
    FATAL_OVER_IGNORED = "dies over a don't-care word"
    """It matches no word that counts, but over a sound don't-care word the evaluation dies: MLT19
    task 4, ICDAR15, Total-Text.
    """
    FATAL = "dies over any word"
    """The evaluation dies over a sound word of either kind: MLT19 task 3."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """The matched pairs of all images."""

    tried: tuple[Indices, Indices]
    """Words and detections of the candidate pairs, in the order in which they are tried.

    Both count, and they overlap enough.
    """
    matched: Indices
    """Indices of the candidate pairs that match: both members were still free.

    What the detection reads does not matter here.
    """
    ignored: Flags
    """Detections that lie by more than half in one don't-care word. They do not count."""

    @property
    def truth(self) -> Indices:
        """The word of each matched pair."""
        return self.tried[0][self.matched]

    @property
    def detection(self) -> Indices:
        """The detection of each matched pair."""
        return self.tried[1][self.matched]


def match_words(truths: WordColumns, detections: WordColumns, broken: BrokenPolygonRule, *, zero_areas: bool = True) -> Matching:
    """Match words and detections of the same image with IoU > 0.5.

    Without ``zero_areas``, a word and a detection in one image that both have no area end the
    evaluation, because their IoU is 0 / 0. Raises SubmissionError where the official script would
    die.
    """
    true_polygons, detected_polygons = measure_polygons(truths.polygons), measure_polygons(detections.polygons)
    pairs = find_overlaps(truths, detections, true_polygons, detected_polygons)
    ignored = _ignored_detections(truths, detections, pairs, true_polygons, broken)
    if not zero_areas:
        _refuse_zero_areas(truths, detections, true_polygons, detected_polygons)
    both_count = ~truths.ignored[pairs.truth] & ~ignored[pairs.detection]
    _refuse_broken(truths, detections, pairs, both_count & true_polygons.valid[pairs.truth], broken is BrokenPolygonRule.FATAL)
    fits = both_count & (pairs.iou > HALF)
    tried = pairs.truth[fits], pairs.detection[fits]
    return Matching(tried=tried, matched=first_come_pairs(*tried), ignored=ignored)


def first_come_pairs(truth: Indices, detection: Indices) -> Indices:
    """Return the indices of the pairs that match.

    Pairs are tried in their order. A pair matches if both its word and its detection are still
    free.
    """
    used_words: set[int] = set()
    used_detections: set[int] = set()
    matches = []
    for index, (word, other) in enumerate(zip(truth.tolist(), detection.tolist(), strict=True)):
        if word not in used_words and other not in used_detections:
            used_words.add(word)
            used_detections.add(other)
            matches.append(index)
    return np.array(matches, np.intp)


def _ignored_detections(
    truths: WordColumns, detections: WordColumns, pairs: Overlaps, true_polygons: MeasuredPolygons, broken: BrokenPolygonRule
) -> Flags:
    """Return which detections one don't-care word covers.

    The scripts try don't-care words in file order and stop at the first that covers a detection. So
    a broken polygon is fatal only over words up to that one.
    """
    over_ignored = truths.ignored[pairs.truth]
    covering = over_ignored & (pairs.covered > HALF)
    flags = np.zeros(len(detections), np.bool_)
    flags[pairs.detection[covering]] = True
    first = np.full(len(detections), len(truths), np.intp)
    np.minimum.at(first, pairs.detection[covering], pairs.truth[covering])
    reached = over_ignored & (pairs.truth < first[pairs.detection])
    is_fatal = broken is not BrokenPolygonRule.IGNORED
    _refuse_broken(truths, detections, pairs, reached & true_polygons.valid[pairs.truth], is_fatal)
    return flags


def _refuse_broken(truths: WordColumns, detections: WordColumns, pairs: Overlaps, among: Flags, is_fatal: bool) -> None:
    refused = np.flatnonzero(among & np.isnan(pairs.shared)).tolist() if is_fatal else []
    if refused:
        word, detection = int(pairs.truth[refused[0]]), int(pairs.detection[refused[0]])
        raise SubmissionError(
            f"{detections.location(detection)}: the polygon {_points(detections, detection)} crosses itself over {truths.location(word)}, "
            "where the official script dies: it must be convex"
        )


def _refuse_zero_areas(
    truths: WordColumns, detections: WordColumns, true_polygons: MeasuredPolygons, detected_polygons: MeasuredPolygons
) -> None:
    words, others = np.flatnonzero(true_polygons.areas == 0), np.flatnonzero(detected_polygons.areas == 0)
    for detection in others.tolist():
        same_image = words[truths.image[words] == detections.image[detection]]
        is_broken = np.isnan(shared_areas(true_polygons, detected_polygons, same_image, np.full(len(same_image), detection)))
        for word in same_image[~is_broken].tolist():
            raise SubmissionError(
                f"{detections.location(detection)}: the polygon {_points(detections, detection)} has no area, nor has "
                f"{truths.location(word)}, and the official script divides by the area of their union: leave the detection out"
            )


def _points(detections: WordColumns, detection: int) -> str:
    return ",".join(f"{value:g}" for value in detections.polygons[detection].ravel())
