"""Packs: one process trains several trials, each with the history it has alone."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.files.retry import NO_RETRY
from raygroup.history.reader import read_history, same_evidence
from raygroup.runtime.attempt import worker
from raygroup.runtime.attempt.interruption import Interruption
from raygroup.runtime.attempt.resume import open_session
from raygroup.runtime.attempt.session import Session, WorkerContext
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.placement import ON_CPU, Placement
from raygroup.runtime.planning.jobs import declare_trials
from raygroup.runtime.planning.packs import make_packs
from raygroup.runtime.planning.plan import Plan, declare_sweep, load_plan
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.storage.leases import take_lease


def declare_plan(storage: Path, folder: Path, **settings: object) -> Plan:
    plan = load_plan(space(folder, **settings), storage)
    declare_sweep(plan)
    declare_trials(plan.jobs, storage)
    return plan


def folders(plan: Plan) -> list[Path]:
    return [job.folder for job in plan.jobs]


def test_two_trials_in_one_process_leave_the_histories_and_readings_they_leave_alone(finished, prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path)
    assert run_pack(folders(plan), prepared) == {}
    for job in plan.jobs:
        alone = finished / "tiny" / job.id
        assert same_evidence(read_history(job.folder), read_history(alone))
        assert json.loads((job.folder / "DONE.json").read_text())["pack"] == 2
        packed, single = ((path / "predictions.parquet").read_bytes() for path in (job.folder, alone))
        assert packed == single


def test_a_trial_whose_loss_breaks_leaves_its_pack_and_the_other_goes_on_bit_for_bit(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, grid='{"training.learning_rate": (1e-3, 1e30)}')
    failed = run_pack(folders(plan), prepared)
    sound, broken = plan.jobs
    assert list(failed) == [broken.id]
    assert "loss is nan" in failed[broken.id]
    assert json.loads((broken.folder / "FAILED.json").read_text())["step"] == len(read_history(broken.folder).step) < 20
    alone = declare_plan(prepared, tmp_path, name="alone", grid='{"training.learning_rate": (1e-3,)}')
    assert run_pack(folders(alone), prepared) == {}
    assert same_evidence(read_history(sound.folder), read_history(alone.jobs[0].folder))


def test_a_pack_whose_process_was_killed_goes_on_without_the_trial_that_had_failed_in_it(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path)
    (plan.jobs[0].folder / "FAILED.json").write_text(json.dumps({"layout": 1, "reason": "step 3: the task loss is nan", "step": 2}))
    assert run_pack(folders(plan), prepared) == {plan.jobs[0].id: "step 3: the task loss is nan"}
    assert not plan.jobs[0].done
    assert plan.jobs[1].done


def train_and_stop(plan: Plan, storage: Path, steps: int, placement: Placement = ON_CPU) -> None:
    """Train the plan's trials as one pack, and stop as a killed process would."""
    session = session_of(plan, storage, placement)
    for _ in range(steps):
        worker.train_step(session, Interruption(folders(plan)[0].parent))
    for attempt in session.attempts:
        attempt.history.close()


def session_of(plan: Plan, storage: Path, placement: Placement = ON_CPU) -> Session:
    def broken(folder: Path, error: Exception) -> None:
        raise error

    session = open_session([take_lease(folder) for folder in folders(plan)], WorkerContext(storage, placement, NO_RETRY), broken)
    assert session
    return session


def test_a_pack_goes_on_from_the_newest_checkpoint_that_is_sound_for_all_its_trials(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 25)
    (plan.jobs[1].folder / "checkpoints" / "step-000020-1.safetensors").write_bytes(b"not what was written")
    session = session_of(plan, prepared)
    assert session.pack.step == 10
    assert [listed_steps(folder) for folder in folders(plan)] == [(10,), (10,)], "no later attempt goes on from the newer one"
    for attempt in session.attempts:
        attempt.history.close()
    assert run_pack(folders(plan), prepared) == {}
    whole = declare_plan(prepared, tmp_path, name="whole", steps=40)
    assert run_pack(folders(whole), prepared) == {}
    for job, reference in zip(plan.jobs, whole.jobs, strict=True):
        assert same_evidence(read_history(job.folder), read_history(reference.folder))


