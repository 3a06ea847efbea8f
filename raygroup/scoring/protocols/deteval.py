"""Total-Text detection by DetEval: words may be found in parts, and several at once, at a lower credit.

facts: recall threshold 0.7, precision threshold 0.6, credit 0.8 for parts. Shares of area are rounded to two digits. Submission: files
``imgN.txt`` of lines ``y1,x1,...,yn,xn``; ground truth: ``poly_gt_imgN.mat`` of the data set. Images without a file of detections
are left out altogether, as by the official script; a note says how many.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.archive_entries import Entry, read_entries
from raygroup.scoring.line_files import decoded
from raygroup.scoring.matching import Matching
from raygroup.scoring.measures import Scores, hmean, ratio
from raygroup.scoring.protocols.totaltext import coordinates
from raygroup.scoring.results import Result, result
from raygroup.scoring.word_columns import Annotated, Flags, Indices, Places, Polygons, Reals, polygons

TRUTH_NAME = r"poly_gt_img([0-9]+)\.mat"
SUBMISSION_NAME = r"img([0-9]+)\.txt"

RECALL, PRECISION = 0.7, 0.6
CREDIT = 0.8
"""Of a word found in parts, and of a detection of several words."""
IGNORED_SHARE = 0.5
"""A detection that shares more than this of its area, and one pixel, with a don't-care word counts as nothing."""


def read_truths(source: Path) -> Annotated:
    """Raises ConfigError for files that are not the data set's; words of orientation ``#`` are ignored."""
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like poly_gt_img1.mat")
    rows = [(place, *row) for place, file in enumerate(files.values()) for row in _mat_rows(file)]
    return Annotated(
        images=tuple(files),
        image=np.array([row[0] for row in rows], np.intp),
        polygons=polygons([row[1] for row in rows]),
        texts=[row[2] for row in rows],
        ignored=np.array([row[3] for row in rows], np.bool_),
    )


def read_detections(source: Path, truths: Annotated) -> Annotated:
    """Raises SubmissionError for what the official script dies of; entries of other names are passed over, as there."""
    files = read_entries(source, SUBMISSION_NAME, strict=False, kind=SubmissionError)
    for image in files.keys() - set(truths.images):
        raise SubmissionError(f"{files[image].place}: the ground truth has no poly_gt_img{image}.mat")
    if not files:
        raise SubmissionError(f"{source}: no entry called like img1.txt")
    rows = [(place, files[image].place, *row) for place, image in enumerate(truths.images) if image in files for row in _rows(files[image])]
    return Annotated(
        images=truths.images,
        image=np.array([row[0] for row in rows], np.intp),
        polygons=polygons([row[3] for row in rows]),
        places=Places([(row[1], row[2]) for row in rows]),
        answered=frozenset(files),
    )


def score(truths: Annotated, detections: Annotated) -> Result:
    """What earns any credit counts as found. Raises ConfigError for a true word without area, which the official script dies of."""
    answered = set(truths.images) if detections.answered is None else detections.answered
    kept = np.array([image in answered for image in truths.images], np.bool_)[truths.image]
    ignored, credits = np.zeros(len(detections), np.bool_), []
    for image in np.unique(np.concatenate([truths.image[kept], detections.image])).tolist():
        words, others = np.flatnonzero((truths.image == image) & kept), np.flatnonzero(detections.image == image)
        ignored[others] = _over_ignored(truths, words[truths.ignored[words]], detections, others)
        credits += _credits(truths, words[~truths.ignored[words]], detections, others[~ignored[others]])
    pairs = [(word, each) for credit in credits for word in credit.words for each in credit.detections]
    found = np.array(pairs, np.intp).reshape(-1, 2)
    matching = Matching(tried=(found[:, 0], found[:, 1]), kept=np.arange(len(found)), ignored=ignored)
    left_out = len(truths.images) - len(answered)
    notes = (f"{left_out} images of the ground truth have no file of detections: DetEval leaves them out",) if left_out else ()
    all_words = replace(truths, ignored=truths.ignored | ~kept)
    made = result("totaltext-deteval", all_words, detections, matching, np.ones(len(found), np.bool_), notes=notes)
    num_found = len(np.unique(found[:, 0]))
    return replace(
        made,
        scores=_scores(credits, made.counts.words, made.counts.detections),
        counts=replace(made.counts, found=num_found, correct=num_found),
    )


@dataclass(frozen=True)
class _Credit:
    """Words and detections that earn ``each`` a head: one of each, or one and several."""

    words: list[int]
    detections: list[int]
    each: float


def _scores(credits: list[_Credit], num_words: int, num_detections: int) -> Scores:
    recall = ratio(sum(len(credit.words) * credit.each for credit in credits), num_words)
    precision = ratio(sum(len(credit.detections) * credit.each for credit in credits), num_detections)
    return Scores(precision, recall, hmean(precision, recall))


def _over_ignored(truths: Annotated, words: Indices, detections: Annotated, others: Indices) -> Flags:
    shared = _shared(truths.polygons, words, detections.polygons, others)
    areas = shapely.area(detections.polygons.shapes(others))
    over: Flags = (shared / (areas + 1.0) > IGNORED_SHARE).any(axis=0)
    return over


