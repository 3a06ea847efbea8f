"""The result of a protocol.

It has scores, scores by script, reading accuracy of matched words, and every word.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from raygroup.scoring.matching import Matching
from raygroup.scoring.measures import Scores, average_precision, edit_shares, mean_one_minus_ned, micro_scores, ratio
from raygroup.scoring.word_accuracy import WordScores, score_words
from raygroup.scoring.word_columns import Flags, WordColumns

SameText = Callable[[str, str], bool]
"""Returns whether a detected text is right. The first argument is the true word."""


@dataclass(frozen=True)
class Counts:
    """Numbers of words and detections.

    ``words`` and ``detections`` leave out don't-care words and detections over them.
    """

    images: int
    words: int
    ignored_words: int
    detections: int
    ignored_detections: int
    found: int
    """Words with a detection, whatever it reads."""
    correct: int


@dataclass(frozen=True)
class ScriptScores:
    """Counts of the true words of one script. Detections without a word belong to no script."""

    words: int
    found: int
    correct: int

    @property
    def recall(self) -> float:
        """Share of the words that are correct."""
        return ratio(self.correct, self.words)

    @property
    def found_correct(self) -> float:
        """Share of the found words that are correct."""
        return ratio(self.correct, self.found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """Scores and matches of one submission against one ground truth."""

    protocol: str
    scores: Scores
    """Scores of the leaderboard, which compares upper-cased texts."""
    case_sensitive: Scores | None
    counts: Counts
    scripts: dict[str, ScriptScores]
    truths: WordColumns
    detections: WordColumns
    matching: Matching
    right: Flags
    """Whether the detection is right, for each pair that ``matching`` tried."""
    right_exactly: Flags
    """The same, case-sensitive if the protocol has that."""
    reads: bool = False
    """Whether detections have a text."""
    notes: tuple[str, ...] = ()
    """Remarks on the files that a reader of the scores should know."""

    @cached_property
    def reading(self) -> dict[str, WordScores]:
        """Reading accuracy of the matched words alone.

        ``normalised`` compares labels (NFC and the like), ``exact`` code points. Empty if
        detections have no texts.
        """
        if not self.reads:
            return {}
        scripts = [self.truths.script(word) or None for word in self.matching.truth.tolist()]
        texts = _pair_texts(self.truths, self.detections, self.matching)
        return {name: score_words(scripts, *texts, exact=exact) for name, exact in (("normalised", False), ("exact", True))}


def build_result(
    protocol: str, truths: WordColumns, detections: WordColumns, matching: Matching, right: Flags, *, right_exactly: Flags | None = None,
    reads: bool = False, ned: bool = False, notes: tuple[str, ...] = (),
) -> Result:  # fmt: skip
    """Compute all scores from the matches and the verdicts.

    A verdict says whether the detection of a tried pair is right. ``right_exactly`` are
    case-sensitive verdicts, if the protocol has them. ``reads``: detections have texts. ``ned``:
    1-NED is scored.
    """
    exactly = right if right_exactly is None else right_exactly
    correct, words = right[matching.matched], (truths, detections)
    return Result(
        protocol=protocol,
        scores=_scores(*words, matching, correct, upper=True, ned=ned),
        case_sensitive=None if right_exactly is None else _scores(*words, matching, exactly[matching.matched], upper=False, ned=ned),
        counts=count_words(truths, detections, matching, correct),
        scripts=scores_by_script(truths, matching, correct),
        truths=truths, detections=detections, matching=matching, right=right, right_exactly=exactly, reads=reads,
        notes=(*truths.notes, *detections.notes, *notes),
    )  # fmt: skip


def count_words(truths: WordColumns, detections: WordColumns, matching: Matching, correct: Flags) -> Counts:
    """Count words and detections. ``correct`` has one flag for each matched pair."""
    ignored_words, ignored_detections = int(truths.ignored.sum()), int(matching.ignored.sum())
    return Counts(
        images=len(truths.images),
        words=len(truths) - ignored_words,
        ignored_words=ignored_words,
        detections=len(detections) - ignored_detections,
        ignored_detections=ignored_detections,
        found=len(matching.truth),
        correct=int(correct.sum()),
    )


def scores_by_script(truths: WordColumns, matching: Matching, correct: Flags) -> dict[str, ScriptScores]:
    """Return scores by script, in alphabetical order. They are empty if words have no script."""
    if not len(truths.scripts):
        return {}
    scripts = np.asarray(truths.scripts, dtype=np.str_)
    counting, matched = scripts[~truths.ignored], scripts[matching.truth]
    return {
        str(name): ScriptScores(int((counting == name).sum()), int((matched == name).sum()), int((matched[correct] == name).sum()))
        for name in np.unique(counting)
    }


def verdicts(truths: WordColumns, detections: WordColumns, matching: Matching, same: SameText) -> Flags:
    """Return whether the text of each tried pair is right."""
    pairs = zip(*(side.tolist() for side in matching.tried), strict=True)
    return np.array([same(truths.texts[word], detections.texts[detection]) for word, detection in pairs], np.bool_)


def result_json(result: Result) -> dict[str, Any]:
    """Return the numbers of a result, without its words. nan becomes null."""
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
    has_words = score.num_words > 0
    return {
        "words": score.num_words,
        "accuracy": score.accuracy if has_words else None,
        "one_minus_ned": score.one_minus_ned if has_words else None,
        "by_script": {name: {"accuracy": each.accuracy, "one_minus_ned": each.one_minus_ned} for name, each in words.by_task.items()},
    }


def _scores(truths: WordColumns, detections: WordColumns, matching: Matching, correct: Flags, *, upper: bool, ned: bool) -> Scores:
    num = count_words(truths, detections, matching, correct)
    ap = one_minus_ned = None
    if detections.confidences is not None:
        correct_detections = np.zeros(len(detections), np.bool_)
        correct_detections[matching.detection[correct]] = True
        counting = ~matching.ignored
        ap = average_precision(detections.confidences[counting], correct_detections[counting], num.words)
    if ned:
        shares = edit_shares(*_pair_texts(truths, detections, matching), upper=upper)
        one_minus_ned = mean_one_minus_ned(shares, num.words + num.detections - 2 * num.found)
    return micro_scores(num.correct, num.detections, num.words, ap, one_minus_ned)


def _pair_texts(truths: WordColumns, detections: WordColumns, matching: Matching) -> tuple[list[str], list[str]]:
    return [truths.texts[word] for word in matching.truth.tolist()], [detections.texts[each] for each in matching.detection.tolist()]
