"""One row of the table of strategies: how good the groupings are that a strategy chose for a number of heads."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raygroup.strategies.distribution import Place
from raygroup.strategies.partition_search import grouping_score
from raygroup.tables.score_intervals import Interval, seed_interval
from raygroup.tables.spread import Spread
from raygroup.tables.stability.chance import mean_agreement
from raygroup.tables.stability.partitions import labels_of
from raygroup.tables.strategies.cross_fit import CrossFit
from raygroup.tables.strategies.learned import LearnedMethod
from raygroup.task_groups import Groups, groups_text

FIXED, CROSS_FITTED, LEARNED = "fixed", "cross-fitted", "learned"
"""What repeats of a row are. ``fixed``: one grouping, scored by each seed of the cache. ``cross-fitted``: a grouping for each fold.
``learned``: a grouping for each run."""


@dataclass(frozen=True)
class StrategyRow:
    """A strategy at one number of heads. Scores are means over tasks of the measure that is reported."""

    strategy: str
    heads: int
    kind: str
    choices: tuple[Groups, ...]
    score: Interval
    """Over seeds of the cache, or over runs."""
    regret: Interval | None
    """The score of the best grouping that other seeds and words choose, less this one. None if there is no such grouping."""
    percentile: Spread
    """The place among all groupings with as many groups: 100 is the best."""
    loss_percentile: float | None
    """The same by held-out loss. None if choices were made by it."""
    z: Interval | None
    """Standard deviations above the mean of all groupings with as many groups. None if there is one such grouping only."""
    cost_s: float | None
    """Device seconds until the grouping was known, without the training of its heads. For a learned one, of one run."""
    agreement: float | None
    """Mean adjusted Rand index between choices: 1 if all are equal, about 0 by chance. None for one choice."""

    @property
    def most_frequent(self) -> Groups:
        """The grouping that was chosen most often."""
        return Counter(self.choices).most_common(1)[0][0]

    @property
    def num_most_frequent(self) -> int:
        """How often it was chosen."""
        return Counter(self.choices).most_common(1)[0][1]

    def to_json(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        return {
            "strategy": self.strategy, "heads": self.heads, "kind": self.kind, "score": interval_json(self.score),
            "regret": interval_json(self.regret), "percentile": self.percentile.to_json(), "loss_percentile": self.loss_percentile,
            "z": interval_json(self.z), "cost_s": self.cost_s, "agreement": self.agreement,
            "choices": {groups_text(groups): times for groups, times in Counter(self.choices).most_common()},
        }  # fmt: skip


def interval_json(interval: Interval | None) -> dict[str, float | int | None] | None:
    """Return an interval as JSON values."""
    return None if interval is None else {"mean": interval.mean, "low": interval.low, "high": interval.high, "count": interval.count}


def fixed_row(fit: CrossFit, strategy: str, groups: Groups, cost_s: float) -> StrategyRow:
    """Return the row of one grouping that was chosen without the scores of the cache."""
    by_seed = fit.by_seed_of(groups)
    place, loss_place = places(fit, groups)
    return StrategyRow(
        strategy, len(groups), FIXED, (groups,), _interval(list(by_seed.values())), _regret(fit, len(groups), by_seed),
        Spread.of([place.percentile]), loss_place.percentile, _z(fit, [groups]), cost_s, None,
    )  # fmt: skip


def cross_fitted_row(fit: CrossFit, strategy: str, choices: Sequence[Groups], cost_s: float) -> StrategyRow:
    """Return the row of groupings that were chosen by the cache's own scores, one for each fold."""
    by_seed = fit.by_seed(choices)
    count = len(choices[0])
    return StrategyRow(
        strategy, count, CROSS_FITTED, tuple(choices), _interval(list(by_seed.values())), _regret(fit, count, by_seed),
        Spread.of([fit.percentile(choices)]), None, None, cost_s, _agreement(choices, fit.tasks),
    )  # fmt: skip


def learned_row(fit: CrossFit, method: LearnedMethod) -> StrategyRow:
    """Return the row of trials that learned their groupings. A run with idle heads is compared with groupings of as many groups."""
    choices = [run.groups for run in method.runs]
    scores = [_score(fit, groups) for groups in choices]
    percentiles = [places(fit, groups) for groups in choices]
    best = float(np.mean(list(fit.honest_best[method.heads].values()))) if method.heads in fit.honest_best else None
    return StrategyRow(
        method.title, method.heads, LEARNED, tuple(choices), _interval(scores),
        None if best is None else _interval([best - score for score in scores]),
        Spread.of(place.percentile for place, _ in percentiles), float(np.mean([place.percentile for _, place in percentiles])),
        _z(fit, choices), float(np.mean([run.cost_s for run in method.runs])), _agreement(choices, fit.tasks),
    )  # fmt: skip


def random_row(fit: CrossFit, count: int) -> StrategyRow:
    """Return the row of a random grouping: the exact mean over all with so many groups. Its regret is that of the mean."""
    by_seed = {
        seed: float(np.mean([fold.distributions[count].mean for fold in fit.folds if fold.seed == seed])) / len(fit.tasks)
        for seed in fit.seeds
    }
    return StrategyRow(
        "random (mean of all)", count, FIXED, (), _interval(list(by_seed.values())), _regret(fit, count, by_seed),
        Spread.of([50.0]), 50.0, None, 0.0, None,
    )  # fmt: skip


def places(fit: CrossFit, groups: Groups) -> tuple[Place, Place]:
    """Return the place of a grouping among all with as many groups, by the measure that is reported and by loss."""
    count = len(groups)
    return (
        fit.distributions[count].place(grouping_score(fit.scores, groups)),
        fit.loss_distributions[count].place(grouping_score(fit.chosen_by_mean, groups)),
    )


def _score(fit: CrossFit, groups: Groups) -> float:
    return grouping_score(fit.scores, groups) / len(fit.tasks)


def _regret(fit: CrossFit, count: int, by_seed: dict[int, float]) -> Interval | None:
    best = fit.honest_best[count]
    return _interval([best[seed] - by_seed[seed] for seed in by_seed])


def _z(fit: CrossFit, choices: Sequence[Groups]) -> Interval | None:
    values = []
    for groups in choices:
        distribution = fit.distributions[len(groups)]
        if distribution.sd > 0:
            values.append((grouping_score(fit.scores, groups) - distribution.mean) / distribution.sd)
    return seed_interval(values)


def _agreement(choices: Sequence[Groups], tasks: Sequence[str]) -> float | None:
    return None if len(choices) < 2 else mean_agreement(np.stack([labels_of(groups, tasks) for groups in choices]))


def _interval(values: Sequence[float]) -> Interval:
    interval = seed_interval(values)
    assert interval is not None, "a row has at least one seed or run"
    return interval
