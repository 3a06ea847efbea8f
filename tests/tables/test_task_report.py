"""The report on one trial names the worst task, tasks without a tested word, and words without a task."""

import io

import pyarrow.parquet as pq
import pytest
import synthetic_storage
from rich.console import Console

import raygroup
from raygroup.scoring.predictions import read_predictions, write_predictions
from raygroup.tables.task_report import print_task_report


@pytest.fixture
def sweep(tmp_path):
    synthetic_storage.write_storage(tmp_path / "runs", seeds=(0,))
    return lambda: raygroup.read_sweep("small", tmp_path / "runs")


def rewrite(trial, change):
    """Change the predictions of a trial, row by row. None drops a row."""
    path = trial.folder / "predictions.parquet"
    rows = [changed for row in read_predictions(path).to_pylist() if (changed := change(row)) is not None]
    write_predictions(path, {name: [row[name] for row in rows] for name in pq.read_schema(path).names})


def report(result, trial, width=80):
    out = io.StringIO()
    print_task_report(trial, result.choice, Console(file=out, width=width, force_terminal=True, color_system=None))
    return out.getvalue()


def test_the_worst_task_is_named_and_no_line_is_wider_than_the_terminal(sweep):
    result = sweep()
    text = report(result, result.best)
    assert "worst task: hi, 1-NED 0.000 on new words" in text
    assert "These words also chose the trial" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_another_trial_is_shown_without_the_reasons_of_a_choice(sweep):
    result = sweep()
    other = next(trial for trial in result.trials if trial is not result.best)
    text = report(result, other)
    assert text.startswith(f"by task: {other.label}\n")
    assert "chose" not in text


def test_a_task_without_a_tested_word_is_named(sweep):
    trial = sweep().trials[0]
    rewrite(trial, lambda row: row if row["task"] not in ("ar", "ko") else None)
    assert "without a tested word: ar, ko" in report(sweep(), sweep().trials[0])


def test_words_without_a_task_have_one_row(sweep):
    rewrite(sweep().trials[0], lambda row: row | {"task": None, "reading_by_true_task": None})
    text = report(sweep(), sweep().trials[0])
    assert "?: words without a task" in text
    assert "without a tested word" not in text
