"""Stability of groupings: how far runs that differ in their seed agree."""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raygroup.tables.spread import Spread
from raygroup.tables.stability.agreement import Floats, variation_of_information
from raygroup.tables.stability.chance import ChanceAgreement, chance_agreement, pair_agreements
from raygroup.tables.stability.consensus import co_assignment, consensus
from raygroup.tables.stability.partitions import labels_of, num_blocks
from raygroup.task_groups import Groups, groups_text

FEWEST_RUNS = 6
"""Fewest seeds of which significance is claimed. With five, no two-sided sign-flip test over seeds reaches 5 %."""


@dataclass(frozen=True, eq=False)
class Stability:
    """The agreement of two or more groupings of the same tasks."""

    tasks: tuple[str, ...]
    num_runs: int
    rand: Spread
    """Adjusted Rand index over pairs of runs: 1 if equal, about 0 by chance."""
    information: Spread
    """Variation of information over pairs of runs, divided by log t: 0 if equal."""
    together: Floats
    """Co-assignment matrix, (t, t): the share of runs in which two tasks share a head."""
    consensus: Groups
    """The grouping by average linkage on 1 - ``together``, with as many groups as the median run has."""
    chance: ChanceAgreement

    @property
    def is_significant(self) -> bool | None:
        """True if chance agrees so well in at most 5 % of cases. None with fewer than six runs, of which nothing is claimed."""
        return self.chance.p <= 0.05 if self.num_runs >= FEWEST_RUNS else None

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return {
            "runs": self.num_runs, "adjusted_rand_index": self.rand.mean, "variation_of_information": self.information.mean,
            "tasks": list(self.tasks), "co_assignment": self.together.tolist(), "consensus": groups_text(self.consensus),
            "chance": {
                "p": self.chance.p, "exact": self.chance.exact,
                "agreement_p95": self.chance.p95 if np.isfinite(self.chance.p95) else None,
            },
            "significant": self.is_significant,
        }  # fmt: skip


def stability(groupings: Sequence[Groups], tasks: Sequence[str]) -> Stability | None:
    """Return how far groupings agree. None for fewer than two.

    ``tasks`` gives the order of the matrix, which also decides ties. Raises ValueError if a grouping is no partition of them.
    """
    if len(groupings) < 2:
        return None
    labels = np.stack([labels_of(groups, tasks) for groups in groupings])
    together = co_assignment(labels)
    return Stability(
        tasks=tuple(tasks),
        num_runs=len(groupings),
        rand=Spread.of(pair_agreements(labels).tolist()),
        information=Spread.of(itertools.starmap(variation_of_information, itertools.combinations(labels, 2))),
        together=together,
        consensus=consensus(together, tasks, statistics.median_low(num_blocks(labels))),
        chance=chance_agreement(labels),
    )
