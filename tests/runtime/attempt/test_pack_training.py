"""Packs in training: one process trains several trials, each with the history it has alone."""

import json

import numpy as np
import pyarrow.parquet as pq
from pack_sessions import close, declare_plan, folders, open_pack, train_and_stop

from raygroup.history.reader import read_history, same_evidence
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.placement import Placement
from raygroup.storage.checkpoint_index import listed_steps


def test_two_trials_in_one_process_leave_the_same_histories_and_readings_as_alone(finished, prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path)
    assert run_pack(folders(plan), prepared) == {}
    for job in plan.jobs:
        alone = finished / "tiny" / job.id
        assert same_evidence(read_history(job.folder), read_history(alone))
        assert json.loads((job.folder / "DONE.json").read_text())["pack"] == 2
        packed, single = ((path / "predictions.parquet").read_bytes() for path in (job.folder, alone))
        assert packed == single


def test_a_trial_whose_loss_is_nan_leaves_its_pack_and_the_other_continues_bit_for_bit(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, grid='{"training.learning_rate": (1e-3, 1e30)}')
    failed = run_pack(folders(plan), prepared)
    sound, broken = plan.jobs
    assert list(failed) == [broken.id]
    assert "loss is nan" in failed[broken.id]
    assert json.loads((broken.folder / "FAILED.json").read_text())["step"] == len(read_history(broken.folder).step) < 20
    alone = declare_plan(prepared, tmp_path, name="alone", grid='{"training.learning_rate": (1e-3,)}')
    assert run_pack(folders(alone), prepared) == {}
    assert same_evidence(read_history(sound.folder), read_history(alone.jobs[0].folder))


def test_after_its_process_was_killed_a_pack_continues_without_a_trial_that_had_failed(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path)
    (plan.jobs[0].folder / "FAILED.json").write_text(json.dumps({"layout": 1, "reason": "step 3: the task loss is nan", "step": 2}))
    assert run_pack(folders(plan), prepared) == {plan.jobs[0].id: "step 3: the task loss is nan"}
    assert not plan.jobs[0].done
    assert plan.jobs[1].done


def test_a_pack_resumes_from_the_newest_step_at_which_all_checkpoints_are_sound(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 25)
    (plan.jobs[1].folder / "checkpoints" / "step-000020-1.safetensors").write_bytes(b"not what was written")
    session = open_pack(plan, prepared)
    assert session.program.step == 10
    assert [listed_steps(folder) for folder in folders(plan)] == [(10,), (10,)], "a later attempt could resume from step 20"
    close(session)
    assert run_pack(folders(plan), prepared) == {}
    undisturbed = declare_plan(prepared, tmp_path, name="undisturbed", steps=40)
    assert run_pack(folders(undisturbed), prepared) == {}
    for job, reference in zip(plan.jobs, undisturbed.jobs, strict=True):
        assert same_evidence(read_history(job.folder), read_history(reference.folder))


def test_a_resumed_trial_keeps_the_kernels_of_its_checkpoint(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 10, Placement(kernels="plain"))
    session = open_pack(plan, prepared, Placement(kernels="winograd"))
    close(session)
    assert session.program.pack.kernels.name == "plain"
    assert session.program.step == 10


def test_the_history_of_a_trial_names_its_kernels(finished):
    sealed = next(finished.glob("tiny/*/history.parquet"))
    metadata = json.loads(pq.read_schema(sealed).metadata[b"raygroup"])
    assert metadata["kernels"] == "winograd"
    assert np.isfinite(read_history(sealed.parent).r_tm).all()
