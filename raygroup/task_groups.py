"""A grouping: the map from tasks to heads, and the groups that it forms."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from raygroup.config import Trial
from raygroup.config_sections import require
from raygroup.errors import ConfigError, first_names
from raygroup.tasks import by_paper_order

MOST_TASKS = 12
"""Most tasks of which all groups are listed: 4,095."""
Groups = frozenset[frozenset[str]]
"""The non-empty groups of a grouping, whatever heads they are on."""


@dataclass(frozen=True)
class TaskGroups:
    """The head of each task at one step. It prints as ``ar+ko | bn | zh | hi+ja | la``."""

    head_of: tuple[tuple[str, int], ...]
    """(task, head) of every task, in the order of R_TM's rows."""
    heads: int
    """Number of heads, idle ones included."""

    @property
    def by_head(self) -> dict[int, frozenset[str]]:
        """The group of every head. An idle head has an empty group."""
        return {head: frozenset(task for task, task_head in self.head_of if task_head == head) for head in range(self.heads)}

    @property
    def groups(self) -> Groups:
        """The non-empty groups."""
        return frozenset(group for group in self.by_head.values() if group)

    @property
    def idle(self) -> tuple[int, ...]:
        """Heads without a task."""
        return tuple(head for head, group in self.by_head.items() if not group)

    def __str__(self) -> str:
        return groups_text(self.groups)


def require_fitting_groups(trial: Trial, tasks: Sequence[str]) -> None:
    """Raise ConfigError if a grouping that a trial's settings give does not fit the tasks of its words."""
    count, grouping = trial.heads.count, trial.grouping
    if grouping.method == "one-per-task" and count != len(tasks):
        raise ConfigError(f"heads.count is {count}: grouping.method 'one-per-task' needs one head for each of the {len(tasks)} tasks")
    if grouping.method == "probe" and count > len(tasks):
        raise ConfigError(
            f"heads.count is {count}: grouping.method 'probe' forms groups of {len(tasks)} tasks, so at most {len(tasks)} heads"
        )
    if grouping.method not in ("explicit", "cover"):
        return
    if len(grouping.groups) != count:
        raise ConfigError(f"grouping.groups has {len(grouping.groups)} groups, but heads.count is {count}: they must be equal")
    named = [task for group in grouping.groups for task in group]
    unknown = [task for task in named if task not in tasks]
    if unknown:
        raise ConfigError(f"grouping.groups: no task '{unknown[0]}' among the words; their tasks are: {', '.join(tasks)}")
    missing = [task for task in tasks if task not in named]
    if missing and not grouping.is_cover:
        raise ConfigError(f"grouping.groups has no group for {first_names(missing, 5)}: it must name every task of the words")


def heads_to_go_on_from(groups: Sequence[Sequence[str]], before: Sequence[frozenset[str]]) -> tuple[int | None, ...]:
    """Return the head of a finished grouping from which each group of a bank goes on: the head of the group's old tasks.

    ``before`` has the group of each head of the grouping, empty for an idle one. A group of new tasks alone has none. Raises ConfigError
    for old tasks that share no head, or not only with each other.
    """
    old_tasks = frozenset[str]().union(*before)
    places = {group: head for head, group in enumerate(before) if group}
    heads = []
    for group in groups:
        kept = old_tasks.intersection(group)
        if kept and kept not in places:
            raise ConfigError(
                f"grouping.groups: {group_text(group)} goes on from no head of the trial before, whose groups are "
                f"{groups_text(frozenset(places))}: its tasks of that trial must be all those of one head, or none"
            )
        heads.append(places.get(kept))
    return tuple(heads)


def groups_text(groups: Groups) -> str:
    """Format groups in the paper's order: tasks within a group, and groups by their first tasks."""
    order = by_paper_order({task for group in groups for task in group})
    ordered = sorted((by_paper_order(set(group)) for group in groups), key=lambda group: order.index(group[0]))
    return " | ".join("+".join(group) for group in ordered)


