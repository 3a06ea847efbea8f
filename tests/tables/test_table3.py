import itertools
import math
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_storage import DATA, STEPS, trials, walk, write_attempt, write_storage, write_sweep

from raygroup.config import Grouping, Heads
from raygroup.errors import ConfigError
from raygroup.history.reader import read_history
from raygroup.history.writer import seal
from raygroup.storage.sweeps import read_sweeps
from raygroup.tables.spread import Spread
from raygroup.tables.table3 import table3, table3_json
from raygroup.tables.table3_text import mean_scores, remarks
from raygroup.task_groups import pair_agreement


@pytest.fixture
def storage(tmp_path):
    return write_storage(tmp_path / "runs")


def partition(*groups: str) -> frozenset[frozenset[str]]:
    return frozenset(map(frozenset, groups))


def test_the_spread_over_seeds_is_the_sample_standard_deviation():
    assert Spread.of([1, 3]) == Spread(2, math.sqrt(2), 2)
    assert Spread.of([1, 3]).text() == "2.0±1.4"
    assert Spread.of([5]).text() == "5.0"


def test_changes_equal_those_counted_by_hand_from_the_histories(storage):
    table = table3(storage)
    for row in table.rows:
        for trial in row.trials:
            heads = read_history(trial.folder).r_tm.argmax(axis=2).tolist()
            moves = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in itertools.pairwise(heads)]
            assert trial.raw == sum(move > 0 for move in moves)
            assert trial.tasks == sum(moves)
    assert [(row.name, row.paper, row.raw.count) for row in table.rows] == [("0", 1, 2), ("0.2", 5, 2)]


def test_the_planted_groupings_are_found(storage):
    groups = {(trial.epsilon, trial.config.seed): str(trial.grouping) for trial in table3(storage).trials}
    assert set(groups.values()) == {"ar+ko | bn | zh | hi+ja | la", "ar+ko | bn | zh+ja | hi | la"}
    assert groups[0.0, 0] == groups[0.0, 1] == "ar+ko | bn | zh | hi+ja | la"


def test_the_newest_finished_sweep_that_fits_is_chosen(storage):
    write_sweep(storage, "newer", trials((0.1, 0.3), control=False), hour=12)
    write_sweep(storage, "unfinished", trials((0.1, 0.3), control=False), hour=13, done=False)
    write_sweep(storage, "one_epsilon", trials((0.1,), control=False), hour=14)
    assert table3(storage).sweep.name == "newer"
    assert table3(storage, "small").sweep.name == "small"


def test_a_sweep_that_varies_more_than_epsilon_does_not_fit(storage):
    mixed = trials((0.0, 0.2), control=False)
    mixed += [(f"{label} heads=3", trial.replaced("heads", Heads(count=3))) for label, trial in mixed]
    write_sweep(storage, "mixed", mixed, hour=12)
    with pytest.raises(ConfigError, match=r"mixed varies more than grouping\.base_coefficient and seeds"):
        table3(storage, "mixed")


def test_an_unfinished_sweep_says_how_far_it_is(storage):
    shutil.rmtree(read_sweeps(storage)[0].trials[1].folder)
    with pytest.raises(ConfigError, match=r"small is unfinished \(3 of 4 trials done\).*'python -m raygroup\.sweep --storage-path"):
        table3(storage, "small")


def test_the_control_is_the_newest_sweep_that_differs_in_nothing_else(storage):
    assert table3(storage).control_sweep == "small_control"
    other = [(label, trial.replaced("training.batch", 32)) for label, trial in trials((0.2,), control=True)]
    write_sweep(storage, "other_batch", other, hour=13)
    assert table3(storage).control_sweep == "small_control"
    shutil.rmtree(storage / "small_control")
    table = table3(storage)
    assert table.control is None
    assert "other_batch has other words or settings" in table.control_sweep


def test_a_control_within_the_sweep_serves_too(storage):
    shutil.rmtree(storage / "small_control")
    both = [(f"{label} control={at}", trial) for at in (False, True) for label, trial in trials((0.0, 0.2), control=at)]
    write_sweep(storage, "both", both, hour=12)
    table = table3(storage)
    assert table.control_sweep == "both"
    assert len(table.trials) == 4
    assert len(table.control.trials) == 2


def test_a_control_that_depends_on_epsilon_draws_a_warning(storage):
    write_sweep(storage, "wide_control", trials((0.0, 0.2), control=True), hour=12)
    assert table3(storage).control_differs == ()
    first = read_sweeps(storage)[-1].trials[0]
    (first.folder / "history.parquet").unlink()
    write_attempt(first.folder, 1, walk(read_sweeps(storage)[0].trials[0].config()), first.config(), 1)
    seal(first.folder)
    table = table3(storage)
    assert table.control_differs == (0,)
    assert any("WARNING: the control's assignments depend on epsilon at seed 0" in remark for remark in remarks(table))


def test_yardsticks_on_the_same_words_stand_beside(storage):
    one = [(label, trial.replaced("heads", Heads(count=1))) for label, trial in trials((0.2,), control=False, seeds=(0,))]
    write_sweep(storage, "one_head", one, hour=12)
    fixed = Grouping(method="one-per-task")
    per_task = [(label, trial.replaced("heads", Heads(count=7)).replaced("grouping", fixed)) for label, trial in one]
    write_sweep(storage, "one_per_task", per_task, hour=13)
    table = table3(storage)
    assert table.sweep.name == "small"
    assert list(table.yardsticks) == ["one head (one_head)", "one per task (one_per_task)"]


def test_mean_scores_are_means_over_seeds_with_all_rows(storage):
    scores = mean_scores(table3(storage).trials, "unseen", "classifier")
    assert list(scores) == ["ar", "bn", "zh", "hi", "ja", "ko", "la", "mean"]
    assert scores["la"].accuracy == 0.5
    assert scores["hi"].one_minus_ned == 0


def test_every_number_is_in_the_json(storage):
    stored = table3_json(table3(storage))
    assert stored["data"] == DATA
    assert stored["rows"][1]["paper"] == 5
    trial = stored["rows"][0]["trials"][0]
    assert trial["counted_steps"] == STEPS
    assert set(trial["scores"]) == {"new", "unseen"}
    assert stored["control"]["base_coefficient"] is None


def test_two_groupings_agree_on_the_pairs_both_join_or_both_part():
    assert pair_agreement(partition("ab", "c"), partition("a", "bc")) == (1, 3)
    assert pair_agreement(partition("ab", "c"), partition("ab", "c")) == (3, 3)


@given(*[st.lists(st.integers(0, 2), min_size=5, max_size=5)] * 2)
def test_agreement_is_counted_pair_by_pair(one, other):
    pairs = [(i, j) for i in range(5) for j in range(i)]
    alike = sum((one[i] == one[j]) == (other[i] == other[j]) for i, j in pairs)
    blocks = [frozenset(frozenset("abcde"[i] for i in range(5) if heads[i] == head) for head in set(heads)) for heads in (one, other)]
    assert pair_agreement(*blocks) == (alike, 10)
