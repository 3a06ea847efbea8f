"""Table 2 from records: groups beside the paper's, and the agreement of seeds."""

import dataclasses
import shutil

import pytest
from grouping_sweeps import write_head_counts
from synthetic_storage import STEPS, fail_trial, start_trial, trials, write_storage, write_sweep

from raygroup.config import Training, Trial
from raygroup.errors import ConfigError
from raygroup.history.occurrences import inconsistencies, task_totals
from raygroup.history.reader import read_history
from raygroup.paper import TABLE_2, TABLE_2_RUNS
from raygroup.reproduce import table2
from raygroup.storage.sweeps import read_sweeps
from raygroup.tables.reproduced.table2 import summarise_runs, table2_json
from raygroup.tables.reproduced.table2_report import table2_remarks, table2_report
from raygroup.task_groups import TaskGroups
from raygroup.tasks import PAPER_TASKS, TASKS

NAMES = {task.initial: task.name for task in TASKS.values()}
PAPER_RUNS = {
    2: "AKL/BCHJ  AK/BCHJL  ABCL/HJK",
    3: "ABJ/CH/KL  A/BCHJL/K  AK/BCL/HJ",
    4: "AK/BH/C/JL  ABH/C/JL/K  AB/CL/HJ/K",
    5: "A/B/C/HL/JK  A/BHK/C/J/L  AH/BJ/C/K/L",
    6: "A/BCK/H/J/L  AK/BJ/C/H/L  AH/B/C/J/K/L",
    7: "AK/B/C/HL/J  A/B/CJ/HK/L  A/B/C/HJ/K/L",
}
"""18 partitions that explain every printed row of Table 2."""


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    write_head_counts(folder)
    return folder


def papers_runs(table):
    """Return the evidence of 18 runs that ended in the partitions above."""
    example = table.trials[0]
    runs = []
    for heads, line in PAPER_RUNS.items():
        for seed, text in enumerate(line.split()):
            head_of = {NAMES[initial]: head for head, group in enumerate(text.split("/")) for initial in group}
            config = example.config.replaced("heads.count", heads).replaced("seed", seed)
            grouping = TaskGroups(tuple((task, head_of[task]) for task in PAPER_TASKS), heads)
            runs.append(dataclasses.replace(example, config=config, grouping=grouping, unstable=False))
    return runs


def test_the_papers_18_runs_give_its_table_and_the_row_that_it_lacks(storage):
    table = summarise_runs(read_sweeps(storage)[-1], papers_runs(table2(storage)))
    differing = [row for row in table.rows if row.paper is None]
    assert [(row.label, row.ours.num_occurrences, row.ours.first_heads) for row in differing] == [("B+H+K", 1, 5)]
    for row in table.rows:
        if row.paper:
            assert (row.ours.num_occurrences, row.ours.first_heads) == (row.paper.num_occurrences, row.paper.first_heads)
    assert table.inconsistencies == ()
    assert [round(count.idle.mean * 3) for count in table.head_counts] == [0, 0, 0, 0, 2, 5]
    assert table.stability.num_runs == 18


def test_the_printed_table_is_shown_with_what_makes_it_impossible(storage):
    (line,) = [line for line in table2_remarks(table2(storage)) if line.startswith("The paper's printed table")]
    assert "groups with bn, hi, ko occur 17 times, but every task is in one group of each of the 18 runs" in line
    assert inconsistencies(TABLE_2, TABLE_2_RUNS)[0] in line


def test_each_task_is_in_one_group_of_every_run(storage):
    table = table2(storage)
    ours = [row.ours for row in table.rows if row.ours]
    assert set(task_totals(ours).values()) == {9}
    assert sum(len(row.tasks) * row.num_occurrences for row in ours) == 7 * 9
    assert table.inconsistencies == ()


def test_final_groupings_are_those_of_the_last_recorded_step(storage):
    for trial in table2(storage).trials:
        heads = read_history(trial.folder).r_tm[-1].argmax(axis=1).tolist()
        assert trial.grouping.head_of == tuple(zip(PAPER_TASKS, heads, strict=True))


