"""Find the best grouping within a budget, by set partitioning as an integer program.

Each group is a 0/1 variable, and each task lies in one chosen group. Any budget that is a sum over groups fits, such as parameters, or the
expected milliseconds of a word. Pairs of tasks that must share a head, or must not, leave out groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import Floats, GroupScores, grouping_of, members
from raygroup.strategies.partition_search import Numbers, ScoredGrouping
from raygroup.task_groups import groups_text

_INFEASIBLE = 2
_ROUNDING = 1e-9
"""A limit may be passed by this share of it."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """The most that the groups of a grouping may cost together."""

    name: str
    """The setting and its unit, such as ``parameters``."""
    costs: Floats
    """The cost of each group, (2^t,)."""
    most: float

    def cost(self, groups: Numbers) -> float:
        """Return the cost of a grouping."""
        return float(self.costs[groups].sum())


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a grouping must keep to."""

    groups: int | None = None
    """The exact number of groups. None for any."""
    most_groups: int | None = None
    limits: tuple[Limit, ...] = ()
    together: tuple[tuple[str, str], ...] = ()
    """Pairs of tasks that must share a group."""
    apart: tuple[tuple[str, str], ...] = ()
    """Pairs of tasks that must not."""


@dataclass(frozen=True)
class _Program:
    """The groups that pairs and measurements allow, and the constraints that every grouping meets."""

    groups: Numbers
    holds: Floats
    """(t, n): 1 for each task of each allowed group."""

    def solve(self, gains: Floats, constraints: Sequence[LinearConstraint]) -> Numbers | None:
        """Return the groups of the grouping with the highest sum of gains, (n,), or None if no grouping meets the constraints."""
        scale = float(np.abs(gains).max()) or 1.0
        once = LinearConstraint(self.holds, 1, 1)
        answer = milp(-gains / scale, integrality=np.ones(len(gains)), bounds=Bounds(0, 1), constraints=[once, *constraints],
                      options={"mip_rel_gap": 0.0})  # fmt: skip
        if answer.x is None:
            if answer.status != _INFEASIBLE:
                raise ConfigError(f"the search within the budget ended without an answer: {answer.message}")
            return None
        return np.asarray(self.groups[answer.x > 0.5])


def best_within(scores: GroupScores, budget: Budget) -> ScoredGrouping:
    """Return the grouping with the highest score that keeps to a budget.

    If none does, ConfigError names the grouping that comes nearest, and what it costs.
    """
    program = _program(scores, budget)
    fixed = _count_constraints(program, budget)
    sums = scores.sums
    limits = [_limit_constraint(program, limit) for limit in budget.limits]
    while True:
        groups = program.solve(sums[program.groups], [*fixed, *limits])
        if groups is None:
            raise ConfigError(_nearest(scores, program, budget))
        if all(limit.cost(groups) <= limit.most + _ROUNDING * abs(limit.most) for limit in budget.limits):
            return ScoredGrouping(grouping_of(groups.tolist(), scores.tasks), float(sums[groups].sum()))
        # The solver's own tolerance let this one pass. Leave it out, and search again.
        chosen = np.isin(program.groups, groups).astype(float)[None]
        fixed = [*fixed, LinearConstraint(chosen, -np.inf, len(groups) - 1)]


def _program(scores: GroupScores, budget: Budget) -> _Program:
    for field, pairs in (("together", budget.together), ("apart", budget.apart)):
        unknown = [task for pair in pairs for task in pair if task not in scores.tasks]
        if unknown:
            raise ConfigError(f"budget.{field}: no task '{unknown[0]}'; the tasks are: {', '.join(scores.tasks)}")
    inside = members(len(scores.tasks))
    allowed = np.zeros(len(scores.values), bool)
    allowed[scores.measured] = True
    place = scores.tasks.index
    for one, other in budget.together:
        allowed &= inside[:, place(one)] == inside[:, place(other)]
    for one, other in budget.apart:
        allowed &= ~(inside[:, place(one)] & inside[:, place(other)])
    program = _Program(np.flatnonzero(allowed), inside[allowed].T.astype(float))
    if not len(program.groups) or program.solve(np.zeros(len(program.groups)), []) is None:
        raise ConfigError(f"{_pairs_text(budget)}: no grouping of the measured groups meets them all")
    return program


def _count_constraints(program: _Program, budget: Budget) -> list[LinearConstraint]:
    """Return the constraints on the number of groups, after a check that the pairs allow it."""
    ones = np.ones((1, len(program.groups)))
    low, high = budget.groups or 1, min(budget.groups or np.inf, budget.most_groups or np.inf)
    constraint = LinearConstraint(ones, low, high)
    if program.solve(np.zeros(ones.size), [constraint]) is None:
        fewest, most = (program.solve(sign * ones[0], []) for sign in (-1, 1))
        assert fewest is not None
        assert most is not None
        setting = f"budget.groups is {budget.groups}" if budget.groups else f"budget.most_groups is {budget.most_groups}"
        raise ConfigError(f"{setting}: the measured groups and the pairs allow groupings of {len(fewest)} to {len(most)} groups")
    return [constraint]


def _limit_constraint(program: _Program, limit: Limit) -> LinearConstraint:
    """Return a limit as a constraint, in shares of the limit."""
    scale = abs(limit.most) or 1.0
    return LinearConstraint(limit.costs[program.groups][None] / scale, -np.inf, limit.most / scale)


def _nearest(scores: GroupScores, program: _Program, budget: Budget) -> str:
    """Return the message for a budget that nothing meets."""
    groups = _least_excess(program, budget)
    limits = " and ".join(f"{limit.name} <= {limit.most:,.10g}" for limit in budget.limits)
    costs = " and ".join(f"{limit.name} {limit.cost(groups):,.10g}" for limit in budget.limits)
    return f"no grouping meets {limits}: the nearest is {groups_text(grouping_of(groups.tolist(), scores.tasks))}, with {costs}"


def _least_excess(program: _Program, budget: Budget) -> Numbers:
    """Return the grouping that exceeds each limit by the smallest share of it that is enough for all limits.

    One more variable, the last, is this share.
    """
    size = len(program.groups)
    last = np.arange(size + 1) == size
    pad = [(0, 0), (0, 1)]
    once = LinearConstraint(np.pad(program.holds, pad), 1, 1)
    counts = [LinearConstraint(np.pad(one.A, pad), one.lb, one.ub) for one in _count_constraints(program, budget)]
    limits = [_limit_constraint(program, limit) for limit in budget.limits]
    loose = [LinearConstraint(np.pad(one.A, pad) - last, one.lb, one.ub) for one in limits]
    bounds = Bounds(0, np.where(last, np.inf, 1))
    answer = milp(last.astype(float), integrality=~last, bounds=bounds, constraints=[once, *counts, *loose], options={"mip_rel_gap": 0.0})
    return np.asarray(program.groups[answer.x[:-1] > 0.5])


def _pairs_text(budget: Budget) -> str:
    pairs = [f"{one}+{other} {word}" for word, listed in (("together", budget.together), ("apart", budget.apart)) for one, other in listed]
    return f"budget.together and budget.apart ask for {', '.join(pairs)}" if pairs else "the scores of groups"
