"""Exact selection: cases worked by hand, and brute force over all partitions."""

import numpy as np
import pytest
from group_tables import groups, random_scores, three_tasks

from raygroup.errors import ConfigError
from raygroup.strategies.distribution import score_distributions
from raygroup.strategies.group_scores import GroupScores, group_scores, grouping_of
from raygroup.strategies.partition_search import best_groupings, grouping_score, partition_sums
from raygroup.tables.stability.partitions import all_partitions, groups_of
from raygroup.task_groups import Groups

STIRLING = {1: 1, 2: 31, 3: 90, 4: 65, 5: 15, 6: 1}
"""Partitions of six tasks by number of groups."""


def test_the_best_grouping_of_three_tasks_for_every_number_of_groups():
    """One group 6 + 6 + 1 = 13. Two: ab 14 + c 5 = 19 against ac 6 + b 5 = 11. Three 15."""
    best = best_groupings(three_tasks())
    assert {count: (one.groups, one.score) for count, (one,) in best.items()} == {
        1: (groups("abc"), 13), 2: (groups("ab", "c"), 19), 3: (groups("a", "b", "c"), 15),
    }  # fmt: skip


def test_the_next_best_groupings_follow_in_order():
    """With two groups: ab | c 19, then ac | b and a | bc, 11 each."""
    best = best_groupings(three_tasks(), most=5)
    assert [one.score for one in best[2]] == [19, 11, 11]
    assert {one.groups for one in best[2]} == {groups("ab", "c"), groups("ac", "b"), groups("a", "bc")}
    assert len(best[1]) == len(best[3]) == 1


def test_groups_that_were_not_measured_are_in_no_grouping():
    best = best_groupings(three_tasks(abc=(), ab=()))
    assert 1 not in best
    assert best[2][0].score == 11
    with pytest.raises(ConfigError, match=r"^this grouping lacks the scores of a\+b: every group"):
        grouping_score(three_tasks(ab=()), groups("ab", "c"))


def plain_score(scores: GroupScores, grouping: Groups) -> float:
    """Return the double sum over groups and their tasks."""
    places = [[scores.tasks.index(task) for task in group] for group in grouping]
    return sum(scores.values[sum(1 << place for place in group), task] for group in places for task in group)


@pytest.mark.parametrize("most", [1, 7])
def test_the_search_agrees_with_all_partitions_one_by_one(most):
    scores = random_scores(6)
    best = best_groupings(scores, most)
    for count, number in STIRLING.items():
        listed = [groups_of(row, scores.tasks) for row in all_partitions(6, count)]
        by_hand = sorted(((plain_score(scores, grouping), sorted(map(sorted, grouping))) for grouping in listed), reverse=True)
        assert len(best[count]) == min(most, number)
        assert [sorted(map(sorted, one.groups)) for one in best[count]] == [names for _, names in by_hand[:most]]
        assert [one.score for one in best[count]] == pytest.approx([score for score, _ in by_hand[:most]])
        assert partition_sums(scores.sums, all_partitions(6, count)).max() == pytest.approx(by_hand[0][0])


def test_one_task_has_one_grouping():
    assert best_groupings(group_scores("a", {frozenset("a"): {"a": 0.5}}))[1][0].groups == groups("a")


def test_a_random_grouping_has_an_exact_mean_spread_and_place():
    """Two groups score 19, 11 and 11: mean 41/3, variance (2 * (8/3)^2 + (16/3)^2) / 3 = 128/9."""
    two = score_distributions(three_tasks())[2]
    assert two.mean == pytest.approx(41 / 3)
    assert two.sd == pytest.approx((128 / 9) ** 0.5)
    assert two.quantile(0.5) == 11
    assert (two.place(19).rank, two.place(19).of, two.place(19).percentile, two.place(19).p) == (1, 3, 100, pytest.approx(1 / 3))
    assert (two.place(11).rank, two.place(11).percentile) == (2.5, 25)
    assert score_distributions(three_tasks())[1].place(13).percentile == 100


def test_the_distribution_lists_every_partition_once():
    scores = random_scores(6)
    listed = score_distributions(scores)
    for count, number in STIRLING.items():
        assert len(listed[count].scores) == number
        assert listed[count].scores == pytest.approx(np.sort(partition_sums(scores.sums, all_partitions(6, count))))


def test_the_distribution_needs_every_group_and_few_tasks():
    with pytest.raises(ConfigError, match=r"^the distribution of all groupings lacks the scores of a\+b, a\+c: every group"):
        score_distributions(three_tasks(ab=(), ac=()))
    thirteen = GroupScores(tasks=tuple("abcdefghijklm"), values=np.zeros((1 << 13, 13)))
    with pytest.raises(ConfigError, match="the groupings of 13 tasks are too many to score each: at most 12 tasks"):
        score_distributions(thirteen)


def test_a_table_of_scores_is_checked():
    with pytest.raises(ConfigError, match=r"scores of group a\+b name a: they must name its tasks, out of a, b"):
        group_scores("ab", {frozenset("ab"): {"a": 1.0}})
    with pytest.raises(ConfigError, match=r"have the shape \(3, 2\): it must be \(4, 2\)"):
        GroupScores(tasks=("a", "b"), values=np.zeros((3, 2)))
    with pytest.raises(ConfigError, match="infinite value"):
        GroupScores(tasks=("a",), values=np.array([[0], [np.inf]]))
    with pytest.raises(ConfigError, match="scores of groups have 2 tasks: they must have 1 to 14, each once"):
        group_scores("aa", {})


def test_the_cost_of_groups_counts_each_head_once():
    scores = GroupScores(tasks=("a", "b"), values=random_scores(2).values, cost_s=np.array([0, 1, 2, 4]))
    assert scores.cost_of([1, 3, 1]) == 5
    assert grouping_of([1, 2], "ab") == groups("a", "b")