def test_a_checkpoint_pins_the_form_it_was_computed_in(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 10, Placement(kernels="plain"))
    again = session_of(plan, prepared, Placement(kernels="winograd"))
    for attempt in again.attempts:
        attempt.history.close()
    assert again.pack.kernels.name == "plain"
    assert again.pack.step == 10


def test_on_a_processor_every_trial_is_a_pack_of_its_own_and_on_a_gpu_as_many_as_fit(tmp_path):
    plan = load_plan(space(tmp_path, grid='{"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3)}', seeds="(0, 1)"), tmp_path / "runs")
    assert [len(pack.jobs) for pack in make_packs(plan.jobs, Placement())] == [1] * 8
    (whole,) = make_packs(plan.jobs, Placement("cuda", device_memory_gb=80))
    assert len(whole.jobs) == 8
    tight = make_packs(plan.jobs, Placement("cuda", device_memory_gb=whole.memory_bytes / 0.9 / 1e9 - 0.02))
    assert len(tight) == 2
    assert sum(len(pack.jobs) for pack in tight) == 8
    assert all(pack.memory_bytes < whole.memory_bytes for pack in tight)


def test_trials_that_differ_in_more_than_numbers_are_not_packed_together(tmp_path):
    plan = load_plan(space(tmp_path, grid='{"loss.length": ("mean", "sum")}'), tmp_path / "runs")
    assert len(make_packs(plan.jobs, Placement("cuda", device_memory_gb=80))) == 2


def test_a_gpu_that_cannot_be_asked_needs_its_memory_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    plan = load_plan(space(tmp_path), tmp_path / "runs")
    with pytest.raises(ConfigError, match="--device-memory-gb: no GPU can be asked here"):
        make_packs(plan.jobs, Placement("cuda"))


def test_a_dry_run_shows_packs_and_their_memory(tmp_path, capsys):
    arguments = [space(tmp_path), "--dry-run", "--storage-path", str(tmp_path / "runs")]
    assert sweep.main([*arguments, "--device", "cuda", "--device-memory-gb", "80"]) == 0
    out = capsys.readouterr().out
    assert "2 trials, 2 to run in 1 packs" in out
    assert "MB" in out
    assert sweep.main(arguments) == 0
    assert "2 to run in 2 packs" in capsys.readouterr().out


def test_a_form_of_kernels_that_does_not_exist_is_said_before_any_work(tmp_path, capsys):
    assert sweep.main([space(tmp_path), "--kernels", "fast", "--storage-path", str(tmp_path / "runs")]) == 2
    assert "--kernels: kernels are 'fast': they must be one of auto, plain, factored, winograd" in capsys.readouterr().err
    assert not list((tmp_path / "runs").rglob("config.json"))


def test_the_memory_of_table_2s_grid_fits_one_large_gpu():
    """Our estimate is about 21 GB, without gradients.

    It counts 81 heads of 5.5 M weights and their activations at batch 32.
    """
    from raygroup.config import Heads, Training, Trial
    from raygroup.costs import head_parameters, pack_bytes

    shape = (256, 16, 64)
    assert head_parameters(200, 256, 9000, shape) == 5518440
    trials = [
        Trial(heads=Heads(count=count, embed=200, hidden=256), training=Training(batch=32)) for count in range(2, 8) for _ in range(3)
    ]
    assert sum(trial.heads.count for trial in trials) == 81
    assert 15e9 < pack_bytes(trials, 9002, shape) < 60e9


def test_parameters_of_a_head_are_those_of_table_4():
    from raygroup.costs import head_parameters
    from raygroup.paper import TABLE_4

    for row in TABLE_4:
        assert round(head_parameters(row.embed, row.hidden, 9000, (256, 16, 64)) / 1e6, 2) == row.parameters_m


def test_the_history_of_a_trial_names_the_form_it_was_computed_in(finished):
    import pyarrow.parquet as pq

    sealed = next(finished.glob("tiny/*/history.parquet"))
    metadata = json.loads(pq.read_schema(sealed).metadata[b"raygroup"])
    assert metadata["kernels"] == "winograd"
    assert np.isfinite(read_history(sealed.parent).r_tm).all()
