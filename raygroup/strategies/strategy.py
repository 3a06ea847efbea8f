"""A strategy: a way to choose a grouping from evidence, for a number of groups."""

from collections.abc import Callable
from dataclasses import dataclass

from raygroup.errors import ConfigError, first_names
from raygroup.strategies.evidence import PARTS, Evidence
from raygroup.task_groups import Groups, groups_text


def cost_of_parts(evidence: Evidence, needs: tuple[str, ...]) -> float:
    """Return the device seconds of the parts that a strategy reads, group scores left out."""
    return float(sum(evidence.costs_s.get(part, 0.0) for part in needs))


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A way to choose a grouping. A new one is one file and one line in the registry."""

    name: str
    title: str
    source: str
    """Where the method comes from, and where this form of it differs."""
    choose: Callable[[Evidence, int], Groups]
    """Return the grouping of the evidence's tasks into so many groups."""
    needs: tuple[str, ...] = ()
    """Parts of the evidence that it reads."""
    fixed: bool = False
    """True if it makes its own number of groups whatever number is asked for."""
    may_leave_heads_idle: bool = False
    """True if it may make fewer groups than were asked for."""
    cost: Callable[[Evidence, int], float] | None = None
    """Return the device seconds of its evidence, for a number of groups. None for the sum of what its parts took."""


@dataclass(frozen=True)
class Proposal:
    """The grouping that a strategy chose."""

    strategy: str
    groups: Groups
    cost_s: float
    """Device seconds until the grouping was known. The training of its heads is left out."""


def propose(strategy: Strategy, evidence: Evidence, num_groups: int) -> Proposal:
    """Return a strategy's grouping into ``num_groups`` groups, or fewer if it has its own number or may leave heads idle.

    Raises ConfigError for missing evidence, a number of groups that it cannot make, and a grouping that is no partition of the tasks.
    """
    tasks = evidence.tasks
    missing = [f"{part} ({PARTS[part]})" for part in strategy.needs if part not in evidence.parts]
    if missing:
        raise ConfigError(f"strategy '{strategy.name}' needs evidence that is missing: {', '.join(missing)}")
    if not 1 <= num_groups <= len(tasks):
        raise ConfigError(f"strategy '{strategy.name}' was asked for {num_groups} groups: {len(tasks)} tasks form 1 to {len(tasks)}")
    groups = strategy.choose(evidence, num_groups)
    _require_partition(strategy, groups, tasks)
    if strategy.fixed and len(groups) > num_groups:
        reason = f"{num_groups} were asked for: it needs at least {len(groups)}"
        raise ConfigError(f"strategy '{strategy.name}' always makes {len(groups)} groups of these tasks, and {reason}")
    fits = len(groups) < num_groups if strategy.may_leave_heads_idle else strategy.fixed
    if len(groups) != num_groups and not fits:
        raise ConfigError(f"strategy '{strategy.name}' returned {groups_text(groups)}: the number of its groups must be {num_groups}")
    cost_s = strategy.cost(evidence, num_groups) if strategy.cost else cost_of_parts(evidence, strategy.needs)
    return Proposal(strategy.name, groups, cost_s)


def _require_partition(strategy: Strategy, groups: Groups, tasks: tuple[str, ...]) -> None:
    listed = [task for group in groups for task in group]
    faults = [
        *(f"'{task}' is no task" for task in sorted(set(listed) - set(tasks))),
        *(f"{task} has no group" for task in tasks if task not in listed),
        *(f"{task} is in {listed.count(task)} groups" for task in tasks if listed.count(task) > 1),
        *("a group is empty" for group in groups if not group),
    ]
    if faults:
        text = groups_text(groups - {frozenset()})
        raise ConfigError(f"strategy '{strategy.name}' returned {text}, which is no grouping of the tasks: {first_names(faults, 3)}")
