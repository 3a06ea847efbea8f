"""``runs stop`` and ``runs retry``: requests that a driver and its workers read from the storage path."""

import json

from busy_storage import write_busy

from raygroup.files.atomic import read_json
from raygroup.runs.__main__ import main
from raygroup.storage.sweeps import TrialState, read_sweeps


def states_of(storage):
    half = next(sweep for sweep in read_sweeps(storage) if sweep.name == "half")
    return [trial.state for trial in half.trials]


def test_a_request_to_stop_names_its_author_and_appears_in_the_status(busy, capsys):
    assert main(["stop", "half", str(busy.storage)]) == 0
    assert "half: asked to stop" in capsys.readouterr().out
    stored = read_json(busy.folder / "STOP.json")
    assert " on " in stored["by"]
    assert stored["at"].endswith("+00:00")
    main(["status", str(busy.storage)])
    assert f"asked to stop by {stored['by']}" in capsys.readouterr().out
    main(["status", str(busy.storage), "--json", "--sweep", "half"])
    assert json.loads(capsys.readouterr().out)["sweeps"][0]["stop"] == {"by": stored["by"], "at": stored["at"]}


def test_a_request_to_stop_ends_the_attempts_of_the_sweep(busy):
    from raygroup.errors import StopRequestedError
    from raygroup.runtime.attempt.interruption import Interruption

    interruption = Interruption(busy.folder)
    interruption._last_check -= 60
    assert interruption.reason() is None
    main(["stop", "half", str(busy.storage)])
    interruption._last_check -= 60
    assert isinstance(interruption.reason(), StopRequestedError)


def test_a_finished_sweep_is_not_asked_to_stop(busy, capsys):
    assert main(["stop", "small", str(busy.storage)]) == 0
    assert "small: no trial is left to train" in capsys.readouterr().out
    assert not (busy.storage / "small" / "STOP.json").exists()


def test_failed_trials_are_tried_again_on_request(busy, capsys):
    assert states_of(busy.storage)[0] == TrialState.FAILED
    assert main(["retry", "half", str(busy.storage)]) == 0
    out = capsys.readouterr().out
    assert f"base_coefficient=0.1 seed=0 ({busy.failed.name}), which failed with: integrated loss is nan" in out
    assert states_of(busy.storage)[0] == TrialState.UNFINISHED
    assert main(["retry", "half", str(busy.storage)]) == 0
    assert "half: no trial has failed" in capsys.readouterr().out


def test_a_trial_can_be_named_to_be_tried_again(busy, capsys):
    assert main(["retry", "half", "base_coefficient=0.1", str(busy.storage)]) == 0
    assert busy.failed.name in capsys.readouterr().out
    assert states_of(busy.storage)[0] == TrialState.UNFINISHED


def test_a_trial_that_has_not_failed_cannot_be_tried_again(busy, capsys):
    assert main(["retry", "half", busy.running.name, str(busy.storage)]) == 2
    assert f"no failed trial '{busy.running.name}' in {busy.folder}; failed: {busy.failed.name} (" in capsys.readouterr().err
    assert states_of(busy.storage)[0] == TrialState.FAILED


def test_in_a_sweep_that_was_asked_to_stop_retried_trials_wait_for_its_next_run(busy, capsys):
    main(["stop", "half", str(busy.storage)])
    main(["retry", "half", str(busy.storage)])
    assert "half was asked to stop: no trial begins before the sweep is run again" in capsys.readouterr().out


def test_the_default_storage_path_is_runs_in_this_folder(tmp_path, monkeypatch, capsys):
    write_busy(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert main(["retry", "half"]) == 0
    assert "to be tried again" in capsys.readouterr().out
    assert main(["stop", "half"]) == 0


def test_with_the_flag_for_the_storage_path_every_further_name_is_a_trial(busy, capsys):
    assert main(["retry", "half", "--storage-path", str(busy.storage)]) == 0
    assert busy.failed.name in capsys.readouterr().out
    assert main(["retry", "half", "no/such", "--storage-path", str(busy.storage)]) == 2
    assert "no failed trial 'no/such'" in capsys.readouterr().err
    assert main(["stop", "half", "--storage-path", str(busy.storage)]) == 0
    assert (busy.folder / "STOP.json").is_file()
