"""The groupings that trainings learned, as evidence and as choices."""

from collections.abc import Callable
from dataclasses import dataclass

from raygroup.errors import ConfigError
from raygroup.strategies.evidence import Evidence, LearnedGrouping
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


@dataclass(frozen=True)
class _Method:
    """A way to learn a grouping. ``name`` is that of ``LearnedGrouping.method``."""

    name: str

    def choose(self, evidence: Evidence, num_groups: int) -> Groups:
        """Return the grouping of the run that ``evidence.seed`` counts to, around the end if there are fewer runs."""
        runs = self._runs(evidence, num_groups)
        return runs[evidence.seed % len(runs)].groups

    def cost_s(self, evidence: Evidence, num_groups: int) -> float:
        runs = self._runs(evidence, num_groups)
        return runs[evidence.seed % len(runs)].cost_s

    def _runs(self, evidence: Evidence, num_groups: int) -> list[LearnedGrouping]:
        of_method = [run for run in evidence.learned or () if run.method == self.name]
        runs = sorted((run for run in of_method if run.heads == num_groups), key=lambda run: run.seed)
        if not runs:
            counts = ", ".join(str(count) for count in sorted({run.heads for run in of_method}))
            raise ConfigError(
                f"strategy '{self.name}' has no training with {num_groups} heads in the evidence; it has some with: {counts or 'none'}"
            )
        return runs


def learned_strategy(name: str, title: str, source: str) -> Strategy:
    """Return the strategy that takes what a training with a method's settings learned."""
    method = _Method(name)
    choose: Callable[[Evidence, int], Groups] = method.choose
    return Strategy(name=name, title=title, source=source, needs=("learned",), choose=choose, cost=method.cost_s, may_leave_heads_idle=True)
