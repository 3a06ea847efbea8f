"""Sweeps on a user's own words."""

import json
from pathlib import Path

import pytest
from given_words import write_folder
from tiny_sweep import space

from raygroup import sweep
from raygroup.history.reader import read_history
from raygroup.scoring.predictions import read_predictions


def run_sweep_on(words: Path, tmp_path: Path) -> tuple[int, Path]:
    """Run a sweep of one trial. Returns its exit code and the folder of the trial."""
    path = space(tmp_path, steps=10, grid="{}")
    code = sweep.main([path, "--words", str(words), "--local", "--storage-path", str(tmp_path / "runs")])
    folders = [config.parent for config in (tmp_path / "runs").glob("tiny/*/config.json")]
    return code, folders[0] if folders else tmp_path


def test_without_a_task_column_the_classifier_learns_from_characters_and_routes_the_words(tmp_path):
    code, trial = run_sweep_on(write_folder(tmp_path / "wörter"), tmp_path)
    assert code == 0
    predictions = read_predictions(trial / "predictions.parquet").to_pydict()
    assert set(predictions["task"]) == {None}
    assert set(predictions["reading_by_true_task"]) == {None}
    assert set(predictions["routed_task"]) <= {"ar", "hi", "la"}
    assert set(predictions["split"]) == {"unseen"}


def test_tasks_that_a_user_names_are_rows_of_r_tm(tmp_path, capsys):
    words = write_folder(tmp_path / "words", columns=("path", "text", "task", "split"), task_names={"hi": "marathi"})
    code, trial = run_sweep_on(words, tmp_path)
    assert code == 0
    assert read_history(trial).tasks == ("la", "marathi")
    predictions = read_predictions(trial / "predictions.parquet").to_pydict()
    assert set(predictions["split"]) == {"new", "unseen"}
    assert "marathi" in capsys.readouterr().out


def test_a_few_bad_images_are_reported_and_the_other_words_are_used(tmp_path, capsys):
    words = write_folder(tmp_path / "words")
    (words / "images" / "mot-é-3.png").write_bytes(b"no image")
    (words / "images" / "mot-é-5.png").unlink()
    code, _ = run_sweep_on(words, tmp_path)
    assert code == 0
    out = capsys.readouterr().out
    assert "1 dropped, image unreadable: " in out
    assert "1 dropped, image missing: " in out
    assert "mot-é-3.png" in out


def test_many_bad_images_stop_the_run_before_training(tmp_path, capsys):
    words = write_folder(tmp_path / "words")
    for path in sorted(words.glob("images/*"))[:20]:
        path.write_bytes(b"no image")
    code, _ = run_sweep_on(words, tmp_path)
    assert code == 2
    assert "at most 5% of" in capsys.readouterr().err
    assert not list((tmp_path / "runs").glob("tiny/*/history"))


def test_a_label_file_without_texts_is_refused_in_one_clear_line(tmp_path, capsys):
    code, _ = run_sweep_on(write_folder(tmp_path / "words", columns=("path", "task")), tmp_path)
    assert code == 2
    error = capsys.readouterr().err
    assert "labels.csv" in error
    assert "text" in error
    assert len(error.splitlines()) == 1


def test_the_words_decide_the_trial_id_and_their_folder_does_not(tmp_path):
    first, second = write_folder(tmp_path / "a"), write_folder(tmp_path / "b" / "c")
    _, trial = run_sweep_on(first, tmp_path)
    assert run_sweep_on(second, tmp_path)[1] == trial
    label_file = second / "labels.csv"
    label_file.write_text("\n".join(label_file.read_text(encoding="utf-8").splitlines()[:-1]), encoding="utf-8")
    run_sweep_on(second, tmp_path)
    ids = {entry["id"] for entry in json.loads((tmp_path / "runs" / "tiny" / "sweep.json").read_text())["trials"]}
    assert trial.name not in ids


@pytest.mark.parametrize("heads", [1, 9])
def test_a_sweep_may_have_one_head_or_more_heads_than_tasks(heads, prepared, tmp_path):
    path = space(tmp_path, steps=10, grid=f'{{"heads.count": ({heads},)}}')
    assert sweep.main([path, "--local", "--storage-path", str(prepared)]) == 0
