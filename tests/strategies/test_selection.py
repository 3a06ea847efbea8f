"""Choosing from several seeds: shrinkage, honest scores, reliability, and the bootstrap."""

import numpy as np
import pytest
from group_tables import groups, random_values, three_tasks

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import members
from raygroup.strategies.resampling import WordScores, best_probabilities, difference_interval, resampled_sums
from raygroup.strategies.selection import (
    SeededScores,
    honest_choices,
    honest_regrets,
    mean_scores,
    reliability,
    shrunk_scores,
)  # fmt: skip


def by_seed(*tables: np.ndarray) -> SeededScores:
    return SeededScores(tasks=tuple("abcdef"[: tables[0].shape[1]]), values=np.array(tables))


def noisy(num_tasks: int, seeds: int, true_sd: float, noise_sd: float, world: int) -> SeededScores:
    draws = np.random.default_rng(world)
    shape = (1 << num_tasks, num_tasks)
    true = true_sd * draws.standard_normal(shape)
    values = np.where(members(num_tasks), true + noise_sd * draws.standard_normal((seeds, *shape)), np.nan)
    return SeededScores(tasks=tuple("abcdef"[:num_tasks]), values=values)


def test_scores_that_repeat_exactly_are_not_shrunk():
    """A shift that one seed gives a task moves all groupings alike, so it is no noise."""
    table = three_tasks().values
    shrunk = shrunk_scores(by_seed(table, table + np.array([1, 0, 0]), table))
    assert np.nanmax(np.abs(shrunk.values - table - np.array([1 / 3, 0, 0]))) < 1e-12


def test_pure_noise_is_shrunk_to_the_trend_with_size():
    """Task a alone scores 4 with one seed and 2 with the other, and so on. All means are equal."""
    swing = np.array([np.nan, 1, 1, -1, 1, -1, 1, -1])[:, None] * np.where(members(3), 1, np.nan)
    shrunk = shrunk_scores(by_seed(3 + swing, 3 - swing))
    assert np.nanmax(np.abs(shrunk.values - 3)) < 1e-12


def test_shrinking_takes_the_share_of_the_variance_that_is_noise():
    """Task a in a, ab, ac, abc, sizes 1 2 2 3. Means 0, 1, -1, 0 have no trend, and a variance of 2 / (4 - 2) = 1.

    Seeds differ from them by +-0.5 (-, +, +, -): squares 8 * 0.25 = 2, over (2 - 1) * (4 - 1) = 3. Half of 2/3 is noise of the mean: 1/3.
    So 2/3 of each residual is left.
    """
    means, swing = np.array([0, 1, -1, 0]), np.array([-0.5, 0.5, 0.5, -0.5])
    tables = np.where(members(3), 0.0, np.nan) * np.ones((2, 8, 3))
    tables[:, [1, 3, 5, 7], 0] = means + swing, means - swing
    shrunk = shrunk_scores(by_seed(*tables))
    assert shrunk.values[[1, 3, 5, 7], 0] == pytest.approx(means * 2 / 3)


def test_one_seed_cannot_be_shrunk_nor_judged():
    table = three_tasks().values
    assert np.array_equal(shrunk_scores(by_seed(table)).values, table, equal_nan=True)
    with pytest.raises(ConfigError, match="^scores of 1 seed cannot choose and judge: train the groups with 2 seeds or more$"):
        honest_choices(by_seed(table))


def test_the_seed_that_scores_has_no_part_in_the_choice():
    """The first seed likes ab | c (19 against 11), the second ac | b (7 + 7 + 5). Each scores the other's choice, 11."""
    other = three_tasks(ab=(4, 2), ac=(7, 7)).values
    choice = honest_choices(by_seed(three_tasks().values, other))[2]
    assert choice.choices == (groups("ac", "b"), groups("ab", "c"))
    assert choice.by_seed == (11, 11)
    assert choice.naive == 15  # (19 + 11) / 2
    assert (choice.honest, choice.bias) == (11, 4)
    assert honest_regrets(by_seed(three_tasks().values, other), choice, groups("ab", "c")).tolist() == [-8, 0]


def test_the_naive_maximum_flatters_and_the_honest_score_does_not():
    """Without any true difference every grouping scores 0. Over 40 worlds the honest score is 0 within its error."""
    choices = [honest_choices(noisy(4, 3, 0.0, 1.0, world))[2] for world in range(40)]
    honest = np.array([choice.honest for choice in choices])
    assert np.mean([choice.naive for choice in choices]) > 0.7
    assert abs(honest.mean()) < 4 * honest.std() / len(honest) ** 0.5