def test_runs_that_have_not_held_their_grouping_are_flagged(storage):
    assert all(trial.unstable for trial in table2(storage, settle=STEPS + 1).trials)
    flagged = table2(storage, settle=STEPS + 1)
    assert all(row.num_unstable == row.ours.num_occurrences for row in flagged.rows if row.ours)
    assert any(line.startswith("Unstable: these runs had not held their last grouping for 61 steps") for line in table2_remarks(flagged))
    assert not any(trial.unstable for trial in table2(storage, settle=1).trials)
    with pytest.raises(ConfigError, match="settle is 0: it must be a whole number from 1"):
        table2(storage, settle=0)


def test_three_seeds_claim_no_significance(storage):
    table = table2(storage)
    assert [count.stability.num_runs for count in table.head_counts] == [3, 3, 3]
    assert {count.stability.is_significant for count in table.head_counts} == {None}
    assert any("With fewer than 6 seeds no significance is claimed" in line for line in table2_remarks(table))


def test_every_number_is_in_the_json(storage):
    values = table2_json(table2(storage))
    assert (values["runs"], values["not_run"], len(values["head_counts"]), len(values["trials"])) == (9, [], 3, 9)
    assert set(values["task_totals"].values()) == {9}
    assert len(values["paper_inconsistencies"]) == 3


def test_groups_that_only_the_paper_has_come_last(storage):
    labels = [row[0] for row in table2_report(table2(storage)).sheets[0].rows]
    ours = [row.label for row in table2(storage).rows if row.ours]
    assert labels[: len(ours)] == ours
    assert set(labels) >= {row.label for row in TABLE_2}


def test_a_sweep_that_varies_something_else_does_not_fit(tmp_path):
    write_storage(tmp_path)
    with pytest.raises(ConfigError, match=r"no finished sweep for Table 2: small varies more than heads\.count and seeds"):
        table2(tmp_path, "small")
    one = [(f"seed={seed}", Trial(seed=seed, training=Training(steps=60))) for seed in (0, 1)]
    write_sweep(tmp_path, "one_count", one)
    with pytest.raises(ConfigError, match=r"one_count does not vary heads\.count.*'python -m raygroup\.sweep table2_laptop --storage-path"):
        table2(tmp_path, "one_count")
    write_sweep(tmp_path, "controls", trials((0.2,), control=True))
    with pytest.raises(ConfigError, match="controls has no trial that learned a grouping"):
        table2(tmp_path, "controls")


def test_a_half_done_sweep_must_be_named_and_says_what_is_missing(tmp_path):
    write_head_counts(tmp_path)
    lost = [trial for trial in read_sweeps(tmp_path)[0].trials if trial.label in ("count=2 seed=1", "count=5 seed=0")]
    settings = lost[1].config()
    for trial in lost:
        shutil.rmtree(trial.folder)
    start_trial(lost[1].folder, "counts", "count=5 seed=0", settings)
    fail_trial(lost[1].folder, "loss is nan", 7)
    with pytest.raises(ConfigError, match=r"counts is unfinished \(7 of 9 trials done\), without count=2 seed=1, count=5 seed=0"):
        table2(tmp_path)
    table = table2(tmp_path, "counts")
    assert [str(trial) for trial in table.missing] == ["count=2 seed=1 (not started)", "count=5 seed=0 (failed: loss is nan)"]
    assert table.inconsistencies == ()
    assert any(line.startswith("Not run: 2 of 9 trials. count=2 seed=1 (not started)") for line in table2_remarks(table))


def test_a_sweep_without_a_finished_trial_says_how_far_it_is(tmp_path):
    base = Trial(training=Training(steps=60))
    write_sweep(tmp_path, "new", [(f"count={count} seed=0", base.replaced("heads.count", count)) for count in (2, 3)], done=False)
    with pytest.raises(ConfigError, match=r"new is unfinished \(0 of 2 trials done\)"):
        table2(tmp_path, "new")
