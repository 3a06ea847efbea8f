"""How good the groupings of every strategy are, at every number of heads, by a group cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.randomness import generator
from raygroup.storage.sweeps import StoredSweep, read_sweeps
from raygroup.strategies.evidence import PARTS, Evidence
from raygroup.strategies.group_scores import Floats, GroupScores
from raygroup.strategies.registry import STRATEGIES
from raygroup.strategies.strategy import Proposal, Strategy, propose
from raygroup.tables.group_heads.cache_scores import cache_scores
from raygroup.tables.group_heads.group_cache import GroupCache, group_cache, group_heads_misfit
from raygroup.tables.strategies.cross_fit import CrossFit, cross_fit
from raygroup.tables.strategies.known_evidence import known_evidence
from raygroup.tables.strategies.learned import learned_methods
from raygroup.tables.strategies.regime import Regime, regimes
from raygroup.tables.strategies.rows import StrategyRow, cross_fitted_row, fixed_row, learned_row, places, random_row
from raygroup.tables.sweep_choice import choose_sweep
from raygroup.task_groups import Groups
from raygroup.tasks import language_of

CHOSEN_BY, SCORED_BY = "nll", "one_minus_ned"
"""Groupings are chosen by held-out loss, which repeats better over seeds, and reported by 1-NED."""
LABELLED = 30
"""Groups whose scores the ridge surrogate may read: all single tasks, the group of all tasks, and others at random."""
_DRAWN = "random"


@dataclass(frozen=True)
class StrategyTable:
    """Every strategy at every number of heads."""

    sweep: StoredSweep
    cache: GroupCache
    fit: CrossFit
    regimes: tuple[Regime, ...]
    rows: tuple[StrategyRow, ...]
    """By number of heads, then as the registry lists them, then the learned ones."""
    plan: Groups | None
    """The grouping that keeps the parts of a language together, if languages were divided."""
    not_shown: tuple[str, ...]
    """Strategies without a row, each with the reason."""

    def to_json(self) -> dict[str, Any]:
        """Return every number as JSON values."""
        return {
            "sweep": self.sweep.name, "data": self.cache.data, "recipe": self.cache.recipe, "tasks": list(self.cache.tasks),
            "seeds": list(self.fit.seeds), "chosen_by": CHOSEN_BY, "scored_by": SCORED_BY,
            "regimes": [regime.to_json() for regime in self.regimes], "rows": [row.to_json() for row in self.rows],
            "not_shown": list(self.not_shown),
        }  # fmt: skip


def strategy_table(storage: Place, sweep: str | None = None) -> StrategyTable:
    """Return the table from the newest finished sweep of group heads, or from a named one.

    Raises ConfigError if no sweep fits, or if fewer than two of its seeds have a head for every group.
    """
    sweeps = read_sweeps(storage)
    stored = choose_sweep(sweeps, storage, sweep, "the table of strategies", group_heads_misfit, "oracle_planted")
    cache = group_cache([stored])
    fit = cross_fit(cache_scores(cache, CHOSEN_BY), cache_scores(cache, SCORED_BY))
    methods, num_left_out = learned_methods(sweeps, cache.data, cache.seeds)
    evidence = known_evidence(stored, sweeps, cache, fit.chosen_by_mean, methods)
    plan = planned_groups(cache.tasks)
    rows, not_shown = _strategy_rows(fit, evidence)
    rows += [learned_row(fit, method) for method in methods]
    if num_left_out:
        not_shown.append(f"{num_left_out} trials that learned a grouping: their seeds are among those that score")
    rows += [random_row(fit, count) for count in fit.distributions if len(fit.distributions[count].scores) > 1]
    if plan is not None:
        rows.append(fixed_row(fit, "plan (parts together)", plan, 0.0))
    ordered = tuple(sorted(rows, key=lambda row: row.heads))
    return StrategyTable(stored, cache, fit, regimes(fit), ordered, plan, tuple(not_shown))


def planned_groups(tasks: Sequence[str]) -> Groups | None:
    """Return the grouping that keeps the parts of a language together. None if no language was divided."""
    groups = frozenset(
        frozenset(task for task in tasks if language_of(task) == language) for language in {language_of(task) for task in tasks}
    )
    return groups if len(groups) < len(tasks) else None


def plan_ranks(table: StrategyTable) -> list[tuple[int, float, float]]:
    """Return for each seed the rank of the plan among groupings with as many groups, by 1-NED and by loss. Empty without a plan."""
    if table.plan is None:
        return []
    found = []
    for place, seed in enumerate(table.fit.seeds):
        one = replace(
            table.fit,
            scored_by=replace(table.fit.scored_by, values=table.fit.scored_by.values[place : place + 1]),
            chosen_by=replace(table.fit.chosen_by, values=table.fit.chosen_by.values[place : place + 1]),
        )
        score, loss = places(one, table.plan)
        found.append((seed, score.rank, loss.rank))
    return found


def _strategy_rows(fit: CrossFit, evidence: Evidence) -> tuple[list[StrategyRow], list[str]]:
    rows, not_shown = [], []
    for strategy in STRATEGIES.values():
        if strategy.name == _DRAWN or "learned" in strategy.needs:
            continue  # the exact mean over all groupings stands for it, or a row over all runs
        missing = [part for part in strategy.needs if part not in (*evidence.parts, "scores")]
        if missing:
            not_shown.append(f"{strategy.title}: no trial recorded {' or '.join(PARTS[part] for part in missing)}")
            continue
        counts = [len(fit.tasks)] if strategy.fixed else range(2, len(fit.tasks))
        for count in counts:
            try:
                rows.append(_row(fit, strategy, evidence, count))
            except ConfigError as error:
                not_shown.append(f"{strategy.title}, {count} heads: {error}")
    return rows, not_shown


def _row(fit: CrossFit, strategy: Strategy, evidence: Evidence, count: int) -> StrategyRow:
    if "scores" not in strategy.needs:
        proposal = propose(strategy, evidence, count)
        return fixed_row(fit, strategy.title, proposal.groups, proposal.cost_s)
    proposals = [*_proposals(fit, strategy, evidence, count)]
    cost_s = float(np.mean([proposal.cost_s for proposal in proposals]))
    return cross_fitted_row(fit, strategy.title, [proposal.groups for proposal in proposals], cost_s)


def _proposals(fit: CrossFit, strategy: Strategy, evidence: Evidence, count: int) -> Iterator[Proposal]:
    """Yield what a strategy that reads scores chooses for each fold."""
    costs = evidence.require_scores().cost_s
    for number, fold in enumerate(fit.folds):
        values = _labelled(fold.choosing, number) if strategy.name == "ridge" else fold.choosing.values
        scores = GroupScores(tasks=fit.tasks, values=values, cost_s=costs)
        yield propose(strategy, replace(evidence, scores=scores), count)


def _labelled(scores: GroupScores, fold: int) -> Floats:
    """Return the scores of ``LABELLED`` groups, NaN elsewhere."""
    everything = len(scores.values) - 1
    sure = {1 << place for place in range(len(scores.tasks))} | {everything}
    others = [group for group in range(1, everything) if group not in sure]
    drawn = generator("labelled groups", fold).permutation(others)[: max(0, LABELLED - len(sure))].tolist()
    values = np.full_like(scores.values, np.nan)
    kept = sorted(sure | set(drawn))
    values[kept] = scores.values[kept]
    return values
