"""The sweep command: it resumes, and fails in one clear line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_sweep import space

from raygroup import sweep
from raygroup.history.reader import read_history, same_evidence


def command(arguments: list[str], **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "raygroup.sweep", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more
    )  # type: ignore[call-overload,no-any-return]


def output_and_imports(arguments: list[str]) -> str:
    """Return the output of the command in a new interpreter.

    A last line has its exit code and the heavy packages that it imported.
    """
    code = (
        f"import sys; from raygroup import sweep; code = sweep.main({arguments!r}); "
        "print('LOADED', code, [name for name in ('torch', 'ray', 'tensorboardX') if name in sys.modules])"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def trials(storage: Path) -> list[Path]:
    return sorted(path.parent for path in storage.glob("tiny/*/config.json"))


def test_a_finished_sweep_run_again_starts_nothing_and_imports_neither_torch_nor_ray(finished, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert "LOADED 0 []" in output_and_imports([space(tmp_path), "--storage-path", str(finished)])
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before


def test_the_summary_shows_groupings_and_words_as_they_were_read(finished, tmp_path, capsys):
    sweep.main([space(tmp_path), "--storage-path", str(finished)])
    out = capsys.readouterr().out
    assert "base_coefficient=0.2 seed=0" in out
    assert "truth, and the reading where it differs" in out
    assert len(list(finished.glob("tiny/figures/words-*.png"))) == 1


def test_a_dry_run_lists_trials_and_cost_without_torch_or_ray(tmp_path):
    out = output_and_imports(["--dry-run", "--storage-path", str(tmp_path / "none")])
    assert "LOADED 0 []" in out
    assert "base_coefficient=0.4 seed=0" in out
    assert not (tmp_path / "none").exists()


def test_a_widened_sweep_runs_only_what_is_new(finished, prepared, tmp_path, capsys):
    shutil.copytree(finished / "tiny", prepared / "tiny")
    old = {path: (path / "DONE.json").read_bytes() for path in trials(prepared)}
    assert sweep.main([space(tmp_path, seeds="(0, 1)"), "--local", "--storage-path", str(prepared)]) == 0
    assert len(trials(prepared)) == 4
    assert all((path / "DONE.json").read_bytes() == content for path, content in old.items())


def test_a_driver_killed_in_mid_sweep_and_run_again_gives_the_histories_of_an_undisturbed_one(finished, prepared, tmp_path):
    arguments = [space(tmp_path, steps=150), "--local", "--storage-path", str(prepared)]
    driver = command(arguments, start_new_session=True)
    while not list(prepared.glob("tiny/*/checkpoints/state.json")):
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.05)
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    assert not all((path / "DONE.json").exists() for path in trials(prepared))
    assert sweep.main(arguments) == 0
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(finished / "cache", undisturbed / "cache")
    assert sweep.main([*arguments[:2], "--storage-path", str(undisturbed)]) == 0
    attempts = [json.loads((path / "DONE.json").read_text())["attempts"] for path in trials(prepared)]
    assert max(attempts) == 2
    for disturbed, whole in zip(trials(prepared), trials(undisturbed), strict=True):
        assert same_evidence(read_history(disturbed), read_history(whole))


def test_ctrl_c_leaves_everything_resumable_and_says_how(prepared, tmp_path):
    arguments = [space(tmp_path, steps=2000), "--local", "--storage-path", str(prepared)]
    driver = command(arguments, start_new_session=True)
    while not list(prepared.glob("tiny/*/checkpoints/state.json")):
        assert driver.poll() is None
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGINT)
    out, _ = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert f"To continue: python -m raygroup.sweep {arguments[0]} --local --storage-path {prepared}" in out
    assert "Traceback" not in out


def test_a_trial_whose_loss_breaks_is_named_and_the_others_go_on(prepared, tmp_path, capsys):
    path = space(tmp_path, grid='{"training.learning_rate": (1e-3, 1e30)}')
    assert sweep.main([path, "--local", "--storage-path", str(prepared)]) == 3
    out = capsys.readouterr().out
    assert "failed: learning_rate=1e+30 seed=0: step " in out
    broken = next(path for path in trials(prepared) if (path / "FAILED.json").exists())
    sound = next(path for path in trials(prepared) if (path / "DONE.json").exists())
    stopped = json.loads((broken / "FAILED.json").read_text())
    assert "loss is nan" in stopped["reason"]
    assert len(read_history(broken).step) == stopped["step"] < 20
    assert len(read_history(sound).step) == 20


def test_a_full_disk_fails_the_trial_whose_history_stays_readable(prepared, tmp_path):
    from raygroup.runtime.attempt.worker import run_pack
    from raygroup.runtime.placement import Placement
    from raygroup.runtime.planning.jobs import declare_trials
    from raygroup.runtime.planning.plan import declare_sweep, load_plan

    plan = load_plan(space(tmp_path, steps=4000), prepared)
    declare_sweep(plan)
    declare_trials(plan.jobs, prepared)
    folder = plan.jobs[0].folder / "history"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        reason = run_pack([plan.jobs[0].folder], prepared, Placement(storage_patience_s=0))[plan.jobs[0].id]
        assert "No space left on device" in reason
        history = read_history(plan.jobs[0].folder)
        assert list(history.step) == list(range(1, len(history.step) + 1))
        assert len(history.step) >= 50
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"grid": '{"grouping.base_coefficient": (0.1, 0.1)}'}, "grid: two of its trials are the same"),
        ({"grid": '{"heads.embed": (16,)}'}, "heads.embed and heads.hidden are 16 and 64: they must be 32 and 64"),
        (
            {"grouping": 'method="one-per-task"', "grid": "{}"},
            "heads.count is 2: grouping.method 'one-per-task' needs one for each",
        ),
        ({"grid": '{"words.height": (64,)}'}, "the trunk reads crops of (32, 96)"),
    ],
)
def test_what_could_only_fail_later_is_said_before_anything_is_done(settings, message, tmp_path, capsys):
    assert sweep.main([space(tmp_path, **settings), "--dry-run", "--storage-path", str(tmp_path / "runs")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_words_that_look_like_markup_are_shown_as_they_are(finished, tmp_path, capsys):
    from raygroup.scoring.predictions import read_predictions, write_predictions

    storage = tmp_path / "with space"
    shutil.copytree(finished, storage)
    for trial in trials(storage):
        columns = read_predictions(trial / "predictions.parquet").to_pydict()
        write_predictions(trial / "predictions.parquet", columns | {"text": ["[/b]"] * len(columns["text"])})
    assert sweep.main([space(tmp_path), "--storage-path", str(storage)]) == 0
    out = capsys.readouterr().out
    assert "[/b] -> " in out
    assert f"--storage-path '{storage}'" in out


def test_an_unexpected_error_fails_its_trial_alone_and_keeps_its_traceback(prepared, tmp_path, capsys):
    from raygroup.runtime.attempt.worker import run_pack
    from raygroup.runtime.planning.jobs import declare_trials
    from raygroup.runtime.planning.plan import declare_sweep, load_plan

    plan = load_plan(space(tmp_path), prepared)
    declare_sweep(plan)
    declare_trials(plan.jobs, prepared)
    config = plan.jobs[0].folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"store": ["not", "a", "path"]}))
    failed = run_pack([job.folder for job in plan.jobs], prepared)
    assert list(failed) == [plan.jobs[0].id]
    assert failed[plan.jobs[0].id].startswith("TypeError: ")
    assert "Traceback" in (plan.jobs[0].folder / "error.txt").read_text()
    assert plan.jobs[1].done


def test_a_trial_whose_process_is_killed_goes_on(prepared, tmp_path):
    arguments = [space(tmp_path, steps=300), "--local", "--storage-path", str(prepared)]
    driver = command(arguments)
    while not list(prepared.glob("tiny/*/checkpoints/state.json")):
        assert driver.poll() is None
        time.sleep(0.05)
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text().split()
    workers = [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
    os.kill(workers[0], signal.SIGKILL)
    driver.communicate(timeout=200)
    assert driver.returncode == 0
    assert all((path / "DONE.json").exists() for path in trials(prepared))


def test_a_gpu_that_is_not_there_is_said_before_any_work(tmp_path, capsys):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert sweep.main([space(tmp_path), "--device", "cuda", "--storage-path", str(tmp_path / "runs")]) == 2
    assert "--device cuda: torch sees no GPU on this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tabel3"], "no search space 'tabel3'; there are: "),
        (["table3"], "table3: 2 inputs are missing: words of MLT19 (pass --words PATH; docs/data.md shows how to import them) and the "),
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


def test_a_storage_path_that_cannot_be_written_is_said_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert sweep.main([space(tmp_path), "--storage-path", str(tmp_path / "file")]) == 2
    assert f"--storage-path {tmp_path / 'file'} cannot be written" in capsys.readouterr().err


def test_a_second_driver_is_told_who_holds_the_sweep(prepared, tmp_path, capsys):
    from raygroup.storage.locks import lock_folder

    with lock_folder(prepared / "tiny", "sweep"):
        second = command([space(tmp_path), "--local", "--storage-path", str(prepared)])
        out, _ = second.communicate(timeout=120)
    assert second.returncode == 2
    assert f"is being written by process {os.getpid()} on " in out


@pytest.mark.slow
def test_on_ray_a_killed_driver_and_ctrl_c_cost_nothing_but_time(finished, prepared, tmp_path):
    arguments = [space(tmp_path, steps=120), "--storage-path", str(prepared)]
    for end, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        before = checkpoints(prepared)
        driver = command(arguments, start_new_session=True)
        while checkpoints(prepared) == before:
            assert driver.poll() is None, driver.communicate()[0]
            time.sleep(0.05)
        os.kill(driver.pid, end)
        driver.communicate(timeout=60)
        assert driver.returncode == code
    driver = command(arguments)
    out, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0, out
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(finished / "cache", undisturbed / "cache")
    assert sweep.main([arguments[0], "--local", "--storage-path", str(undisturbed)]) == 0
    for disturbed, whole in zip(trials(prepared), trials(undisturbed), strict=True):
        assert same_evidence(read_history(disturbed), read_history(whole))


def checkpoints(storage: Path) -> set[tuple[str, int]]:
    return {(path.name, path.stat().st_mtime_ns) for path in storage.glob("tiny/*/checkpoints/step-*.safetensors")}


@pytest.mark.slow
def test_without_ray_and_on_ray_the_histories_are_the_same(finished, prepared, tmp_path):
    done = command([space(tmp_path), "--storage-path", str(prepared)])
    out, _ = done.communicate(timeout=400)
    assert done.returncode == 0, out
    for trial, reference in zip(trials(prepared), trials(finished), strict=True):
        assert same_evidence(read_history(trial), read_history(reference))
