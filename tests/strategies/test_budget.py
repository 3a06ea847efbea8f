"""The best grouping within a budget: worked by hand, and against the dynamic programme."""

import numpy as np
import pytest
from group_tables import groups, random_scores, three_tasks

from raygroup.errors import ConfigError
from raygroup.strategies.budget import Budget, Limit, best_within
from raygroup.strategies.partition_search import best_groupings

PARAMETERS = np.array([0, 10, 10, 15, 40, 46, 46, 50])
"""a and b have few characters, c has many: a 10, b 10, ab 15, c 40, ac 46, bc 46, abc 50."""


def parameters(most: float) -> Limit:
    return Limit(name="parameters", costs=PARAMETERS, most=most)


def test_without_limits_the_answer_is_that_of_the_dynamic_programme():
    scores = random_scores(6)
    best = best_groupings(scores)
    for count in (1, 3, 6):
        answer = best_within(scores, Budget(groups=count))
        assert answer.groups == best[count][0].groups
        assert answer.score == pytest.approx(best[count][0].score)
    overall = max((one for (one,) in best.values()), key=lambda one: one.score)
    assert best_within(scores, Budget()).groups == overall.groups


@pytest.mark.parametrize(("most", "grouping"), [(60, ("a", "b", "c")), (55, ("ab", "c")), (54, ("abc",))])
def test_a_limit_on_parameters_takes_the_best_that_fits(most, grouping):
    """Alone 20 + 40 = 60 parameters, ab | c 55, one head 50. Here tasks alone read best, 21 against 19 and 13."""
    scores = three_tasks(a=(7,), b=(7,), c=(7,), ab=(6, 6))
    assert best_within(scores, Budget(limits=(parameters(most),))).groups == groups(*grouping)


def test_a_limit_that_nothing_meets_names_the_nearest_grouping():
    with pytest.raises(ConfigError, match=r"^no grouping meets parameters <= 49: the nearest is a\+b\+c, with parameters 50$"):
        best_within(three_tasks(), Budget(limits=(parameters(49),)))
    with pytest.raises(ConfigError, match=r"the nearest is a\+b \| c, with parameters 55$"):
        best_within(three_tasks(), Budget(groups=2, limits=(parameters(20),)))


def test_of_two_limits_the_nearest_exceeds_the_worse_one_least():
    """One head: 50 of 40 parameters and 12 of 8 ms, at worst 50 % over. ab | c: 55 of 40 and 11 of 8, at worst 37.5 %. Alone 60 of 40."""
    latency = Limit(name="ms", costs=np.array([0, 3, 3, 6, 5, 9, 9, 12]), most=8)
    reason = r"^no grouping meets parameters <= 40 and ms <= 8: the nearest is a\+b \| c, with parameters 55 and ms 11$"
    with pytest.raises(ConfigError, match=reason):
        best_within(three_tasks(), Budget(limits=(parameters(40), latency)))


def test_a_limit_holds_to_the_last_parameter():
    """A solver allows a millionth of the limit. One parameter of ten million is less."""
    costs = PARAMETERS * 1_000_000 + 1
    limit = Limit(name="parameters", costs=costs, most=55_000_001)  # ab | c has 55,000,002
    assert best_within(three_tasks(), Budget(limits=(limit,))).groups == groups("abc")


def test_pairs_are_kept_together_and_apart():
    assert best_within(three_tasks(), Budget(together=(("a", "c"),))).groups == groups("abc")
    assert best_within(three_tasks(), Budget(apart=(("a", "b"),))).groups == groups("a", "b", "c")


def test_pairs_and_counts_that_contradict_are_named():
    with pytest.raises(ConfigError, match=r"^budget.together and budget.apart ask for a\+b together, a\+b apart: no grouping"):
        best_within(three_tasks(), Budget(together=(("a", "b"),), apart=(("a", "b"),)))
    with pytest.raises(ConfigError, match=r"^budget.groups is 1: the measured groups and the pairs allow groupings of 2 to 3 groups$"):
        best_within(three_tasks(), Budget(groups=1, apart=(("a", "b"),)))
    with pytest.raises(ConfigError, match=r"^budget.most_groups is 1: .* 2 to 3 groups$"):
        best_within(three_tasks(), Budget(most_groups=1, apart=(("a", "b"),)))
    with pytest.raises(ConfigError, match=r"^budget.apart: no task 'd'; the tasks are: a, b, c$"):
        best_within(three_tasks(), Budget(apart=(("a", "d"),)))