def group_text(group: Iterable[str]) -> str:
    """Format one group, such as ``ar+ko``. It is the same for any order of its tasks."""
    return "+".join(by_paper_order(set(group)))


def groups_by_label(tasks: Sequence[str], labels: Iterable[object]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of tasks with equal labels, for ``grouping.groups``. There is one label for each task."""
    groups: dict[object, tuple[str, ...]] = {}
    for task, label in zip(tasks, labels, strict=True):
        groups[label] = (*groups.get(label, ()), task)
    return tuple(groups.values())


def dealt_groups(tasks: Sequence[str], count: int, seed: int) -> tuple[tuple[str, ...], ...]:
    """Deal tasks at random to groups whose sizes differ by one or so."""
    require(1 <= count <= len(tasks), "count", count, f"from 1 to the number of tasks, which is {len(tasks)}")
    rounds = -(-len(tasks) // count)
    return groups_by_label(tasks, Random(seed).sample([*range(count)] * rounds, len(tasks)))


def all_groups(tasks: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return all 2^t - 1 groups of tasks, the small ones first."""
    require_few_tasks(tasks)
    subsets = [set(group) for size in range(1, len(tasks) + 1) for group in itertools.combinations(tasks, size)]
    return tuple(map(by_paper_order, subsets))


def group_banks(tasks: Sequence[str], heads: int = 32) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Divide all 2^t - 1 groups into banks of at most ``heads`` heads.

    ``heads`` is a power of 2. A head costs less in a larger bank: on a processor 127 heads took 17 % less time in banks of 32 than in banks
    of 16. Smaller banks spread over more workers. The groups of a bank agree on the first tasks, so list those with the most test words
    first: then some banks test none of them.
    """
    require(heads > 0 and heads & (heads - 1) == 0, "heads", heads, "a power of 2")
    num_shared = max(0, len(tasks) - heads.bit_length() + 1)
    banks: dict[frozenset[str], list[tuple[str, ...]]] = {}
    for group in all_groups(tasks):
        banks.setdefault(frozenset(tasks[:num_shared]).intersection(group), []).append(group)
    return tuple(map(tuple, banks.values()))


def small_group_banks(tasks: Sequence[str], largest: int = 2, heads: int = 32) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """Divide the groups of at most ``largest`` tasks, and the group of all tasks, into banks of at most ``heads`` heads.

    They are enough to predict the other groups (``strategies.surrogate``): 29 of 127 for seven tasks.
    """
    require(largest >= 1, "largest", largest, "at least 1")
    require(heads >= 1, "heads", heads, "at least 1")
    kept = [group for group in all_groups(tasks) if len(group) <= largest or len(group) == len(tasks)]
    return tuple(tuple(kept[start : start + heads]) for start in range(0, len(kept), heads))


def require_few_tasks(tasks: Sequence[str]) -> None:
    """Raise ConfigError if the tasks have too many groups to train them all."""
    require(len(set(tasks)) == len(tasks) > 0, "tasks", tasks, "names, each once")
    require(len(tasks) <= MOST_TASKS, "tasks", f"{len(tasks)} names", f"at most {MOST_TASKS}, because t tasks have 2^t - 1 groups")


def task_pairs(groups: Groups) -> set[tuple[str, str]]:
    """Return the pairs of tasks that share a group, each pair sorted."""
    return {(one, other) for group in groups for one in group for other in group if one < other}


def pair_agreement(one: Groups, other: Groups) -> tuple[int, int]:
    """Return on how many pairs of tasks two groupings agree, and the number of pairs.

    They agree on a pair if both keep it in one group or both separate it.
    """
    tasks = _tasks(one)
    num_pairs = len(tasks) * (len(tasks) - 1) // 2
    return num_pairs - len(task_pairs(one) ^ task_pairs(other)), num_pairs


def _tasks(groups: Iterable[frozenset[str]]) -> set[str]:
    return {task for group in groups for task in group}
