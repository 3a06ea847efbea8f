"""How well words were read: word accuracy and 1-NED, for each task and on the mean over tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from raygroup.words.labels import normalise


@dataclass(frozen=True)
class WordScore:
    """Scores of some words, each from 0 to 1; nan where there are none."""

    num_words: int
    accuracy: float
    """Share of words read without a mistake."""
    one_minus_ned: float
    """Mean over words of 1 - edits / length of the longer of truth and reading, in code points."""


@dataclass(frozen=True)
class WordScores:
    """Scores by task, in the order the tasks were given; a word without a task counts in ``all`` only."""

    by_task: dict[str, WordScore]
    all: WordScore
    """Every word alike."""

    @property
    def mean(self) -> WordScore:
        """Mean over tasks, each counting alike; of ``all`` where no word has a task."""
        scores = list(self.by_task.values())
        if not scores:
            return self.all
        accuracy = sum(score.accuracy for score in scores) / len(scores)
        one_minus_ned = sum(score.one_minus_ned for score in scores) / len(scores)
        return WordScore(sum(score.num_words for score in scores), accuracy, one_minus_ned)

    def rows(self) -> Iterator[tuple[str, WordScore]]:
        """The tasks, then ``mean``; ``all`` where some word has no task."""
        yield from self.by_task.items()
        if self.by_task:
            yield "mean", self.mean
        if self.all.num_words != sum(score.num_words for score in self.by_task.values()):
            yield "all", self.all


def one_minus_ned(truth: str, reading: str, *, exact: bool = False) -> float:
    """1 - edits / length of the longer one; 1 for two empty strings. Both are compared as labels (``normalise``) unless ``exact``."""
    return float(Levenshtein.normalized_similarity(_form(truth, exact), _form(reading, exact)))


def is_read(truth: str, reading: str, *, exact: bool = False) -> bool:
    """Whether a word was read without a mistake: the same label, which is all a head can write, or each code point if ``exact``."""
    return _form(truth, exact) == _form(reading, exact)


def score_words(
    tasks: Sequence[str | None], truths: Sequence[str], readings: Sequence[str], order: Sequence[str] = (), *, exact: bool = False
) -> WordScores:
    """Scores of words given by true task (None where unknown), truth and reading; rows come in ``order``, then as first met."""
    words = [
        (task, is_read(truth, reading, exact=exact), one_minus_ned(truth, reading, exact=exact))
        for task, truth, reading in zip(tasks, truths, readings, strict=True)
    ]
    present = {task for task, _, _ in words if task is not None}
    names = [name for name in dict.fromkeys([*order, *(task for task in tasks if task is not None)]) if name in present]
    by_task = {name: _score([(read, similar) for task, read, similar in words if task == name]) for name in names}
    return WordScores(by_task, _score([(read, similar) for _, read, similar in words]))


def _score(words: Sequence[tuple[bool, float]]) -> WordScore:
    if not words:
        return WordScore(0, float("nan"), float("nan"))
    return WordScore(len(words), sum(read for read, _ in words) / len(words), sum(similar for _, similar in words) / len(words))


def _form(text: str, exact: bool) -> str:
    return text if exact else normalise(text)
