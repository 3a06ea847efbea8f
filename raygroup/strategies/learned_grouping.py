"""The groupings that trainings learned, as evidence and as choices."""

from functools import partial

from raygroup.errors import ConfigError
from raygroup.strategies.evidence import Evidence, LearnedGrouping
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def learned_strategy(name: str, title: str, source: str) -> Strategy:
    """Return the strategy that takes what a training learned whose ``LearnedGrouping.method`` is the strategy's name."""
    choose, cost = partial(_groups, name), partial(_cost_s, name)
    return Strategy(name=name, title=title, source=source, needs=("learned",), choose=choose, cost=cost, may_leave_heads_idle=True)


def _groups(method: str, evidence: Evidence, num_groups: int) -> Groups:
    return _run(method, evidence, num_groups).groups


def _cost_s(method: str, evidence: Evidence, num_groups: int) -> float:
    return _run(method, evidence, num_groups).cost_s


def _run(method: str, evidence: Evidence, num_groups: int) -> LearnedGrouping:
    """Return the run that ``evidence.seed`` counts to, around the end if there are fewer runs."""
    of_method = [run for run in evidence.learned or () if run.method == method]
    runs = sorted((run for run in of_method if run.heads == num_groups), key=lambda run: run.seed)
    if not runs:
        counts = ", ".join(str(count) for count in sorted({run.heads for run in of_method}))
        raise ConfigError(
            f"strategy '{method}' has no training with {num_groups} heads in the evidence; it has some with: {counts or 'none'}"
        )
    return runs[evidence.seed % len(runs)]
