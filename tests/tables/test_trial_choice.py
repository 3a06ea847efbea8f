"""The trial to ship: the best on unseen words, and which others are as good."""

import pyarrow.parquet as pq
import pytest
import synthetic_storage

import raygroup
from raygroup.scoring.predictions import read_predictions, write_predictions


@pytest.fixture
def sweep(tmp_path):
    synthetic_storage.write_storage(tmp_path / "runs")
    return lambda: raygroup.read_sweep("small", tmp_path / "runs")


def rewrite(trial, change):
    """Change the predictions of a trial, row by row."""
    path = trial.folder / "predictions.parquet"
    rows = [change(row) for row in read_predictions(path).to_pylist()]
    write_predictions(path, {name: [row[name] for row in rows] for name in pq.read_schema(path).names})


def test_the_best_trial_reads_most_unseen_words_exactly(sweep):
    rewrite(sweep().trials[2], lambda row: row | {"reading": row["text"]})
    result = sweep()
    assert result.best.label == result.trials[2].label
    assert (result.choice.score.mean, result.choice.score.high) == (1.0, 1.0)
    assert result.choice.score.low < 1
    assert result.shown is result.best


def test_trials_with_equal_scores_cannot_be_told_apart(sweep):
    choice = sweep().choice
    assert choice.trial.label == "base_coefficient=0.0 seed=0"
    assert len(choice.ties) == 3
    assert any("cannot be told apart from 3 others" in line for line in choice.caveats())
    assert any("optimistic" in line for line in choice.caveats())


def test_a_clearly_worse_trial_is_no_tie(sweep):
    """Six tasks at 1 of 2 and one at 0 of 2 have 0.43 (0.29 to 0.62), and seven tasks at 0 of 2 have 0 (0 to 0.25)."""
    rewrite(sweep().trials[3], lambda row: row | {"reading": ""})
    assert sweep().trials[3].label not in [trial.label for trial in sweep().choice.ties]


def test_a_single_trial_needs_no_caveat(tmp_path):
    declared = synthetic_storage.trials((0.0,), control=False, seeds=(0,))
    synthetic_storage.write_sweep(tmp_path, "single", declared)
    choice = raygroup.read_sweep("single", tmp_path).choice
    assert choice.caveats() == []
    assert "best" not in choice.title()


def test_without_unseen_words_no_trial_is_chosen_but_one_is_shown(sweep):
    for trial in sweep().trials:
        rewrite(trial, lambda row: row | {"split": "new"})
    result = sweep()
    assert result.best is None
    assert result.to_json()["best"] is None
    assert result.shown is result.readable[2]
