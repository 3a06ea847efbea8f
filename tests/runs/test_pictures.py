"""``runs pictures`` draws every finished trial, and ``runs show`` gives the tasks of any of them."""

import json

import pytest
from synthetic_storage import trials, write_storage, write_sweep, write_trial

import raygroup
from raygroup.config import trial_id
from raygroup.runs.__main__ import main


@pytest.fixture
def storage(tmp_path):
    return write_storage(tmp_path / "runs", seeds=(0,))


def test_every_finished_trial_gets_two_pictures(storage, capsys):
    assert main(["pictures", "small", str(storage)]) == 0
    paths = sorted(map(str, (storage / "small" / "figures").iterdir()))
    assert len(paths) == 2 * 2
    out = capsys.readouterr().out.splitlines()
    assert set(paths) <= set(out)
    assert sorted(map(str, raygroup.draw_pictures("small", storage))) == paths


def test_pictures_as_json_are_alone_on_standard_output(storage, capsys):
    assert main(["pictures", "small", "--json", "--storage-path", str(storage)]) == 0
    assert len(json.loads(capsys.readouterr().out)["pictures"]) == 4


def test_a_sweep_without_a_finished_trial_says_so(storage, capsys):
    write_sweep(storage, "new", trials((0.0,), control=False), done=False)
    assert main(["pictures", "new", str(storage)]) == 0
    assert "new: no finished trial to draw" in capsys.readouterr().out


def test_show_gives_the_tasks_of_the_best_trial_or_of_a_named_one(storage, capsys):
    assert main(["show", "small", str(storage)]) == 0
    assert (
        "by task: base_coefficient=0.0 seed=0, the best of 2 trials by mean exact match on unseen words: 0.429" in capsys.readouterr().out
    )
    assert main(["show", "small", "--trial", "0.2", "--storage-path", str(storage)]) == 0
    out = capsys.readouterr().out
    assert "by task: base_coefficient=0.2 seed=0\n" in out
    assert "optimistic" not in out


def test_show_refuses_a_trial_that_the_sweep_does_not_have(storage, capsys):
    assert main(["show", "small", "--trial", "0.9", "--storage-path", str(storage)]) == 2
    assert "'0.9' names no trial of small; there are: small-" in capsys.readouterr().err
    assert main(["show", "small", "--trial", "seed=0", "--storage-path", str(storage)]) == 2
    assert "'seed=0' could be any of 2 trials" in capsys.readouterr().err


def test_a_trial_that_the_sweep_no_longer_declares_does_not_hide_a_declared_one(storage, capsys):
    label, trial = trials((0.2,), control=False, seeds=(0,))[0]
    write_trial(storage / "small" / trial_id("small", trial, "other words"), "small", label, trial, "2026-01-02")
    assert main(["show", "small", "--trial", "0.2", "--storage-path", str(storage)]) == 0
    assert "base_coefficient=0.2 seed=0 (no longer in the sweep)" in capsys.readouterr().out


def test_show_says_why_a_trial_has_no_tasks(storage, capsys):
    write_sweep(storage, "new", trials((0.0,), control=False, seeds=(0,)), done=False)
    assert main(["show", "new", "--trial", "seed=0", "--storage-path", str(storage)]) == 0
    assert "base_coefficient=0.0 seed=0 has no scores of tasks: it is not started" in capsys.readouterr().out


def test_show_as_json_has_the_tasks_of_all_trials_by_both_routes(storage, capsys):
    assert main(["show", "small", "--json", "--storage-path", str(storage)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["best"]["cannot_be_told_apart_from"] == ["base_coefficient=0.2 seed=0"]
    for trial in shown["trials"]:
        assert len(trial["tasks"]) == 2 * 7
        hindi = next(row for row in trial["tasks"] if (row["split"], row["task"]) == ("unseen", "hi"))
        assert (hindi["scores"]["classifier"]["accuracy"], hindi["scores"]["true_task"]["accuracy"]) == (0.0, 0.5)
        assert (hindi["wrong_task"], hindi["parameters"]) == (2, None)
