"""Compare the words of photographs with their ground truth, as MLT19's task 4 does.

``raygroup.explain_photographs`` is ``explain_photographs``.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ImageError
from raygroup.files.places import local_path
from raygroup.scoring.measures import Scores, micro_scores
from raygroup.scoring.word_columns import Word
from raygroup.scoring.word_outcomes import word_outcomes
from raygroup.spot.ground_truth import GroundTruth, read_ground_truth
from raygroup.spotting.photograph import read_photograph
from raygroup.spotting.spotter import SpottedWord, Spotter, SpottingThresholds
from raygroup.spotting.threshold_choice import LabelledScene, score_scenes
from raygroup.tasks import by_paper_order

PROTOCOL_TASK = 4
"""The task of MLT19 that decides which words are right."""
IGNORED_DETECTION = "over ignored"
"""Name of the count of detections over don't-care words."""
COUNTS = ("correct", "misread", "missed", "false", "ignored", IGNORED_DETECTION)
"""The counts of an explanation. All but ``false`` and the last are of true words."""
UNREADABLE = "photograph not readable"
"""Reason why words of the ground truth have no outcome."""
UNKNOWN_TASK = "unknown"


@dataclass(frozen=True)
class ExplainedWord:
    """A true word, a detection, or a pair of both, and what became of it."""

    outcome: str
    """``correct``, ``misread``, ``missed``, ``false``, or ``ignored``: a don't-care word, or a detection over one."""
    truth: Word | None
    """The true word. ``script`` is its task. None for a detection without one."""
    word: SpottedWord | None
    """The detection. None for a missed word."""
    exact: bool | None = None
    """Whether the text of a pair is right to the letter. Upper and lower case are alike for ``outcome``."""

    @property
    def polygon(self) -> NDArray[np.float64]:
        """Return the detection's polygon, or else the true word's, (n, 2)."""
        if self.word is not None:
            return self.word.polygon
        assert self.truth is not None
        return np.array(self.truth.polygon, np.float64)

    @property
    def task(self) -> str:
        """Return the true word's task, or else the detection's."""
        task = self.truth.script if self.truth is not None else self.word.task if self.word is not None else ""
        return task or UNKNOWN_TASK

    @property
    def count(self) -> str:
        """Return which of COUNTS it belongs to."""
        return IGNORED_DETECTION if self.outcome == "ignored" and self.truth is None else self.outcome

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values. Those of the true word begin with ``truth_``."""
        truth = None if self.truth is None else np.round(np.array(self.truth.polygon), 1).tolist()
        read = dict.fromkeys(SpottedWord.__dataclass_fields__) if self.word is None else self.word.to_json()
        return {
            "outcome": self.outcome, "case_sensitive": self.exact, "truth_polygon": truth,
            "truth_text": self.truth and self.truth.text, "truth_task": self.truth and self.truth.script, **read,
        }  # fmt: skip


@dataclass(frozen=True)
class Explanation:
    """The outcome of every word of photographs that have ground truth."""

    photographs: Mapping[Path, Sequence[ExplainedWord]]
    truth: GroundTruth
    unreadable: tuple[str, ...] = ()
    """The reason for each photograph with ground truth that could not be read."""

    def counts(self) -> dict[str, Counter[str]]:
        """Return the counts of each task. False detections belong to the task that read them."""
        by_task: dict[str, Counter[str]] = {}
        for word in (word for words in self.photographs.values() for word in words):
            by_task.setdefault(word.task, Counter())[word.count] += 1
        return {task: by_task[task] for task in by_paper_order(set(by_task))}

    def total(self) -> Counter[str]:
        """Return the counts of all tasks together."""
        return sum(self.counts().values(), Counter[str]())

    def scores(self) -> Scores:
        """Return precision, recall and H of all photographs together."""
        total = self.total()
        return micro_scores(
            total["correct"], total["correct"] + total["misread"] + total["false"], total["correct"] + total["misread"] + total["missed"]
        )  # fmt: skip

    def words_left_out(self) -> dict[str, int]:
        """Return how many words of the ground truth have no outcome, by reason."""
        lost = sum(len(words) for path, words in self.truth.words.items() if path not in self.photographs)
        counts = {
            "without photograph": sum(self.truth.without_photograph.values()),
            UNREADABLE: lost,
            "without polygon": self.truth.without_polygon,
        }
        return {reason: count for reason, count in counts.items() if count}

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON values, without the words."""
        scores = asdict(self.scores())
        return {
            "protocol": f"mlt19-task{PROTOCOL_TASK}",
            "photographs": len(self.photographs),
            **{name: scores[name] for name in ("precision", "recall", "hmean")},
            "counts": _all_counts(self.total()),
            "tasks": {task: _all_counts(counts) for task, counts in self.counts().items()},
            "ground_truth": {"words": self.truth.num_words, "left_out": self.words_left_out(), "problems": self.truth.problems.to_json()},
            "without_ground_truth": [str(path) for path in self.truth.unlabelled],
            "without_photograph": dict(self.truth.without_photograph),
        }


def explain_photographs(
    spotter: Spotter, photographs: Iterable[str | Path], truth: str | Path, *, purpose: str = "end-to-end", beams: int = 1,
    format_name: str | None = None, progress: Callable[[int, int], None] = lambda done, total: None,
) -> Explanation:  # fmt: skip
    """Read the photographs that have ground truth, and compare their words with it.

    ``truth`` and ``format_name`` are those of ``read_ground_truth``. ``progress`` is called with the
    number of photographs read and their number. Raises ConfigError if no photograph has ground truth.
    """
    known = read_ground_truth(local_path(truth), [Path(path) for path in photographs], format_name)
    explained, unreadable = {}, []
    for number, (path, truths) in enumerate(known.words.items(), start=1):
        try:
            explained[path] = explain_words(truths, spotter.spot(read_photograph(path), purpose, beams))
        except ImageError as error:
            unreadable.append(str(error))
        progress(number, len(known.words))
    return Explanation(explained, known, tuple(unreadable))


def explain_words(truths: Sequence[Word], words: Sequence[SpottedWord]) -> list[ExplainedWord]:
    """Return the outcome of each true word and each detection of one photograph.

    True words come first, in their order. ``script`` of a true word is its task, and a don't-care word
    reads ``###``.
    """
    result = score_scenes([LabelledScene("photograph", tuple(truths), tuple(words))], PROTOCOL_TASK, SpottingThresholds())
    return [
        ExplainedWord(
            outcome.kind, None if outcome.word is None else truths[outcome.word],
            None if outcome.detection is None else words[outcome.detection], outcome.exact,
        )
        for outcome in word_outcomes(result)
    ]  # fmt: skip


def _all_counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) for name in COUNTS}