def _credits(truths: Annotated, words: Indices, detections: Annotated, others: Indices) -> list[_Credit]:
    """One to one, then one word in parts, then one detection of several words, each of what is left."""
    if not len(words) or not len(others):
        return []
    shared = _shared(truths.polygons, words, detections.polygons, others)
    true_areas, areas = shapely.area(truths.polygons.shapes(words)), shapely.area(detections.polygons.shapes(others))
    if (true_areas == 0).any():
        raise ConfigError(f"{truths.place(int(words[true_areas == 0][0]))}: the polygon has no area: the official script divides by it")
    recalled = np.round(shared / true_areas[:, None], 2)
    precise = np.round(np.divide(shared, areas, out=np.zeros_like(shared), where=areas > 0), 2)
    free_words, free = np.ones(len(words), np.bool_), np.ones(len(others), np.bool_)
    found = [*_one_to_one(recalled, precise, free_words, free), *_one_to_many(recalled, precise, free_words, free)]
    found += _many_to_one(recalled, precise, free_words, free)
    return [_Credit(words[of].tolist(), others[by].tolist(), each) for of, by, each in found]


Found = tuple[list[int], list[int], float]


def _one_to_one(recalled: Reals, precise: Reals, free_words: Flags, free: Flags) -> Iterator[Found]:
    """A word that one detection recalls and one (the script does not ask whether the same) is precise about, neither of which does so
    for another word."""
    for word in range(len(recalled)):
        by, about = recalled[word] > RECALL, precise[word] > PRECISION
        if by.sum() == about.sum() == (recalled[:, by] > RECALL).sum() == (precise[:, about] > PRECISION).sum() == 1:
            free_words[word] = False
            free[by] = False
            yield [word], np.flatnonzero(by).tolist(), 1.0


def _one_to_many(recalled: Reals, precise: Reals, free_words: Flags, free: Flags) -> Iterator[Found]:
    for word in np.flatnonzero(free_words).tolist():
        parts = np.flatnonzero((precise[word] >= PRECISION) & free) if (recalled[word] > 0).sum() > 1 else np.zeros(0, np.intp)
        if len(parts) and recalled[word, parts].sum() >= RECALL:
            free_words[word] = False
            free[parts] = False
            yield [word], parts.tolist(), 1.0 if len(parts) == 1 else CREDIT


def _many_to_one(recalled: Reals, precise: Reals, free_words: Flags, free: Flags) -> Iterator[Found]:
    """A single word is held to both thresholds; of several each must be recalled, and all together fill the detection."""
    for each in np.flatnonzero(free).tolist():
        some = np.flatnonzero((recalled[:, each] >= PRECISION) & free_words) if (precise[:, each] > 0).sum() > 1 else np.zeros(0, np.intp)
        enough = precise[some, each].sum() >= PRECISION and (len(some) > 1 or (recalled[some, each] >= RECALL).all())
        if len(some) and enough:
            free_words[some] = False
            free[each] = False
            yield some.tolist(), [each], 1.0 if len(some) == 1 else CREDIT


def _shared(of: Polygons, words: Indices, others: Polygons, rows: Indices) -> Reals:
    """(words, rows) areas of intersection; polygons that cross themselves are repaired by a buffer of 0, as in the script."""
    ours, theirs = (shapely.buffer(each.shapes(at), 0) for each, at in ((of, words), (others, rows)))
    shared: Reals = shapely.area(shapely.intersection(ours[:, None], theirs[None, :]))
    return shared.reshape(len(words), len(rows))


def _rows(file: Entry) -> Iterator[tuple[int, Reals]]:
    """(line, points); the file has y before x."""
    for number, line in enumerate(decoded(file, True, SubmissionError).replace("\r", "").removesuffix("\n").split("\n"), 1):
        values = line.split(",")
        if line and len(values) % 2:
            raise SubmissionError(f"{file.place}:{number}: {len(values)} numbers: a line is y1,x1,...,yn,xn and nothing else")
        if line:
            yield number, np.reshape(coordinates(f"{file.place}:{number}", values, SubmissionError), (-1, 2))[:, ::-1].astype(np.float64)


def _mat_rows(file: Entry) -> Iterator[tuple[Reals, str, bool]]:
    """(points, text, whether ignored) of the cells ``x:, xs, y:, ys, text, orientation``."""
    try:
        stored = loadmat(io.BytesIO(file.content), variable_names=["polygt", "gt"])
        table = stored["polygt"] if "polygt" in stored else stored["gt"]
        for row in table:
            x, y = (np.asarray(row[column], np.float64).ravel() for column in (1, 3))
            orientation = "".join(map(str, np.ravel(row[5]))) if len(row) > 5 else ""
            if len(x) != len(y):
                raise ValueError(f"{len(x)} x and {len(y)} y of one polygon")
            if len(x) > 2:
                yield np.stack([x, y], axis=1), "".join(map(str, np.ravel(row[4]))), orientation == "#"
    except (MatReadError, KeyError, ValueError, TypeError, IndexError, NotImplementedError, OverflowError) as error:
        raise ConfigError(f"{file.place}: not ground truth of Total-Text (polygt of 6 cells a word): {error}") from error
