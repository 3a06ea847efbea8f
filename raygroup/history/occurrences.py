"""Table 2: how often the runs of a sweep ended in each group.

A check finds the lines of such a table that cannot be true.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

from raygroup.paper import GroupRow
from raygroup.task_groups import Groups
from raygroup.tasks import by_paper_order


def occurrence_rows(runs: Iterable[tuple[int, Groups]]) -> list[GroupRow]:
    """Return the rows of Table 2. A run is (number of heads, final groups), and idle heads count.

    Rows are ordered by occurrences, then by the fewest heads. Equal rows share a rank, and the next
    rank counts all of them (1, 2, 2, 4). All groups that occur once share one rank, as in the
    paper. A group counts only as a whole: A+K is no occurrence of A.
    """
    heads_of_group: dict[frozenset[str], list[int]] = {}
    for heads, groups in require_partitions(runs):
        for group in groups:
            heads_of_group.setdefault(group, []).append(heads)
    rows = [GroupRow(0, group, len(heads), min(heads)) for group, heads in heads_of_group.items()]
    rows.sort(key=lambda row: (*_rank_key(row), len(row.tasks), row.label))
    keys = [_rank_key(row) if row.num_occurrences > 1 else (-1,) for row in rows]
    return [dataclasses.replace(row, rank=keys.index(key) + 1) for row, key in zip(rows, keys, strict=True)]


def _rank_key(row: GroupRow) -> tuple[int, ...]:
    return (-row.num_occurrences, row.first_heads)


def require_partitions(runs: Iterable[tuple[int, Groups]]) -> list[tuple[int, Groups]]:
    """Return the same runs as a list.

    Raises ValueError if the groups of a run are no partition of the first run's tasks, or are more
    than its heads.
    """
    run_list = list(runs)
    for number, (heads, groups) in enumerate(run_list, 1):
        tasks = [task for group in groups for task in group]
        expected = {task for group in run_list[0][1] for task in group}
        if len(tasks) != len(set(tasks)) or set(tasks) != expected or frozenset() in groups:
            raise ValueError(f"run {number}: {sorted(map(sorted, groups))} is not a partition of {'+'.join(by_paper_order(expected))}")
        if len(groups) > heads:
            raise ValueError(f"run {number}: {len(groups)} groups on {heads} heads")
    return run_list


def task_totals(rows: Sequence[GroupRow]) -> dict[str, int]:
    """Return each task's occurrences, in the paper's order.

    They are summed over the groups that hold the task. In a correct table each is the number of
    runs.
    """
    names = by_paper_order({task for row in rows for task in row.tasks})
    return {name: sum(row.num_occurrences for row in rows if name in row.tasks) for name in names}


def inconsistencies(rows: Sequence[GroupRow], num_runs: int) -> list[str]:
    """Return one line for each fact that makes a table impossible.

    A table from ``occurrence_rows`` has none.
    """
    totals = task_totals(rows)
    lines = []
    for total in sorted(set(totals.values()) - {num_runs}):
        names = ", ".join(name for name in totals if totals[name] == total)
        lines.append(f"groups with {names} occur {total} times, but every task is in one group of each of the {num_runs} runs")
    slots = sum(len(row.tasks) * row.num_occurrences for row in rows)
    if slots != len(totals) * num_runs:
        lines.append(f"the groups fill {slots} places, but {len(totals)} tasks in {num_runs} runs have {len(totals) * num_runs}")
    impossible = [row for row in rows if not 1 <= row.num_occurrences <= num_runs]
    lines += [f"{row.label} occurs {row.num_occurrences} times in {num_runs} runs" for row in impossible]
    for better, worse in itertools.pairwise(rows):
        if worse.num_occurrences > better.num_occurrences:
            lines.append(
                f"{worse.label} ({worse.num_occurrences} occurrences) is ranked {worse.rank}, below {better.label} "
                f"({better.num_occurrences}), ranked {better.rank}"
            )
    return lines
