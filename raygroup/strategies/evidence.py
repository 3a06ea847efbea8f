"""The evidence that strategies choose by. Each part is optional, and a strategy names the parts that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import Floats, GroupScores
from raygroup.strategies.pairwise_scores import MeasuredGroups
from raygroup.task_groups import Groups, groups_text

PARTS = {
    "characters": "the characters of each task",
    "cosines": "the cosines between the tasks' gradients",
    "lookahead": "what a step on each task does for the others",
    "scores": "scores of heads that were trained on groups",
    "learned": "groupings that trainings learned",
}
"""Optional parts, and what each is, for messages."""


@dataclass(frozen=True, kw_only=True)
class LearnedGrouping:
    """The grouping that one training learned."""

    method: str
    """The strategy that it belongs to, such as ``gumbel``."""
    heads: int
    """Number of heads, idle ones included."""
    groups: Groups
    """The non-empty groups."""
    seed: int
    cost_s: float
    """Device seconds of the training."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that is known about some tasks before their grouping is chosen."""

    tasks: tuple[str, ...]
    characters: Mapping[str, frozenset[str]] | None = None
    """The characters in each task's training words."""
    cosines: Floats | None = None
    """(t, t), symmetric: the mean cosine of two tasks' gradients on the weights that they share."""
    lookahead: Floats | None = None
    """(t, t): row i, column j has 1 - (loss of j after a step on i) / (loss of j before), the mean over steps.

    A step along i helps j if it is above 0. TAG stores it the other way round.
    """
    scores: GroupScores | None = None
    """Scores on words that choose, never on those that the choice is reported on."""
    measured: MeasuredGroups | None = None
    """In place of ``scores``: those of some groups, if there are too many tasks for a table of all."""
    learned: tuple[LearnedGrouping, ...] | None = None
    """What trainings learned that chose their grouping themselves."""
    costs_s: Mapping[str, float] = field(default_factory=dict)
    """Device seconds that each part took. ``scores`` and ``learned`` have their own."""
    seed: int = 0
    """Seed of a strategy that draws, and the number of the run that a learned one takes."""

    def __post_init__(self) -> None:
        if not self.tasks or len(set(self.tasks)) < len(self.tasks):
            raise ConfigError(f"evidence.tasks is {self.tasks}: it must name at least one task, and each once")
        shape = (len(self.tasks), len(self.tasks))
        for name in ("cosines", "lookahead"):
            table = getattr(self, name)
            if table is not None and (table.shape != shape or not np.isfinite(table).all()):
                raise ConfigError(f"evidence.{name} has the shape {table.shape}: it must be {shape}, with finite numbers")
        if self.scores is not None and self.measured is not None:
            raise ConfigError("evidence has scores and measured: it must have one of them")
        if self.measured is not None and self.measured.tasks != self.tasks:
            raise ConfigError(f"evidence.measured are of {', '.join(self.measured.tasks)}: they must be of {', '.join(self.tasks)}")
        if self.scores is not None and self.scores.tasks != self.tasks:
            raise ConfigError(f"evidence.scores are of {', '.join(self.scores.tasks)}: they must be of {', '.join(self.tasks)}")
        if self.characters is not None and (lacking := [task for task in self.tasks if not self.characters.get(task)]):
            raise ConfigError(f"evidence.characters has none for {lacking[0]}: it must have those of every task")
        for run in self.learned or ():
            if frozenset().union(*run.groups) != frozenset(self.tasks):
                raise ConfigError(f"evidence.learned has the grouping {groups_text(run.groups)}: it must be one of {', '.join(self.tasks)}")
        unknown = sorted(set(self.costs_s) - set(PARTS))
        if unknown:
            raise ConfigError(f"evidence.costs_s has no part '{unknown[0]}'; the parts are: {', '.join(PARTS)}")

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts that are there."""
        given = {part.name for part in fields(self) if getattr(self, part.name) is not None}
        return tuple(part for part in PARTS if part in given or (part == "scores" and "measured" in given))

    def require_characters(self) -> Mapping[str, frozenset[str]]:
        """Return the characters of each task. A strategy that reads them names them as needed."""
        assert self.characters is not None
        return self.characters

    def require_scores(self) -> GroupScores:
        """Return the scores of groups. A strategy that reads them names them as needed. Raises ConfigError if only some are measured."""
        if self.scores is None:
            raise ConfigError(f"this strategy reads a table of all groups, which {len(self.tasks)} tasks do not have: choose hoa or ridge")
        return self.scores
