"""Tasks that share many characters share a head."""

import numpy as np

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import Floats
from raygroup.strategies.strategy import Strategy
from raygroup.tables.stability.consensus import consensus
from raygroup.task_groups import Groups


def jaccard(evidence: Evidence) -> Floats:
    """Return the characters that two tasks share, as a share of those that either has, (t, t)."""
    sets = [evidence.require_characters()[task] for task in evidence.tasks]
    return np.array([[len(one & other) / len(one | other) for other in sets] for one in sets])


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return consensus(jaccard(evidence), evidence.tasks, num_groups)


STRATEGY = Strategy(
    name="character-overlap", title="character overlap", needs=("characters",), choose=_choose,
    source="the Jaccard index of the tasks' characters, by average linkage; a rule without training",
)  # fmt: skip
