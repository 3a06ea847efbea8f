import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from raygroup.history.assignments import (
    assignment,
    change_rows,
    decisiveness,
    entropy,
    grouping,
    is_unstable,
    max_probability,
    raw_changes,
    settled_changes,
    settling_row,
    stability,
    task_changes,
    task_probabilities,
)
from raygroup.tasks import PAPER_TASKS

assignments = arrays(np.int64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(0, 1))


def assignment_of_runs(*runs: tuple[tuple[int, ...], int]) -> np.ndarray:
    """Return an assignment array. A run is (heads of the tasks, number of steps)."""
    return np.concatenate([np.tile(heads, (steps, 1)) for heads, steps in runs])


def test_ties_go_to_the_lowest_head():
    assert assignment(np.array([[[1.0, 1.0, 1.0], [0.0, 2.0, 2.0]]])).tolist() == [[0, 1]]


def test_leaving_the_initial_tie_is_no_change_but_the_next_step_may_be():
    r_tm = np.array([[[0.0, 1.0]], [[0.0, 2.0]], [[3.0, 2.0]]])
    assert change_rows(assignment(r_tm)).tolist() == [2]


def test_two_tasks_moving_in_one_step_are_one_raw_change_and_two_task_changes():
    moved = assignment_of_runs(((0, 0, 1), 5), ((1, 1, 1), 5))
    assert (raw_changes(moved), task_changes(moved)) == (1, 2)


def test_two_heads_that_swap_their_tasks_are_a_change_though_the_groups_stay():
    swapped = assignment_of_runs(((0, 1), 3), ((1, 0), 3))
    assert raw_changes(swapped) == 1
    assert grouping(["ar", "bn"], 2, swapped[0]).groups == grouping(["ar", "bn"], 2, swapped[-1]).groups


def test_a_flicker_shorter_than_the_hold_is_no_settled_change():
    flicker = assignment_of_runs(((0, 1), 20), ((1, 1), 4), ((0, 1), 20))
    assert raw_changes(flicker) == 2
    assert settled_changes(flicker, 5) == 0
    assert settled_changes(flicker, 4) == 2


def test_the_first_assignment_to_settle_is_no_change():
    assert settled_changes(assignment_of_runs(((0, 1), 1), ((1, 0), 1), ((1, 1), 10)), 10) == 0


def test_a_slice_counts_the_changes_of_the_first_steps():
    late = assignment_of_runs(((0, 1), 10), ((1, 1), 10), ((1, 0), 10))
    assert [raw_changes(late[:first]) for first in (10, 11, 20, 21, 30)] == [0, 1, 1, 2, 2]
    assert [settled_changes(late[:first], 5) for first in (14, 15, 25)] == [0, 1, 2]


@given(assignments, st.integers(1, 12))
def test_settled_changes_agree_with_counting_step_by_step(assigned, hold):
    current = last = None
    run_length = changes = 0
    for row in map(tuple, assigned.tolist()):
        run_length = run_length + 1 if row == last else 1
        last = row
        if run_length == hold and row != current:
            changes += current is not None
            current = row
    assert settled_changes(assigned, hold) == changes


@given(assignments)
def test_a_hold_of_one_step_is_the_raw_rule(assigned):
    assert settled_changes(assigned, 1) == raw_changes(assigned)


@given(assignments, st.integers(1, 50))
def test_an_assignment_is_unstable_until_it_has_lasted_long_enough(assigned, settle):
    lasted = len(assigned) - settling_row(assigned)
    assert (assigned[-lasted:] == assigned[-1]).all()
    assert lasted == len(assigned) or (assigned[-lasted - 1] != assigned[-1]).any()
    assert is_unstable(assigned, settle) == (lasted < settle)
    assert stability(assigned) == lasted / len(assigned)


@given(st.lists(st.integers(0, 4), min_size=7, max_size=7), st.permutations(range(5)))
def test_groups_do_not_depend_on_the_numbers_of_the_heads(heads, names):
    one, other = grouping(PAPER_TASKS, 5, heads), grouping(PAPER_TASKS, 5, [names[head] for head in heads])
    assert one.groups == other.groups
    assert str(one) == str(other)
    assert len(one.idle) + len(one.groups) == 5


def test_a_grouping_prints_in_the_papers_order():
    groups = grouping(("la", "ko", "ar", "ja", "hi"), 4, (3, 0, 0, 1, 1))
    assert str(groups) == "ar+ko | hi+ja | la"
    assert groups.idle == (2,)
    assert groups.by_head[1] == {"hi", "ja"}


def test_an_unknown_task_comes_after_the_papers():
    assert str(grouping(("thai", "la"), 1, (0, 0))) == "la+thai"


def test_equal_scores_have_the_least_decisiveness_and_the_greatest_entropy():
    r_tm = np.ones((7, 5), np.float32)
    assert math.isclose(decisiveness(r_tm), 0.2)
    assert np.allclose(entropy(r_tm), math.log(5))


def test_a_task_with_one_large_score_is_decided():
    r_tm = np.array([[800.0, 0.0], [0.0, 800.0]])
    assert max_probability(r_tm).tolist() == [1.0, 1.0]
    assert entropy(r_tm).tolist() == [0.0, 0.0]


@given(arrays(np.float32, (3, 4), elements=st.floats(-50, 50, width=32)), st.floats(-5, 5))
def test_probabilities_sum_to_one_and_do_not_depend_on_a_shift_of_all_scores(r_tm, shift):
    assert np.allclose(task_probabilities(r_tm).sum(axis=-1), 1)
    assert np.allclose(task_probabilities(r_tm.astype(np.float64) + shift), task_probabilities(r_tm), atol=1e-12)