def test_seeds_that_agree_are_reliable_and_noise_is_not():
    table = random_values(4)
    agreed = reliability(by_seed(table, table + 1), 2)
    assert agreed.icc == pytest.approx(1)
    assert agreed.within == pytest.approx(0, abs=1e-9)
    assert reliability(by_seed(table, table), 4) is None
    opposed = reliability(by_seed(table, -table), 2)
    assert (opposed.icc, opposed.of_mean) == (0, 0)


def test_the_reliability_of_three_groupings_by_hand():
    """ab | c, ac | b and a | bc score 19, 11, 11 with one seed and 16, 11, 13 with the other.

    Their squares less the mean's sum to 55.5: 49 between groupings, 1/6 between seeds, 19/3 the rest. Mean squares are 49/2 and 19/6, so
    the ICC is (147 - 19) / (147 + 19), and that of the mean of both seeds 128 / 147.
    """
    second = three_tasks(ab=(6, 5), bc=(4, 4)).values
    answer = reliability(by_seed(three_tasks().values, second), 2)
    assert answer.icc == pytest.approx(128 / 166)
    assert answer.of_mean == pytest.approx(128 / 147)
    assert answer.within == pytest.approx((19 / 6) ** 0.5)
    assert answer.between == pytest.approx((32 / 3) ** 0.5)


def test_scores_by_seed_must_be_complete():
    with pytest.raises(ConfigError, match="lack a group of some seed"):
        by_seed(three_tasks().values, three_tasks(ab=()).values)
    with pytest.raises(ConfigError, match=r"have the shape \(2, 2, 2\): it must be \(seeds, 4, 2\)"):
        SeededScores(tasks=("a", "b"), values=np.zeros((2, 2, 2)))


def words_of(*tables: np.ndarray, spread: float = 0.0) -> WordScores:
    """Two words of each task, ``spread`` above and below the mean."""
    values = np.repeat(np.array(tables), 2, axis=2) + np.tile([spread, -spread], tables[0].shape[1])
    return WordScores(tasks=tuple("abc"), task_of_word=np.repeat(np.arange(3), 2), values=values)


def test_without_spread_every_resample_has_the_same_scores():
    sums = resampled_sums(words_of(three_tasks().values), resamples=20)
    assert np.allclose(sums[:, 1:], mean_scores(by_seed(three_tasks().values)).sums[1:])
    assert best_probabilities("abc", sums, 2) == {groups("ab", "c"): 1.0}
    assert difference_interval("abc", sums, groups("ab", "c"), groups("a", "b", "c")) == pytest.approx((4, 4))


def test_words_are_the_same_for_all_groups():
    """Words differ by 100, groups by less. The difference of two groupings does not move."""
    sums = resampled_sums(words_of(three_tasks().values, spread=100), resamples=50)
    assert sums[:, 7].std() > 10
    assert best_probabilities("abc", sums, 2) == {groups("ab", "c"): 1.0}


def test_seeds_that_disagree_share_the_probability():
    """With two seeds of opposite opinion, a resample has two of the first, two of the second, or one each: 1/4, 1/4, 1/2.

    One each gives ab | c and ac | b 15, a tie, in which the first listed wins. So one of them has 3/4 and the other 1/4.
    """
    other = three_tasks(ab=(4, 2), ac=(7, 7)).values
    sums = resampled_sums(words_of(three_tasks().values, other), resamples=4000)
    probabilities = best_probabilities("abc", sums, 2)
    assert set(probabilities) == {groups("ab", "c"), groups("ac", "b")}
    assert sorted(probabilities.values()) == pytest.approx([0.25, 0.75], abs=0.03)
    assert sums == pytest.approx(resampled_sums(words_of(three_tasks().values, other), resamples=4000))


def test_scores_by_word_are_checked():
    with pytest.raises(ConfigError, match="^scores by word have no words of 'b'$"):
        WordScores(tasks=("a", "b"), task_of_word=np.zeros(1, int), values=np.zeros((1, 4, 1)))
    with pytest.raises(ConfigError, match="lack words of 'a' under some group"):
        WordScores(tasks=("a",), task_of_word=np.zeros(1, int), values=np.full((1, 2, 1), np.nan))
