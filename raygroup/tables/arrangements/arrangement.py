"""How heads share the tasks.

There is one head for all tasks, or groups, or one head for each task.
"""

from dataclasses import dataclass

from raygroup.config import Trial
from raygroup.paper import TABLE_5, EndToEnd

ONE_HEAD = "one head"
GROUPED = "grouped"
ONE_PER_TASK = "one per task"
_KIND_OF_METHOD = {"gumbel": GROUPED, "one-per-task": ONE_PER_TASK}
"""grouping.method -> kind. Another method is a kind of its own."""
_ORDER = (ONE_HEAD, GROUPED)
"""Kinds in the order of rows. Others follow by name, and one head for each task comes last."""
_PAPER_METHODS = {ONE_HEAD: "Mask TextSpotter V3", ONE_PER_TASK: "Multiplexed TextSpotter"}


@dataclass(frozen=True)
class Arrangement:
    """A kind of arrangement, and its number of heads."""

    kind: str
    heads: int

    @staticmethod
    def of(trial: Trial) -> "Arrangement":
        """Return the arrangement of a trial on words. A single head reads all tasks, whatever the method."""
        count = trial.heads.count
        method = trial.grouping.method
        return Arrangement(ONE_HEAD if count == 1 else _KIND_OF_METHOD.get(method, method), count)

    @property
    def is_baseline(self) -> bool:
        """True for one head in all, and for one for each task."""
        return self.kind in (ONE_HEAD, ONE_PER_TASK)

    @property
    def order(self) -> tuple[int, str, int]:
        """A key to sort rows by."""
        place = len(_ORDER) + 1 if self.kind == ONE_PER_TASK else _ORDER.index(self.kind) if self.kind in _ORDER else len(_ORDER)
        return place, self.kind, self.heads

    @property
    def paper(self) -> EndToEnd | None:
        """The row of the paper's Table 5 with this arrangement, or None."""
        grouped = self.kind == GROUPED
        method = _PAPER_METHODS.get(self.kind)
        rows = (row for row in TABLE_5 if (grouped and row.grouped and row.heads == self.heads) or row.method == method)
        return next(rows, None)

    def __str__(self) -> str:
        if self.kind == ONE_HEAD:
            return "One head for all tasks"
        return "One head for each task" if self.kind == ONE_PER_TASK else f"{self.kind.capitalize()} ({self.heads} heads)"
