"""Which detection belongs to which true word, in the order of the official scripts: not the best, not the surest, the first that fits."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from raygroup.errors import SubmissionError
from raygroup.scoring.overlap import HALF, Measured, Overlaps, measured, overlaps, shared_areas
from raygroup.scoring.word_columns import Annotated, Flags, Indices


class Broken(Enum):
    """What a script does with polygons that cross themselves, which shapely does not intersect.

    A broken don't-care word never covers anything, in any of them.
    """

    IGNORED = "no match"
    """No intersection, whatever it meets: MLT19 task 1."""
    FATAL_OVER_IGNORED = "dies over a don't-care word"
    """No match with a word that counts, and the end of the evaluation over a sound don't-care word: MLT19 task 4, ICDAR15, Total-Text."""
    FATAL = "dies over any word"
    """The end of the evaluation over a sound word of either kind: MLT19 task 3."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matching:
    """The outcome for all words of all images."""

    tried: tuple[Indices, Indices]
    """Words and detections that count and overlap enough, pair by pair, in the order in which they are tried."""
    kept: Indices
    """The pairs both of whose members were still free: a word has one detection, whatever that one says."""
    ignored: Flags
    """Detections that lie for the greater part in one don't-care word, and count as nothing."""

    @property
    def truth(self) -> Indices:
        """Word of each pair that is kept."""
        return self.tried[0][self.kept]

    @property
    def detection(self) -> Indices:
        """Detection of each pair that is kept."""
        return self.tried[1][self.kept]


def match(truths: Annotated, detections: Annotated, broken: Broken, *, zero_areas: bool = True) -> Matching:
    """Pairs of words of the same image with IoU > 0.5, both of which count; without ``zero_areas`` a word and a detection of no area in
    one image end the evaluation, as their IoU is 0 / 0.

    Raises SubmissionError where the official script would die.
    """
    true, found = measured(truths.polygons), measured(detections.polygons)
    pairs = overlaps(truths, detections, true, found)
    ignored = _ignored(truths, detections, pairs, true, broken)
    if not zero_areas:
        _refuse_nothing_over_nothing(truths, detections, true, found)
    both = ~truths.ignored[pairs.truth] & ~ignored[pairs.detection]
    _refuse_broken(truths, detections, pairs, both & true.valid[pairs.truth], broken is Broken.FATAL)
    fits = both & (pairs.iou > HALF)
    tried = pairs.truth[fits], pairs.detection[fits]
    return Matching(tried=tried, kept=first_come(*tried), ignored=ignored)


def first_come(truth: Indices, detection: Indices) -> Indices:
    """Of pairs in the order in which they are tried, places of those both of whose members are still free."""
    taken_words, taken_detections, kept = set(), set(), []
    for place, (word, other) in enumerate(zip(truth.tolist(), detection.tolist(), strict=True)):
        if word not in taken_words and other not in taken_detections:
            taken_words.add(word)
            taken_detections.add(other)
            kept.append(place)
    return np.array(kept, np.intp)


def _ignored(truths: Annotated, detections: Annotated, pairs: Overlaps, true: Measured, broken: Broken) -> Flags:
    """Detections covered by one don't-care word; words are tried in file order, and no further than to the first that covers."""
    over = truths.ignored[pairs.truth]
    covering = over & (pairs.covered > HALF)
    flags = np.zeros(len(detections), np.bool_)
    flags[pairs.detection[covering]] = True
    first = np.full(len(detections), len(truths), np.intp)
    np.minimum.at(first, pairs.detection[covering], pairs.truth[covering])
    reached = over & (pairs.truth < first[pairs.detection])
    _refuse_broken(truths, detections, pairs, reached & true.valid[pairs.truth], broken is not Broken.IGNORED)
    return flags


def _refuse_broken(truths: Annotated, detections: Annotated, pairs: Overlaps, among: Flags, fatal: bool) -> None:
    refused = np.flatnonzero(among & np.isnan(pairs.shared)).tolist() if fatal else []
    if refused:
        word, detection = int(pairs.truth[refused[0]]), int(pairs.detection[refused[0]])
        raise SubmissionError(
            f"{detections.place(detection)}: the polygon {_points(detections, detection)} crosses itself over {truths.place(word)}, "
            "where the official script dies: it must be convex"
        )


def _refuse_nothing_over_nothing(truths: Annotated, detections: Annotated, true: Measured, found: Measured) -> None:
    words, others = np.flatnonzero(true.areas == 0), np.flatnonzero(found.areas == 0)
    for detection in others.tolist():
        beside = words[truths.image[words] == detections.image[detection]]
        refusable = np.isnan(shared_areas(true, found, beside, np.full(len(beside), detection)))
        for word in beside[~refusable].tolist():
            raise SubmissionError(
                f"{detections.place(detection)}: the polygon {_points(detections, detection)} has no area, nor has {truths.place(word)}, "
                "and the official script divides by the area of their union: leave the detection out"
            )


def _points(detections: Annotated, detection: int) -> str:
    return ",".join(f"{value:g}" for value in detections.polygons[detection].ravel())
