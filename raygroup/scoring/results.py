"""What a protocol finds: the scores of its script, the same by script of the words, how well found words were read, and every word."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raygroup.scoring.matching import Matching
from raygroup.scoring.measures import Scores, average_precision, edit_shares, one_minus_ned, ratio, scores
from raygroup.scoring.word_accuracy import WordScores, score_words
from raygroup.scoring.word_columns import Annotated, Flags

Same = Callable[[str, str], bool]
"""Whether a detection says what a true word is."""


@dataclass(frozen=True)
class Counts:
    """``words`` and ``detections`` count what counts: neither don't-care words nor detections over them."""

    images: int
    words: int
    ignored_words: int
    detections: int
    ignored_detections: int
    found: int
    """Words with a detection, whatever it says."""
    correct: int


@dataclass(frozen=True)
class ScriptScores:
    """Of the true words of one script; detections without a word belong to none."""

    words: int
    found: int
    correct: int

    @property
    def recall(self) -> float:
        return ratio(self.correct, self.words)

    @property
    def found_correct(self) -> float:
        """Share of the found words that are correct."""
        return ratio(self.correct, self.found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """All that follows from one ground truth and one submission."""

    protocol: str
    scores: Scores
    """The leaderboard's: texts are compared upper-cased."""
    case_sensitive: Scores | None
    counts: Counts
    scripts: dict[str, ScriptScores]
    truths: Annotated
    detections: Annotated
    matching: Matching
    right: Flags
    """Of each pair that ``matching`` tried, whether the detection is what the word is."""
    right_exactly: Flags
    """The same, case-sensitive where the protocol has that."""
    reads: bool = False
    """Whether detections have a text."""
    notes: tuple[str, ...] = ()
    """What a reader of the scores should know of the files."""

    @cached_property
    def reading(self) -> dict[str, WordScores]:
        """Of found words alone: ``normalised`` compares labels (NFC and the like), ``exact`` code points; empty where nothing is read."""
        if not self.reads:
            return {}
        scripts = [self.truths.script(word) or None for word in self.matching.truth.tolist()]
        said = _pair_texts(self.truths, self.detections, self.matching)
        return {name: score_words(scripts, *said, exact=exact) for name, exact in (("normalised", False), ("exact", True))}


def result(
    protocol: str, truths: Annotated, detections: Annotated, matching: Matching, right: Flags, *, right_exactly: Flags | None = None,
    reads: bool = False, ned: bool = False, notes: tuple[str, ...] = (),
) -> Result:  # fmt: skip
    """``right_exactly``: case-sensitive verdicts where the protocol has them; ``reads``: texts are detected; ``ned``: 1-NED is scored."""
    exactly, same, words = right if right_exactly is None else right_exactly, right[matching.kept], (truths, detections)
    return Result(
        protocol=protocol,
        scores=_scores(*words, matching, same, upper=True, ned=ned),
        case_sensitive=None if right_exactly is None else _scores(*words, matching, exactly[matching.kept], upper=False, ned=ned),
        counts=counts(truths, detections, matching, same),
        scripts=by_script(truths, matching, same),
        truths=truths, detections=detections, matching=matching, right=right, right_exactly=exactly, reads=reads, notes=notes,
    )  # fmt: skip


def counts(truths: Annotated, detections: Annotated, matching: Matching, same: Flags) -> Counts:
    ignored, over = int(truths.ignored.sum()), int(matching.ignored.sum())
    words, others = len(truths) - ignored, len(detections) - over
    return Counts(len(truths.images), words, ignored, others, over, len(matching.truth), int(same.sum()))


def by_script(truths: Annotated, matching: Matching, same: Flags) -> dict[str, ScriptScores]:
    """In alphabetical order; empty where words have no script."""
    if not len(truths.scripts):
        return {}
    scripts = np.asarray(truths.scripts, dtype=np.str_)
    cared, found = scripts[~truths.ignored], scripts[matching.truth]
    return {
        str(name): ScriptScores(int((cared == name).sum()), int((found == name).sum()), int((found[same] == name).sum()))
        for name in np.unique(cared)
    }


def verdicts(truths: Annotated, detections: Annotated, matching: Matching, same: Same) -> Flags:
    """Of each pair that was tried."""
    pairs = zip(*(side.tolist() for side in matching.tried), strict=True)
    return np.array([same(truths.texts[word], detections.texts[detection]) for word, detection in pairs], np.bool_)


def as_json(result: Result) -> dict[str, Any]:
    """The numbers of a result, without its words; nan is null."""
    numbers = asdict(result.scores)
    return {
        "protocol": result.protocol,
        **numbers,
        "case_sensitive": None if result.case_sensitive is None else asdict(result.case_sensitive),
        "counts": asdict(result.counts),
        "scripts": {
            name: {**asdict(each), "recall": each.recall, "found_correct": each.found_correct} for name, each in result.scripts.items()
        },
        "reading": {name: _reading_json(each) for name, each in result.reading.items()},
        "notes": list(result.notes),
    }


def _reading_json(words: WordScores) -> dict[str, Any]:
    score = words.all
    known = score.num_words > 0
    return {
        "words": score.num_words,
        "accuracy": score.accuracy if known else None,
        "one_minus_ned": score.one_minus_ned if known else None,
        "by_script": {name: {"accuracy": each.accuracy, "one_minus_ned": each.one_minus_ned} for name, each in words.by_task.items()},
    }


def _scores(truths: Annotated, detections: Annotated, matching: Matching, same: Flags, *, upper: bool, ned: bool) -> Scores:
    num = counts(truths, detections, matching, same)
    ap, distance = None, None
    if detections.confidences is not None:
        correct = np.zeros(len(detections), np.bool_)
        correct[matching.detection[same]] = True
        ap = average_precision(detections.confidences[~matching.ignored], correct[~matching.ignored], num.words)
    if ned:
        shares = edit_shares(*_pair_texts(truths, detections, matching), upper=upper)
        distance = one_minus_ned(shares, num.words + num.detections - 2 * num.found)
    return scores(num.correct, num.detections, num.words, ap, distance)


def _pair_texts(truths: Annotated, detections: Annotated, matching: Matching) -> tuple[list[str], list[str]]:
    return [truths.texts[word] for word in matching.truth.tolist()], [detections.texts[each] for each in matching.detection.tolist()]
