"""Mean scores of trials with 95 % intervals, over seeds or over words.

With several seeds the interval is Student's, over the mean score of each seed. It says how much
another seed would change. With one seed it is the normal interval over the tested words. It says how
much other words would change, and nothing about seeds.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.scoring.word_accuracy import is_read, one_minus_ned
from raygroup.tables.trial_result import TrialResult

OVER_SEEDS, OVER_WORDS = "seeds", "words"
_LEVEL = 0.95
_COLUMNS = ("split", "task", "text", "reading")
Floats = NDArray[np.float64]
Word = tuple[str | None, str]
"""Task and text of a tested word."""


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float | None
    """None if there is only one value, which has no spread."""
    high: float | None
    over: str
    """``seeds`` or ``words``: what was drawn at random."""
    count: int
    """Number of seeds or words."""


@dataclass(frozen=True)
class ScoredTrials:
    """Trials on the same words of one split, with the scores of every word."""

    words: tuple[Word, ...]
    scores: dict[str, Floats]
    """Measure -> (seeds, words): the score of a word, mean over the trials of a seed."""
    seeds: tuple[int, ...]

    def interval(self, measure: str) -> Interval:
        """Return the mean over tasks, and its interval."""
        return _interval(self.scores[measure], self.words)


def scored_trials(trials: Sequence[TrialResult], split: str) -> ScoredTrials | None:
    """Read the words of a split. None if a trial has none, or if trials have different words."""
    words: tuple[Word, ...] | None = None
    by_seed: dict[int, list[tuple[Floats, Floats]]] = {}
    for trial in trials:
        trial_words, readings = _tested_words(trial, split)
        if not trial_words or (words is not None and trial_words != words):
            return None
        words = trial_words
        texts = [text for _, text in trial_words]
        exact = np.array([is_read(text, reading) for text, reading in zip(texts, readings, strict=True)], np.float64)
        similar = np.array([one_minus_ned(text, reading) for text, reading in zip(texts, readings, strict=True)], np.float64)
        by_seed.setdefault(trial.settings.seed, []).append((exact, similar))
    means = {seed: np.mean(np.array(arrays), axis=0) for seed, arrays in sorted(by_seed.items())}
    stacked = np.stack(list(means.values()), axis=1)
    return ScoredTrials(words or (), {"accuracy": stacked[0], "one_minus_ned": stacked[1]}, tuple(means))


def difference_interval(one: ScoredTrials, other: ScoredTrials, measure: str) -> Interval:
    """Return other minus one. Equal words are compared pair by pair, and so are equal seeds."""
    first, second = one.scores[measure], other.scores[measure]
    if one.words == other.words and (one.seeds == other.seeds or len(first) == len(second) == 1):
        return _interval(second - first, one.words)
    return _unpaired(one.interval(measure), other.interval(measure))


def _tested_words(trial: TrialResult, split: str) -> tuple[tuple[Word, ...], list[str]]:
    rows = zip(*(trial.predictions[name].to_pylist() for name in _COLUMNS), strict=True)
    kept = [(task, text, reading) for word_split, task, text, reading in rows if word_split == split]
    return tuple((task, text) for task, text, _ in kept), [reading for _, _, reading in kept]


def _interval(scores: Floats, words: Sequence[Word]) -> Interval:
    """Return the interval of (seeds, words) scores."""
    weights = _task_weights(words)
    by_seed = scores @ weights
    mean = float(by_seed.mean())
    if len(by_seed) > 1:
        half = student_quantile(len(by_seed)) * float(by_seed.std(ddof=1)) / math.sqrt(len(by_seed))
        return Interval(mean, mean - half, mean + half, OVER_SEEDS, len(by_seed))
    if len(words) < 2:
        return Interval(mean, None, None, OVER_WORDS, len(words))
    half = normal_quantile() * math.sqrt(_word_variance(scores[0], words, weights))
    return Interval(mean, mean - half, mean + half, OVER_WORDS, len(words))


def _task_weights(words: Sequence[Word]) -> Floats:
    """Return the weight of each word in the mean over tasks. Words without a task count only if no word has one."""
    tasks = [task for task, _ in words]
    counts = {task: tasks.count(task) for task in set(tasks) if task is not None}
    if not counts:
        return np.full(len(words), 1 / len(words))
    return np.array([1 / (len(counts) * counts[task]) if task is not None else 0.0 for task in tasks])


def _word_variance(scores: Floats, words: Sequence[Word], weights: Floats) -> float:
    """Return the variance of the mean over tasks, whose words are drawn task by task."""
    tasks = np.array([task or "" for task, _ in words])
    variance = 0.0
    for task in set(tasks.tolist()):
        chosen = tasks == task
        if chosen.sum() > 1:
            variance += float(weights[chosen].sum() ** 2 * scores[chosen].var(ddof=1) / chosen.sum())
    return variance


def _unpaired(one: Interval, other: Interval) -> Interval:
    """Return other minus one for independent means: their half widths add in squares."""
    mean, over = other.mean - one.mean, one.over if one.over == other.over else OVER_WORDS
    count = min(one.count, other.count)
    if one.low is None or other.low is None or one.over != other.over:
        return Interval(mean, None, None, over, count)
    half = math.hypot(one.mean - one.low, other.mean - other.low)
    return Interval(mean, mean - half, mean + half, over, count)


def seed_interval(values: Sequence[float]) -> Interval | None:
    """Return the mean of values that differ in their seed, with its interval. None without values."""
    if not values:
        return None
    mean, count = statistics.fmean(values), len(values)
    if count < 2:
        return Interval(mean, None, None, OVER_SEEDS, count)
    half = student_quantile(count) * statistics.stdev(values) / count**0.5
    return Interval(mean, mean - half, mean + half, OVER_SEEDS, count)


def student_quantile(count: int) -> float:
    """Return the quantile of Student's distribution for a 95 % interval of a mean over ``count`` values."""
    from scipy.special import stdtrit  # scipy.stats takes most of a second to import

    return float(stdtrit(count - 1, (1 + _LEVEL) / 2))


def normal_quantile() -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + _LEVEL) / 2))
