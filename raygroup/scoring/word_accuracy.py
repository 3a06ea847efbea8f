"""Word accuracy and 1-NED of each task, and their means."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from raygroup.scoring.word_intervals import WordInterval, word_interval
from raygroup.words.labels import normalise


@dataclass(frozen=True)
class WordScore:
    """Scores of some words, each from 0 to 1. Without words they are nan."""

    num_words: int
    accuracy: float
    """Share of words read without a mistake."""
    one_minus_ned: float
    """Mean over words of 1 - edits / length of the longer of truth and reading, in code points."""


@dataclass(frozen=True)
class WordScores:
    """Scores of each task. A word without a task counts only in ``all``."""

    by_task: dict[str, WordScore]
    all: WordScore
    """Mean over all words, each counting the same."""

    @property
    def mean(self) -> WordScore:
        """Mean over tasks, each counting the same. If no word has a task, this is ``all``."""
        scores = list(self.by_task.values())
        if not scores:
            return self.all
        accuracy = sum(score.accuracy for score in scores) / len(scores)
        one_minus_ned = sum(score.one_minus_ned for score in scores) / len(scores)
        return WordScore(sum(score.num_words for score in scores), accuracy, one_minus_ned)

    def rows(self) -> Iterator[tuple[str, WordScore]]:
        """Yield the tasks, then ``mean``. If some word has no task, ``all`` follows."""
        yield from self.by_task.items()
        if self.by_task:
            yield "mean", self.mean
        if self.all.num_words != sum(score.num_words for score in self.by_task.values()):
            yield "all", self.all


def one_minus_ned(truth: str, reading: str, *, exact: bool = False) -> float:
    """Return 1 - edits / length of the longer text.

    Two empty texts have 1. Texts are compared as labels (``normalise``), with ``exact`` by code
    points.
    """
    return float(Levenshtein.normalized_similarity(_form(truth, exact), _form(reading, exact)))


def is_read(truth: str, reading: str, *, exact: bool = False) -> bool:
    """Return whether a word was read without a mistake.

    Texts are compared as labels (``normalise``), because a head can write nothing else. With
    ``exact`` every code point must agree.
    """
    return _form(truth, exact) == _form(reading, exact)


def pair_intervals(pairs: Iterable[tuple[str, str | None]]) -> tuple[WordInterval, WordInterval]:
    """Return exact match and 1-NED of (truth, reading) pairs, with 95 % intervals over words.

    A word that could not be read at all has the reading None, and scores 0.
    """
    words = list(pairs)
    exact = [float(reading is not None and is_read(truth, reading)) for truth, reading in words]
    similar = [0.0 if reading is None else one_minus_ned(truth, reading) for truth, reading in words]
    return word_interval(exact), word_interval(similar)


def score_words(
    tasks: Sequence[str | None], truths: Sequence[str], readings: Sequence[str], order: Sequence[str] = (), *, exact: bool = False
) -> WordScores:
    """Return the scores of words.

    Each word has a true task, a truth and a reading. A task is None if it is not known. Tasks come
    in ``order``, then in the order of their first words.
    """
    words = [
        (task, is_read(truth, reading, exact=exact), one_minus_ned(truth, reading, exact=exact))
        for task, truth, reading in zip(tasks, truths, readings, strict=True)
    ]
    present = {task for task, _, _ in words if task is not None}
    names = [name for name in dict.fromkeys([*order, *(task for task in tasks if task is not None)]) if name in present]
    by_task = {name: _mean_score([(is_right, similarity) for task, is_right, similarity in words if task == name]) for name in names}
    return WordScores(by_task, _mean_score([(is_right, similarity) for _, is_right, similarity in words]))


def _mean_score(words: Sequence[tuple[bool, float]]) -> WordScore:
    if not words:
        return WordScore(0, float("nan"), float("nan"))
    accuracy = sum(is_right for is_right, _ in words) / len(words)
    return WordScore(len(words), accuracy, sum(similarity for _, similarity in words) / len(words))


def _form(text: str, exact: bool) -> str:
    return text if exact else normalise(text)
