"""Intervals of mean scores over words."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from raygroup.scoring.word_intervals import WordInterval, mean_interval, word_interval


@pytest.mark.parametrize(("right", "count"), [(0, 5), (5, 5), (7, 10), (199, 200), (57, 60)])
def test_exact_match_has_the_interval_that_wilson_gives_a_share(right: int, count: int):
    interval = word_interval([1.0] * right + [0.0] * (count - right))
    expected = binomtest(right, count).proportion_ci(0.95, method="wilson")
    assert interval.mean == pytest.approx(right / count)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_scores_that_spread_less_have_a_narrower_interval():
    words = word_interval([0.8, 0.9, 0.7, 1.0] * 10)
    shares = word_interval([1.0] * 34 + [0.0] * 6)
    assert words.mean == pytest.approx(shares.mean)
    assert words.high - words.low < (shares.high - shares.low) / 2


def test_the_interval_covers_the_mean_of_all_words_in_about_95_of_100_samples():
    random = np.random.default_rng(7)
    population = np.where(random.random(20_000) < 0.6, 1.0, random.beta(6, 3, 20_000))
    intervals = [word_interval(random.choice(population, 60).tolist()) for _ in range(2000)]
    covered = sum(interval.low <= population.mean() <= interval.high for interval in intervals) / len(intervals)
    assert 0.93 <= covered <= 0.97


def test_words_that_all_score_alike_still_have_an_interval():
    assert word_interval([1.0] * 10).low < 0.8
    assert word_interval([0.5]).low < 0.2


def test_without_words_there_is_no_score():
    assert math.isnan(word_interval([]).mean)


def test_a_score_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1, not 0.5 to 3"):
        word_interval([0.5, 3])


def test_the_mean_of_two_tasks_adds_their_distances_in_squares():
    """Distances 0.3 and 0.4 below give 0.5 / 2, distances 0.06 and 0.08 above give 0.1 / 2."""
    mean = mean_interval([WordInterval(0.5, 0.2, 0.56), WordInterval(0.7, 0.3, 0.78)])
    assert (mean.mean, mean.low, mean.high) == (pytest.approx(0.6), pytest.approx(0.35), pytest.approx(0.65))
    assert mean_interval([word_interval([1.0] * 10)]) == word_interval([1.0] * 10)
    assert math.isnan(mean_interval([]).mean)


@pytest.mark.parametrize("score", [1 / 3, 0.1, 0.7])
def test_words_that_all_score_alike_have_the_interval_of_a_share(score: float):
    """The mean of six thirds is not exactly a third, which must not count as a spread."""
    interval = word_interval([score] * 6)
    assert interval.low < score - 0.05
    assert interval.high > score + 0.05
