"""Whether the choice of a grouping matters at all: the yardsticks for each number of heads."""

from dataclasses import dataclass
from typing import Any

from raygroup.strategies.selection import Reliability, honest_choices, reliability
from raygroup.tables.arrangements.paired_difference import PairedDifference, paired_difference
from raygroup.tables.spread import Spread
from raygroup.tables.strategies.cross_fit import CrossFit
from raygroup.task_groups import Groups, groups_text

TELLS_APART = 0.3
"""With a lower ICC by held-out loss the data cannot tell groupings apart."""


@dataclass(frozen=True)
class Regime:
    """All groupings on one number of heads. Scores are means over tasks."""

    heads: int
    groupings: int
    """Number of groupings."""
    mean: float
    """Mean score of all, which is that of a random one."""
    sd: float
    best: Groups
    """The choice by the shrunk losses of all seeds and words."""
    honest: Spread
    """Score of the best grouping that other seeds and words choose, over seeds."""
    flattery: float
    """By how much the highest mean over seeds exceeds it."""
    over_one_head: PairedDifference | None
    """The honest best less one head for all tasks."""
    over_one_per_task: PairedDifference | None
    reliability: Reliability | None
    """Of the measure that is reported. None for one grouping."""
    loss_reliability: Reliability | None
    """Of the held-out loss."""

    @property
    def tells_apart(self) -> bool:
        """Whether the seeds agree on which groupings are good, by held-out loss."""
        return self.loss_reliability is not None and self.loss_reliability.icc >= TELLS_APART

    def to_json(self) -> dict[str, Any]:
        """Return the regime as JSON values."""
        return {
            "heads": self.heads, "groupings": self.groupings, "random_mean": self.mean, "random_sd": self.sd,
            "best": groups_text(self.best), "honest_best": self.honest.to_json(), "flattery": self.flattery,
            "over_one_head": self.over_one_head.to_json() if self.over_one_head else None,
            "over_one_per_task": self.over_one_per_task.to_json() if self.over_one_per_task else None,
            "icc": self.reliability.icc if self.reliability else None,
            "loss_icc": self.loss_reliability.icc if self.loss_reliability else None, "tells_apart": self.tells_apart,
        }  # fmt: skip


def regimes(fit: CrossFit) -> tuple[Regime, ...]:
    """Return the yardsticks for every number of heads."""
    num_tasks = len(fit.tasks)
    chosen = honest_choices(fit.chosen_by)
    one_head, one_per_task = fit.honest_best[1], fit.honest_best[num_tasks]
    found = []
    for count, distribution in fit.distributions.items():
        honest = fit.honest_best[count]
        mean = sum(honest.values()) / len(honest)
        found.append(
            Regime(
                count, len(distribution.scores), distribution.mean / num_tasks, distribution.sd / num_tasks, chosen[count].groups,
                Spread.of(honest.values()), float(distribution.scores[-1]) / num_tasks - mean, paired_difference(one_head, honest),
                paired_difference(one_per_task, honest), reliability(fit.scored_by, count), reliability(fit.chosen_by, count),
            )
        )  # fmt: skip
    return tuple(found)
