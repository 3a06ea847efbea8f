"""Local search finds the exact best grouping where that is known, and groups a hundred tasks."""

import itertools
import time

import numpy as np
import pytest

from raygroup.errors import ConfigError
from raygroup.strategies.affinity import affinity_scores
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import group_number, group_scores
from raygroup.strategies.local_search import search_grouping
from raygroup.strategies.methods.hoa import pair_scores
from raygroup.strategies.pairwise_scores import MeasuredGroups, pairwise_affinity, pairwise_hoa, pairwise_ridge
from raygroup.strategies.partition_search import best_groupings
from raygroup.strategies.registry import find_strategy
from raygroup.strategies.strategy import propose
from raygroup.strategies.surrogate import fill_scores


def names(count):
    return tuple(f"t{number:02}" for number in range(count))


def random_affinity(num_tasks, seed):
    return np.random.default_rng(seed).standard_normal((num_tasks, num_tasks))


def measured(tasks, seed, sizes=(1, 2)):
    random = np.random.default_rng(seed)
    groups = [frozenset(group) for size in sizes for group in itertools.combinations(tasks, size)]
    return MeasuredGroups(tasks, {group: {task: float(random.standard_normal()) for task in group} for group in groups})


def planted(num_tasks, size):
    """Return affinities of blocks of tasks that help each other, with noise."""
    block = np.arange(num_tasks) // size
    return np.where(block[:, None] == block, 1.0, -0.3) + 0.3 * random_affinity(num_tasks, 5)


def test_it_finds_the_exact_optimum_of_random_affinities_in_nearly_all_cases():
    reached = cases = 0
    for num_tasks, seed in [*((7, seed) for seed in range(12)), *((10, seed) for seed in range(6)), (12, 0), (12, 1)]:
        affinity, tasks = random_affinity(num_tasks, seed), names(num_tasks)
        exact = best_groupings(affinity_scores(affinity, tasks))
        for count, (best, *_) in exact.items():
            score = search_grouping(pairwise_affinity(affinity, tasks), count).score
            assert score <= best.score + 1e-9, "nothing beats the exact optimum"
            reached += score > best.score - 1e-9
            cases += 1
    assert cases == 12 * 7 + 6 * 10 + 2 * 12
    assert reached >= 0.98 * cases


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pairs_and_the_surrogate_are_scored_as_in_the_table_of_all_groups(seed):
    tasks = names(6)
    some = measured(tasks, seed, sizes=(1, 2, 3))
    table = group_scores(tasks, some.rows)
    for pairwise, filled in ((pairwise_hoa(some), pair_scores(table)), (pairwise_ridge(some), fill_scores(table).scores)):
        for group in (tasks[:4], tasks[1:], tasks):  # groups that were not measured
            assert pairwise.score([group]) == pytest.approx(filled.values[group_number(group, tasks)][members_of(group, tasks)].sum())


def members_of(group, tasks):
    return [tasks.index(task) for task in group]


def test_planted_groups_of_a_hundred_tasks_are_found_within_seconds():
    tasks = names(100)
    started = time.process_time()
    grouping = search_grouping(pairwise_affinity(planted(100, 5), tasks), 20)
    assert time.process_time() - started < 20
    assert grouping.groups == frozenset(frozenset(tasks[first : first + 5]) for first in range(0, 100, 5))


def test_equal_seeds_give_equal_groupings_and_the_score_is_that_of_the_groups():
    scores = pairwise_affinity(random_affinity(30, 1), names(30))
    one, other = (search_grouping(scores, 6, seed=3) for _ in range(2))
    assert one == other
    assert len(one.groups) == 6
    assert scores.score(one.groups) == pytest.approx(one.score)


def test_one_group_and_one_task_a_group_are_the_only_ones_of_their_number():
    scores = pairwise_affinity(random_affinity(20, 2), names(20))
    assert search_grouping(scores, 1).groups == {frozenset(names(20))}
    assert search_grouping(scores, 20).groups == {frozenset({task}) for task in names(20)}
    with pytest.raises(ConfigError, match="the number of groups is 21: 20 tasks form 1 to 20"):
        search_grouping(scores, 21)


@pytest.mark.parametrize("name", ["gradient-cosine", "tag", "hoa", "ridge", "character-overlap"])
def test_strategies_take_twenty_tasks(name):
    tasks, affinity = names(20), planted(20, 4)
    rows = {frozenset({one}): {one: 0.0} for one in tasks}
    rows |= {
        frozenset({tasks[one], tasks[other]}): {tasks[one]: affinity[other, one], tasks[other]: affinity[one, other]}
        for one in range(20) for other in range(one)
    }  # fmt: skip
    characters = {task: frozenset({chr(97 + place // 4), str(place)}) for place, task in enumerate(tasks)}
    evidence = Evidence(tasks=tasks, cosines=affinity, lookahead=affinity, characters=characters, measured=MeasuredGroups(tasks, rows, 7.0))
    proposal = propose(find_strategy(name), evidence, 5)
    assert proposal.groups == frozenset(frozenset(tasks[first : first + 4]) for first in range(0, 20, 4))
    assert proposal.cost_s == (7.0 if name in ("hoa", "ridge") else 0.0)


def test_the_oracle_says_that_it_needs_all_groups():
    tasks = names(20)
    with pytest.raises(ConfigError, match="reads a table of all groups, which 20 tasks do not have: choose hoa or ridge"):
        propose(find_strategy("oracle"), Evidence(tasks=tasks, measured=measured(tasks, 0)), 5)


def test_missing_pairs_and_too_few_groups_are_named():
    tasks = names(15)
    some = measured(tasks, 0, sizes=(1,))
    with pytest.raises(ConfigError, match=r"the higher-order approximation lacks the scores of t00\+t01, t00\+t02"):
        pairwise_hoa(some)
    with pytest.raises(ConfigError, match="the number of measured groups of task 't00' is 1: the ridge surrogate needs at least 4"):
        pairwise_ridge(some)
