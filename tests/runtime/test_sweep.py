"""The sweep command: its output, and one clear line for each error."""

import json
import shutil
import subprocess
import sys

import pytest
from pack_sessions import declare_plan, folders
from sweep_process import trial_folders
from tiny_sweep import space

from raygroup import read_sweep, sweep
from raygroup.costs import head_parameters
from raygroup.history.reader import read_history
from raygroup.runtime.attempt import resume
from raygroup.runtime.attempt.worker import run_pack
from raygroup.scoring.predictions import read_predictions, write_predictions
from raygroup.trunks import FEATURE_SHAPE


def output_and_imports(arguments: list[str]) -> str:
    """Return the output of the command in a new interpreter.

    A last line has its exit code and the heavy packages that it imported.
    """
    code = (
        f"import sys; from raygroup import sweep; code = sweep.main({arguments!r}); "
        "print('LOADED', code, [name for name in ('torch', 'ray', 'tensorboardX') if name in sys.modules])"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_running_a_finished_sweep_again_writes_nothing_and_imports_neither_torch_nor_ray(finished, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert "LOADED 0 []" in output_and_imports([space(tmp_path), "--storage-path", str(finished)])
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before


def test_the_summary_shows_groupings_and_readings_of_words(finished, tmp_path, capsys):
    sweep.main([space(tmp_path), "--storage-path", str(finished)])
    out = capsys.readouterr().out
    assert "base_coefficient=0.2 seed=0" in out
    assert "truth, and the reading where it differs" in out
    assert "by task: base_coefficient=0." in out
    assert len(list(finished.glob("tiny/figures/words-*.png"))) == 1
    assert len(list(finished.glob("tiny/figures/assignment-*.png"))) == 1


def test_the_result_as_json_has_the_pictures_and_the_trial_to_ship(finished, tmp_path, capsys):
    assert sweep.main([space(tmp_path), "--json", "--storage-path", str(finished)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert sorted(path.rsplit("/", 1)[1] for path in result["pictures"]) == [
        f"{kind}-{result['best']['id']}.png" for kind in ("assignment", "words")
    ]
    assert all((finished / path).is_file() for path in result["pictures"])


def test_a_finished_trial_knows_its_characters_and_how_fast_it_reads(finished):
    trial = read_sweep("tiny", finished).trials[0]
    charset = set().union(*trial.word_facts.characters.values())
    assert trial.word_facts.classes == len(charset) + 2
    assert trial.word_facts.characters.keys() == {"ar", "hi", "la"}
    for result in trial.task_results():
        assert result.parameters == head_parameters(32, 64, len(charset) + 2, FEATURE_SHAPE) >= result.pruned_parameters
        assert result.ms_per_word > 0


def test_a_dry_run_lists_trials_and_cost_without_torch_or_ray(tmp_path):
    out = output_and_imports(["--dry-run", "--storage-path", str(tmp_path / "none")])
    assert "LOADED 0 []" in out
    assert "base_coefficient=0.4 seed=0" in out
    assert not (tmp_path / "none").exists()


def test_a_sweep_with_more_seeds_runs_only_the_new_trials(finished, prepared, tmp_path, capsys):
    shutil.copytree(finished / "tiny", prepared / "tiny")
    old = {path: (path / "DONE.json").read_bytes() for path in trial_folders(prepared)}
    assert sweep.main([space(tmp_path, seeds="(0, 1)"), "--local", "--storage-path", str(prepared)]) == 0
    assert len(trial_folders(prepared)) == 4
    assert all((path / "DONE.json").read_bytes() == content for path, content in old.items())


def test_a_trial_whose_loss_is_nan_is_named_and_the_others_continue(prepared, tmp_path, capsys):
    path = space(tmp_path, grid='{"training.learning_rate": (1e-3, 1e30)}')
    assert sweep.main([path, "--local", "--storage-path", str(prepared)]) == 3
    out = capsys.readouterr().out
    assert "failed: learning_rate=1e+30 seed=0: step " in out
    broken = next(path for path in trial_folders(prepared) if (path / "FAILED.json").exists())
    sound = next(path for path in trial_folders(prepared) if (path / "DONE.json").exists())
    stopped = json.loads((broken / "FAILED.json").read_text())
    assert "loss is nan" in stopped["reason"]
    assert len(read_history(broken).step) == stopped["step"] < 20
    assert len(read_history(sound).step) == 20


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"grid": '{"grouping.base_coefficient": (0.1, 0.1)}'}, "grid: two of its trials are the same"),
        ({"grid": '{"heads.embed": (16,)}'}, "heads.embed and heads.hidden are 16 and 64: they must be 32 and 64"),
        (
            {"grouping": 'method="one-per-task"', "grid": "{}"},
            "heads.count is 2: grouping.method 'one-per-task' needs one head for each",
        ),
        ({"grid": '{"words.height": (64,)}'}, "the trunk reads crops of (32, 96)"),
    ],
)
def test_settings_that_could_only_fail_later_are_refused_before_any_work(settings, message, tmp_path, capsys):
    assert sweep.main([space(tmp_path, **settings), "--dry-run", "--storage-path", str(tmp_path / "runs")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_words_that_look_like_markup_are_printed_unchanged(finished, tmp_path, capsys):
    storage = tmp_path / "with space"
    shutil.copytree(finished, storage)
    for trial in trial_folders(storage):
        columns = read_predictions(trial / "predictions.parquet").to_pydict()
        write_predictions(trial / "predictions.parquet", columns | {"text": ["[/b]"] * len(columns["text"])})
    assert sweep.main([space(tmp_path), "--storage-path", str(storage)]) == 0
    out = capsys.readouterr().out
    assert "[/b] -> " in out
    assert f"--storage-path '{storage}'" in out


def test_an_unexpected_error_fails_only_its_trial_and_stores_the_traceback(prepared, tmp_path, monkeypatch):
    plan = declare_plan(prepared, tmp_path)
    read_inputs = resume._read_inputs

    def read_or_break(lease, context):
        return read_inputs(lease, context) if lease.folder == plan.jobs[1].folder else None + 1

    monkeypatch.setattr(resume, "_read_inputs", read_or_break)
    failed = run_pack(folders(plan), prepared)
    assert list(failed) == [plan.jobs[0].id]
    assert failed[plan.jobs[0].id].startswith("TypeError: ")
    assert "Traceback" in (plan.jobs[0].folder / "error.txt").read_text()
    assert plan.jobs[1].done


def test_a_missing_gpu_is_reported_before_any_work(tmp_path, capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert sweep.main([space(tmp_path), "--device", "cuda", "--storage-path", str(tmp_path / "runs")]) == 2
    assert "--device cuda: torch sees no GPU on this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tabel3"], "no search space 'tabel3'; there are: "),
        (["table3"], "table3 comes after stage1_paper: an input is missing: words of the eight data sets of Table 1 (pass --words PATH"),
        (["table3", "--weights", "nowhere.safetensors"], "table3: 2 inputs are missing: words of MLT19 (pass --words PATH; docs/data.md "),
        (["nowhere/mine.py"], "no search space file nowhere/mine.py"),
        (["--words", "nowhere"], "--words nowhere: no such file or folder"),
        (["--fonts", "nowhere"], "--fonts nowhere: no such folder"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sweep.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_a_storage_path_that_cannot_be_written_is_refused_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert sweep.main([space(tmp_path), "--storage-path", str(tmp_path / "file")]) == 2
    assert f"--storage-path {tmp_path / 'file'} cannot be written" in capsys.readouterr().err
