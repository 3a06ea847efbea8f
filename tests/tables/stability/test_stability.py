"""Agreement of groupings: values worked by hand, other formulas and other libraries."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cut_tree, linkage
from scipy.spatial.distance import squareform

from raygroup.tables.stability.agreement import adjusted_rand_index, adjusted_rand_rows, adjusted_rand_table, variation_of_information
from raygroup.tables.stability.chance import chance_agreement
from raygroup.tables.stability.consensus import average_linkage, co_assignment, consensus
from raygroup.tables.stability.partitions import all_partitions, draw_partitions, groups_of, labels_of, num_blocks
from raygroup.tables.stability.stability import stability
from raygroup.tasks import PAPER_TASKS

STIRLING = {1: 1, 2: 63, 3: 301, 4: 350, 5: 140, 6: 21, 7: 1}
"""Partitions of seven tasks by number of blocks."""
label_rows = st.lists(st.integers(0, 6), min_size=7, max_size=7).map(np.array)


def labels(*texts: str) -> np.ndarray:
    return np.array([[int(block) for block in text] for text in texts])


def groups(*names: str) -> frozenset[frozenset[str]]:
    return frozenset(map(frozenset, names))


@pytest.mark.parametrize(("blocks", "count"), STIRLING.items())
def test_all_partitions_are_listed_once_each(blocks, count):
    listed = all_partitions(7, blocks)
    assert len({tuple(row) for row in listed.tolist()}) == len(listed) == count
    assert set(num_blocks(listed)) == {blocks}


def test_labels_number_groups_by_their_first_tasks():
    assert labels_of(groups("b", "ac"), "abc").tolist() == [0, 1, 0]
    assert groups_of(np.array([0, 1, 0]), "abc") == groups("b", "ac")
    with pytest.raises(ValueError, match=r"\[\['a'\]\] is not a partition of a, b"):
        labels_of(groups("a"), "ab")


@pytest.mark.parametrize(("tasks", "blocks"), [(5, 3), (9, 8)])
def test_drawn_partitions_are_equally_likely(tasks, blocks):
    """Nine tasks in eight blocks are drawn by the recurrence. Each of the 36 pairs is joined as often as any other."""
    listed = {tuple(row) for row in all_partitions(tasks, blocks).tolist()}
    drawn = [tuple(row) for row in draw_partitions(tasks, blocks, 5000, "test").tolist()]
    assert set(drawn) == listed
    expected = 5000 / len(listed)
    square = sum((drawn.count(row) - expected) ** 2 / expected for row in listed)
    assert square < len(listed) + 4 * math.sqrt(2 * len(listed))


def test_the_adjusted_rand_index_of_a_worked_example():
    """Of 6 pairs, 2 are together in the first, 1 in the second and 1 in both. Chance expects 1/3, so (1 - 1/3) / (3/2 - 1/3) = 4/7."""
    assert adjusted_rand_index(labels("0011")[0], labels("0012")[0]) == pytest.approx(float(Fraction(4, 7)))
    assert adjusted_rand_index(labels("0011")[0], labels("0101")[0]) == pytest.approx(-0.5)


def test_trivial_partitions_agree_with_themselves_only():
    one, alone = labels("0000", "0123")
    assert adjusted_rand_index(one, one) == adjusted_rand_index(alone, alone) == 1
    assert adjusted_rand_index(one, alone) == 0


@given(label_rows, label_rows)
def test_the_index_is_that_of_the_contingency_table(one, other):
    cells = [[int(((one == i) & (other == j)).sum()) for j in range(7)] for i in range(7)]
    both = sum(math.comb(cell, 2) for row in cells for cell in row)
    first = sum(math.comb(sum(row), 2) for row in cells)
    second = sum(math.comb(sum(column), 2) for column in zip(*cells, strict=True))
    expected = Fraction(first * second, math.comb(7, 2))
    room = Fraction(first + second, 2) - expected
    by_hand = 1.0 if room == 0 else float((both - expected) / room)
    assert adjusted_rand_index(one, other) == pytest.approx(by_hand)
    assert adjusted_rand_table(one[None], other[None])[0, 0] == adjusted_rand_rows(one[None], other[None])[0]


@pytest.mark.parametrize(("blocks", "p95"), [(2, 0.42), (3, 0.48), (4, 0.48), (5, 0.45), (6, -0.05)])
def test_the_index_is_0_on_average_over_partitions_with_as_many_blocks(blocks, p95):
    """The quantiles were estimated with another library (scikit-learn) from draws."""
    listed = all_partitions(7, blocks)
    values = adjusted_rand_table(listed, listed)
    assert values.mean() == pytest.approx(0, abs=1e-9)
    assert np.quantile(values, 0.95) == pytest.approx(p95, abs=0.04)


def test_the_variation_of_information_of_worked_examples():
    one, alone, halves, crossed = labels("0000", "0123", "0011", "0101")
    assert variation_of_information(one, one) == 0
    assert variation_of_information(one, alone) == pytest.approx(1)
    assert variation_of_information(one, halves) == pytest.approx(0.5)  # log 2 / log 4
    assert variation_of_information(halves, crossed) == pytest.approx(1)


@given(label_rows, label_rows, label_rows)
def test_the_variation_of_information_is_a_distance(one, other, third):
    between = variation_of_information
    assert between(one, other) == pytest.approx(between(other, one))
    assert 0 <= between(one, other) <= 1 + 1e-9
    assert between(one, third) <= between(one, other) + between(other, third) + 1e-9


@pytest.mark.parametrize(("blocks", "needed"), [(2, 0.29), (3, 0.23), (5, 0.26)])
def test_three_seeds_must_agree_this_well_to_be_more_than_noise(blocks, needed):
    """The limits were simulated before, with draws. Agreement must exceed them."""
    chance = chance_agreement(all_partitions(7, blocks)[:3])
    assert chance.exact
    assert needed <= chance.p95 < needed + 0.04


@pytest.mark.parametrize("rows", [("0012", "0112"), ("0012", "0112", "0001")])
def test_the_exact_p_is_that_of_the_plain_double_sum(rows):
    runs = labels(*rows)
    spaces = [all_partitions(4, count) for count in num_blocks(runs)]

    def agreement(chosen):
        return np.mean([adjusted_rand_index(one, other) for one, other in itertools.combinations(chosen, 2)])

    every = [agreement(chosen) for chosen in itertools.product(*spaces)]
    chance = chance_agreement(runs)
    assert chance.exact
    assert chance.agreement == pytest.approx(agreement(runs))
    assert chance.p == pytest.approx(np.mean(np.array(every) >= chance.agreement - 1e-9))


def test_a_drawn_p_comes_near_the_exact_one_and_is_never_0():
    same = np.repeat(all_partitions(7, 4)[:1], 8, axis=0)
    assert 0 < chance_agreement(same).p < 0.001
    mixed = all_partitions(7, 3)[[0, 0, 1, 250]]
    assert not chance_agreement(mixed).exact
    assert chance_agreement(mixed) == chance_agreement(mixed)


def test_co_assignment_is_the_share_of_runs_in_which_two_tasks_share_a_head():
    together = co_assignment(labels("0011", "0012"))
    assert together.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0.5, 1]]
    assert consensus(together, "abcd", 3) == groups("ab", "c", "d")
    assert consensus(together, "abcd", 2) == groups("ab", "cd")


def test_ties_keep_the_order_of_tasks():
    """All pairs are equally close: the first two tasks merge first, then the third joins them."""
    (root,) = average_linkage(np.ones((4, 4)))
    assert root.members == (0, 1, 2, 3)
    assert consensus(np.zeros((4, 4)), "abcd", 2) == groups("abc", "d")


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_average_linkage_is_that_of_scipy_where_nothing_ties(seed, num_clusters):
    points = np.random.default_rng(seed).random((7, 7))
    distance = (points + points.T) * (1 - np.eye(7))
    ours = {frozenset(cluster.members) for cluster in average_linkage(distance, num_clusters)}
    theirs = cut_tree(linkage(squareform(distance), "average"), num_clusters)[:, 0]
    assert ours == {frozenset(np.flatnonzero(theirs == number).tolist()) for number in set(theirs.tolist())}


def test_equal_groupings_are_stable_and_three_of_them_claim_nothing():
    grouping = frozenset({frozenset(PAPER_TASKS[:3]), frozenset(PAPER_TASKS[3:])})
    few = stability([grouping] * 3, PAPER_TASKS)
    assert (few.rand.mean, few.information.mean, few.consensus) == (1, 0, grouping)
    assert few.chance.p == pytest.approx(1 / 63**2)
    assert few.is_significant is None
    assert stability([grouping] * 6, PAPER_TASKS).is_significant is True


def test_one_run_has_no_stability():
    assert stability([groups("ab")], "ab") is None


def test_runs_of_other_tasks_are_refused():
    with pytest.raises(ValueError, match="is not a partition"):
        stability([groups("ab"), groups("a")], "ab")
