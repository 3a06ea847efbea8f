"""The result of each task: scores by both routes, wrong tasks beside wrong heads, and sizes of heads."""

import pyarrow as pa
import pytest

from raygroup.config import Heads
from raygroup.costs import head_parameters
from raygroup.tables.task_columns import fitted_task_table, task_rows_json, task_score_table
from raygroup.tables.task_results import TASK_COLUMNS, mean_nll, task_results, worst_task
from raygroup.task_groups import TaskGroups
from raygroup.words.word_facts import ReadingTime, WordFacts

GROUPS = TaskGroups((("ar", 1), ("hi", 0), ("la", 0)), 2)
"""``hi`` and ``la`` share head 0."""
HEADS = Heads(count=2, embed=(4, 8), hidden=(8, 16))
FACTS = WordFacts(
    classes=12, shape=(24, 256), characters={"ar": frozenset("اب"), "hi": frozenset("क"), "la": frozenset("abcd")},
    characters_without_task=frozenset("1"), times=(ReadingTime("la", 10, 0.05, 0.05),), device="cpu", threads=1,
)  # fmt: skip
WORDS = [
    # split, task, text, reading, reading by true task, routed task, head, loss under the head of the true task
    ("unseen", "la", "ab", "ab", "ab", "la", 0, 0.25),
    ("unseen", "la", "abcd", "abcb", "abcb", "hi", 0, 1.25),
    ("unseen", "la", "ad", "اد", "ad", "ar", 1, 0.75),
    ("unseen", "la", "c", "c", "c", "la", 0, None),
    ("unseen", "ar", "اب", "اب", "اب", "ar", 1, 0.25),
    ("unseen", None, "11", "1", None, "la", 0, None),
    ("new", "la", "ab", "ab", "ab", "la", 0, 0.125),
]


def results(words=WORDS, facts=FACTS):
    table = pa.table({name: list(column) for name, column in zip(TASK_COLUMNS, zip(*words, strict=True), strict=True)})
    return task_results(table, ("new", "unseen"), GROUPS, HEADS, facts)


def unseen_latin():
    return next(result for result in results() if (result.split, result.task) == ("unseen", "la"))


def test_rows_are_in_the_papers_order_and_words_without_a_task_come_last():
    assert [(result.split, result.task, result.words) for result in results()] == [
        ("new", "la", 1), ("unseen", "ar", 1), ("unseen", "la", 4), ("unseen", None, 1),
    ]  # fmt: skip


def test_a_wrong_task_on_the_right_head_is_no_wrong_head():
    latin = unseen_latin()
    assert (latin.wrong_task, latin.wrong_head) == (2, 1)


def test_each_route_has_its_own_scores():
    """The misrouted word is lost by the classifier's route alone. ``abcb`` for ``abcd`` has 1 - 1/4, ``اد`` for ``ad`` has 0."""
    scores = unseen_latin().scores
    assert scores["classifier"].exact.mean == 0.5
    assert scores["true task"].exact.mean == 0.75
    assert scores["classifier"].one_minus_ned.mean == pytest.approx((1 + 0.75 + 0 + 1) / 4)
    assert scores["true task"].one_minus_ned.mean == pytest.approx(3.75 / 4)


def test_intervals_are_wilsons():
    """Wilson's interval of 2 of 4, from the textbook formula: (0.5 + z^2/8 -+ z sqrt(1/16 + z^2/64)) / (1 + z^2/4), z = 1.96."""
    exact = unseen_latin().scores["classifier"].exact
    assert (exact.low, exact.high) == (pytest.approx(0.1500, abs=1e-4), pytest.approx(0.8500, abs=1e-4))


def test_a_head_keeps_the_characters_of_its_group_and_shared_signs():
    """Head 0 reads ``hi`` and ``la``: one letter, four letters and ``1``, with two ends of words. Head 1 keeps three and the ends."""
    by_task = {result.task: result for result in results() if result.split == "unseen"}
    assert by_task["la"].parameters == head_parameters(4, 8, 12, (24, 256))
    assert by_task["la"].pruned_parameters == head_parameters(4, 8, 8, (24, 256))
    assert by_task["ar"].pruned_parameters == head_parameters(8, 16, 5, (24, 256))


def test_without_facts_sizes_and_times_are_unknown():
    latin = results(facts=None)[0]
    assert (latin.parameters, latin.pruned_parameters, latin.ms_per_word) == (None, None, None)
    assert unseen_latin().ms_per_word == pytest.approx(5.0)


def test_words_without_a_task_have_no_head_and_no_routing_errors():
    unknown = results()[-1]
    assert (unknown.head, unknown.wrong_task, unknown.wrong_head, unknown.parameters) == (None, None, None, None)
    assert unknown.scores.keys() == {"classifier"}


def test_the_loss_of_a_task_is_the_mean_over_its_words_that_some_head_can_write():
    """Latin has (0.25 + 1.25 + 0.75) / 3 = 0.75. The mean over tasks is (0.75 + 0.25) / 2."""
    assert unseen_latin().nll == 0.75
    assert results()[-1].nll is None
    assert mean_nll(results(), "unseen") == 0.5
    assert mean_nll(results([(*word[:-1], None) for word in WORDS]), "unseen") is None


def test_the_worst_task_has_a_name():
    worst = worst_task(results())
    assert (worst.task, worst.split) == ("la", "unseen")
    assert worst_task(results([WORDS[5]])) is None


def test_the_arrow_table_has_known_tasks_and_json_has_all_rows():
    rows = task_score_table([("one", results())], "true task").to_pylist()
    assert [(row["trial"], row["split"], row["task"], row["accuracy"]) for row in rows][-1] == ("one", "unseen", "la", 0.75)
    assert len(rows) == 3
    assert task_score_table([("one", results([WORDS[5]]))], "classifier").num_rows == 0
    assert task_rows_json(results())[-1]["scores"]["classifier"]["accuracy"] == 0.0


@pytest.mark.parametrize("width", [40, 80, 180])
def test_the_table_fits_the_terminal_and_always_names_the_task_and_its_score(width):
    table = fitted_task_table(results(), width)
    names = [column.header for column in table.columns]
    assert {"task", "head", "unseen exact"} <= set(names)
    assert ("ms a word" in names) == (width == 180)
    assert [cell.plain for cell in table.columns[0].cells] == ["la", "ar", "?"] or width != 180
