import pytest
from hypothesis import given
from hypothesis import strategies as st

from raygroup.history.occurrences import inconsistencies, occurrence_rows, task_totals
from raygroup.paper import TABLE_2, TABLE_2_RUNS
from raygroup.tasks import PAPER_TASKS, TASKS

RUNS = {
    2: "AKL/BCHJ  AK/BCHJL  ABCL/HJK",
    3: "ABJ/CH/KL  A/BCHJL/K  AK/BCL/HJ",
    4: "AK/BH/C/JL  ABH/C/JL/K  AB/CL/HJ/K",
    5: "A/B/C/HL/JK  A/BHK/C/J/L  AH/BJ/C/K/L",
    6: "A/BCK/H/J/L  AK/BJ/C/H/L  AH/B/C/J/K/L",
    7: "AK/B/C/HL/J  A/B/CJ/HK/L  A/B/C/HJ/K/L",
}
"""18 partitions that explain every row of Table 2. A constraint solver found them (facts 6.3)."""

NAMES = {task.initial: task.name for task in TASKS.values()}


def partition(text: str) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(NAMES[initial] for initial in group) for group in text.split("/"))


def paper_runs() -> list[tuple[int, frozenset[frozenset[str]]]]:
    return [(heads, partition(text)) for heads, line in RUNS.items() for text in line.split()]


def test_eighteen_partitions_give_table_2_and_the_row_it_lacks():
    computed = {row.tasks: (row.num_occurrences, row.first_heads) for row in occurrence_rows(paper_runs())}
    printed = {row.tasks: (row.num_occurrences, row.first_heads) for row in TABLE_2}
    assert computed == {**printed, frozenset({"bn", "hi", "ko"}): (1, 5)}


def test_the_ranks_are_the_papers_but_for_the_two_rows_it_swapped():
    computed = {row.tasks: row.rank for row in occurrence_rows(paper_runs())}
    differing = {row.label: (row.rank, computed[row.tasks]) for row in TABLE_2 if computed[row.tasks] != row.rank}
    assert differing == {"B+C+H+J+L": (8, 9), "H+J": (9, 8)}


def test_the_printed_table_lacks_bengali_hindi_and_korean_in_one_run():
    assert task_totals(TABLE_2) == {"ar": 18, "bn": 17, "zh": 18, "hi": 17, "ja": 18, "ko": 17, "la": 18}
    lines = inconsistencies(TABLE_2, TABLE_2_RUNS)
    assert lines[0] == "groups with bn, hi, ko occur 17 times, but every task is in one group of each of the 18 runs"
    assert lines[1] == "the groups fill 123 places, but 7 tasks in 18 runs have 126"
    assert lines[2] == "H+J (3 occurrences) is ranked 9, below B+C+H+J+L (2), ranked 8"
    assert len(lines) == 3


def test_a_group_counts_only_as_a_whole():
    rows = occurrence_rows([(2, partition("AK/L")), (3, partition("A/K/L"))])
    assert [(row.label, row.num_occurrences, row.first_heads) for row in rows] == [("L", 2, 2), ("A+K", 1, 2), ("A", 1, 3), ("K", 1, 3)]
    assert [row.rank for row in rows] == [1, 2, 2, 2]


def test_idle_heads_count_as_configured_heads():
    assert {row.first_heads for row in occurrence_rows([(7, partition("AK/L"))])} == {7}


def test_a_run_must_place_every_task_once_on_the_heads_it_has():
    with pytest.raises(ValueError, match=r"run 2.*not a partition of ar\+ko"):
        occurrence_rows([(2, partition("A/K")), (2, partition("A/L"))])
    with pytest.raises(ValueError, match="2 groups on 1 heads"):
        occurrence_rows([(1, partition("A/K"))])


assignments = st.lists(st.integers(0, 6), min_size=7, max_size=7)


def groups_of(assignment: list[int]) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(t for t, h in zip(PAPER_TASKS, assignment, strict=True) if h == head) for head in set(assignment))


@given(st.lists(assignments, min_size=1, max_size=12))
def test_a_table_made_from_runs_has_no_inconsistency(runs):
    assert inconsistencies(occurrence_rows([(7, groups_of(run)) for run in runs]), len(runs)) == []


@given(st.lists(assignments, min_size=1, max_size=8), st.permutations(range(7)))
def test_renaming_heads_changes_no_row(runs, names):
    renamed = [[names[head] for head in run] for run in runs]
    assert occurrence_rows([(7, groups_of(run)) for run in runs]) == occurrence_rows([(7, groups_of(run)) for run in renamed])
