"""A sweep whose languages are divided into parts: each part is a task, from the words to the tables."""

import json
import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from given_words import write_folder
from tiny_sweep import space

import raygroup
from raygroup import sweep
from raygroup.export.trial_checkpoint import read_trial_checkpoint
from raygroup.figures.task_names import own_name, task_title
from raygroup.paper import GroupRow
from raygroup.runs.__main__ import main as runs
from raygroup.scoring.predictions import read_predictions

PARTS = '{"words.parts": ((2, 1, 2),)}'
TASKS = ("ar-1", "ar-2", "hi", "la-1", "la-2")


@pytest.fixture(scope="module")
def storage(tmp_path_factory) -> Path:
    """Return a storage path with a sweep of one trial on five tasks of three languages."""
    folder = tmp_path_factory.mktemp("parts")
    assert sweep.main([space(folder, grid=PARTS), "--local", "--storage-path", str(folder / "runs")]) == 0
    return folder / "runs"


@pytest.fixture
def trial(storage):
    return raygroup.read_sweep("tiny", storage).trials[0]


def test_each_part_is_a_task_of_the_trial(trial):
    assert trial.history.tasks == TASKS
    assert trial.label == "parts=(2, 1, 2) seed=0"
    assert {task for task, _ in trial.groups.head_of} == set(TASKS)
    assert [result.task for result in trial.task_results() if result.split == "new"] == [*TASKS]


def test_every_test_word_has_its_loss_under_every_head(trial):
    words = read_predictions(trial.folder / "predictions.parquet")
    head_of = dict(trial.groups.head_of)
    known = [row for row in words.to_pylist() if row["nll"] is not None]
    assert len(known) > len(words) / 2
    for row in known:
        assert len(row["nll_by_head"]) == 2
        assert row["nll"] == row["nll_by_head"][head_of[row["task"]]] > 0


def test_tables_have_the_mean_loss_beside_the_accuracy(trial, storage, capsys):
    words = read_predictions(trial.folder / "predictions.parquet").to_pylist()
    means = []
    for task in TASKS:
        losses = [row["nll"] for row in words if (row["split"], row["task"]) == ("new", task) and row["nll"] is not None]
        means.append(sum(losses) / len(losses))
    result = raygroup.read_sweep("tiny", storage)
    rows = [row for row in result.task_scores("true task").to_pylist() if row["split"] == "new"]
    assert [row["nll"] for row in rows] == pytest.approx(means)
    assert result.table()["new_nll"].to_pylist() == [pytest.approx(sum(means) / 5)]
    assert runs(["show", "tiny", str(storage), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["trials"][0]
    assert shown["unseen_nll"] == pytest.approx(trial.nll("unseen"))
    assert [row["nll"] for row in shown["tasks"]] == [each.nll for each in trial.task_results()]


def test_trials_of_earlier_versions_show_no_loss(trial, tmp_path, storage, capsys):
    import shutil

    shutil.copytree(storage, tmp_path / "runs")
    file = tmp_path / "runs" / "tiny" / trial.id / "predictions.parquet"
    words = pq.read_table(file).drop(["nll", "nll_by_head"])
    pq.write_table(words.replace_schema_metadata({b"raygroup": b"1"}), file)
    older = raygroup.read_sweep("tiny", tmp_path / "runs").trials[0]
    assert math.isnan(older.nll())
    assert {result.nll for result in older.task_results()} == {None}
    assert runs(["show", "tiny", str(tmp_path / "runs")]) == 0
    header, row = (line for line in capsys.readouterr().out.splitlines() if line.startswith(("trial", "parts")))
    assert header.split()[-1] == "NLL"
    assert row.split()[-1] == "-"


def test_a_checkpoint_of_parts_can_be_exported(trial):
    assert read_trial_checkpoint(trial.stored).tasks == TASKS


def test_a_part_has_the_names_of_its_language_and_its_number():
    assert [task_title(task) for task in ("zh-2", "la-1", "hi")] == ["Chinese 2", "Latin 1", "Hindi"]
    assert [own_name(task) for task in ("zh-2", "la-1", "ko")] == ["中文 2", "", "한국어"]
    assert GroupRow(1, frozenset({"ko", "zh-10", "zh-2"}), 1, 2).label == "C2+C10+K"


def test_parts_are_refused_with_words_of_the_user(tmp_path, capsys):
    words = write_folder(tmp_path / "mine")
    assert sweep.main([space(tmp_path, grid=PARTS), "--dry-run", "--words", str(words), "--storage-path", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"raygroup: words.parts is (2, 1, 2): it must be empty with --words {words}")
    assert error.count("\n") == 1


def test_one_head_per_task_needs_one_for_each_part(tmp_path, capsys):
    path = space(tmp_path, grid=PARTS, grouping='method="one-per-task"')
    assert sweep.main([path, "--dry-run", "--storage-path", str(tmp_path)]) == 2
    assert "heads.count is 2: grouping.method 'one-per-task' needs one head for each of the 5 tasks" in capsys.readouterr().err
