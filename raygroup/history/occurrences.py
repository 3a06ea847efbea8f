"""Table 2: which groups the runs of a sweep ended in, how often, and from how many heads on; and whether such a table can be true."""

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

from raygroup.paper import GroupRow
from raygroup.task_groups import Groups
from raygroup.tasks import by_paper_order


def occurrence_rows(runs: Iterable[tuple[int, Groups]]) -> list[GroupRow]:
    """The rows of Table 2 from (heads configured, final partition) of every run, idle heads included in the first number.

    Ordered by occurrences, then by the fewest heads; equal rows share a rank and the next one counts them (1, 2, 2, 4). All groups
    seen once share one rank, as in the paper. A group counts only where it is whole: A+K is no occurrence of A.
    """
    seen: dict[frozenset[str], list[int]] = {}
    for heads, partition in checked_runs(runs):
        for group in partition:
            seen.setdefault(group, []).append(heads)
    rows = [GroupRow(0, group, len(heads), min(heads)) for group, heads in seen.items()]
    rows.sort(key=lambda row: (*_merit(row), len(row.tasks), row.label))
    merits = [_merit(row) if row.num_occurrences > 1 else (-1,) for row in rows]
    return [dataclasses.replace(row, rank=merits.index(merit) + 1) for row, merit in zip(rows, merits, strict=True)]


def _merit(row: GroupRow) -> tuple[int, ...]:
    return (-row.num_occurrences, row.first_heads)


def checked_runs(runs: Iterable[tuple[int, Groups]]) -> list[tuple[int, Groups]]:
    """The same runs; ValueError where one is no partition of the tasks of the others or has more groups than heads."""
    listed = list(runs)
    for number, (heads, partition) in enumerate(listed, 1):
        tasks = [task for group in partition for task in group]
        expected = {task for group in listed[0][1] for task in group}
        if len(tasks) != len(set(tasks)) or set(tasks) != expected or frozenset() in partition:
            raise ValueError(f"run {number}: {sorted(map(sorted, partition))} is not a partition of {'+'.join(by_paper_order(expected))}")
        if len(partition) > heads:
            raise ValueError(f"run {number}: {len(partition)} groups on {heads} heads")
    return listed


def task_totals(rows: Sequence[GroupRow]) -> dict[str, int]:
    """For each task, in the paper's order, the sum of occurrences over the groups that hold it: the number of runs, if all is well."""
    names = by_paper_order({task for row in rows for task in row.tasks})
    return {name: sum(row.num_occurrences for row in rows if name in row.tasks) for name in names}


def complaints(rows: Sequence[GroupRow], num_runs: int) -> list[str]:
    """What cannot be true in a table like Table 2, one line each; empty for every table that ``occurrence_rows`` makes."""
    totals = task_totals(rows)
    found = []
    for total in sorted(set(totals.values()) - {num_runs}):
        names = ", ".join(name for name in totals if totals[name] == total)
        found.append(f"groups with {names} occur {total} times, but every task is in one group of each of the {num_runs} runs")
    slots = sum(len(row.tasks) * row.num_occurrences for row in rows)
    if slots != len(totals) * num_runs:
        found.append(f"the groups fill {slots} places, but {len(totals)} tasks in {num_runs} runs have {len(totals) * num_runs}")
    impossible = [row for row in rows if not 1 <= row.num_occurrences <= num_runs]
    found += [f"{row.label} occurs {row.num_occurrences} times in {num_runs} runs" for row in impossible]
    for better, worse in itertools.pairwise(rows):
        if worse.num_occurrences > better.num_occurrences:
            found.append(
                f"{worse.label} ({worse.num_occurrences} occurrences) is ranked {worse.rank}, below {better.label} "
                f"({better.num_occurrences}), ranked {better.rank}"
            )
    return found
