"""Sweeps of several stages: stage 3 goes on from the trials of stage 2."""

import json

import pytest
from pack_sessions import declare_plan
from sweep_process import start_command, wait_for_end, wait_until
from tiny_sweep import space

from raygroup import read_sweep, sweep
from raygroup.errors import ConfigError
from raygroup.history.reader import read_history
from raygroup.runs.__main__ import main as runs_main
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.pack_queue import PackQueue
from raygroup.runtime.planning.jobs import declare_trials
from raygroup.runtime.planning.packs import JobPack
from raygroup.runtime.planning.plan import declare_sweep, load_plan
from raygroup.runtime.sweep_run import RunOptions, StageWork, split_lost, work_of_stages
from raygroup.storage.checkpoint_index import read_last_checkpoint

STAGE_3 = '''
"""Hypothesis: none."""

from raygroup.config import Finetuning, Training
from raygroup.search_space import Sweep, load

sweep = Sweep(name="tuned", trial=Finetuning(training=Training(steps=10, batch=8, checkpoint_every=5)), after=load({path!r}))
'''


def stage_3(folder, **settings):
    """A search space of stage 3 after a tiny sweep, which ``settings`` are for."""
    path = folder / "tuned.py"
    path.write_text(STAGE_3.format(path=space(folder, **settings)))
    return str(path)


STAGES_1_AND_2 = '''
"""Hypothesis: none."""

from raygroup.config import Heads, Pretraining, Training, Trial, Words
from raygroup.search_space import Sweep

words = Words(tasks=("ar", "hi", "la"), characters=(20, 20, 20), words_per_task=12, unseen_per_task=3, renders=2)
first = Pretraining(words=words, start="laptop", steps=0, head_steps=20_000, batch=8, checkpoint_every=10, heads=Heads(
    count=1, start="independent", hidden=8
))
second = Trial(words=words, heads=Heads(count=2, hidden=8), training=Training(steps=4))
sweep = Sweep(name="second", trial=second, after=Sweep(name="first", trial=first))
'''


@pytest.fixture
def plan(prepared, tmp_path):
    """Both stages, declared: two trials of stage 2, and two of stage 3."""
    plan = load_plan(stage_3(tmp_path), prepared)
    for stage in plan.stages:
        declare_sweep(stage)
        declare_trials(stage.jobs, prepared)
    return plan


class Quiet:
    def on_start(self, ids):
        """Nothing to show."""

    on_end = on_message = on_start


def queue_of(plan, storage):
    return PackQueue([JobPack((job,)) for stage in reversed(plan.stages) for job in stage.jobs], storage, Quiet())


def test_one_command_trains_stage_2_and_then_stage_3_on_its_groupings(prepared, tmp_path):
    assert sweep.main([stage_3(tmp_path), "--local", "--storage-path", str(prepared)]) == 0
    declared = json.loads((prepared / "tuned" / "sweep.json").read_text())
    assert declared["after"] == "tiny"
    trials = read_sweep("tuned", prepared).done
    assert [trial.label for trial in trials] == ["base_coefficient=0.0 seed=0", "base_coefficient=0.2 seed=0"]
    for trial in trials:
        start = json.loads((trial.folder / "config.json").read_text())["start"]
        before, after = read_history(prepared / start), read_history(trial.folder)
        assert after.step.tolist() == list(range(1, 11))
        assert (after.r_tm.argmax(-1) == before.r_tm[-1].argmax(-1)).all(), "the grouping is frozen"


def test_an_earlier_stage_is_never_trained_twice(prepared, tmp_path):
    assert sweep.main([space(tmp_path), "--local", "--storage-path", str(prepared)]) == 0
    before = {path: path.stat().st_mtime_ns for path in prepared.glob("tiny/*/DONE.json")}
    assert len(before) == 2
    assert sweep.main([stage_3(tmp_path), "--local", "--storage-path", str(prepared)]) == 0
    assert {path: path.stat().st_mtime_ns for path in prepared.glob("tiny/*/DONE.json")} == before


def test_only_those_trials_of_an_earlier_stage_run_that_a_missing_trial_needs(plan, prepared):
    first, second = plan.jobs
    (first.folder / "DONE.json").write_text("{}")
    work = work_of_stages(plan, RunOptions(local=True))
    assert [[job.folder for job in stage.missing] for stage in work] == [[second.start], [second.folder]]


def test_a_dry_run_lists_the_trials_of_each_stage(prepared, tmp_path, capsys):
    assert sweep.main([stage_3(tmp_path), "--dry-run", "--storage-path", str(prepared)]) == 0
    out = capsys.readouterr().out
    assert "tiny: 2 trials, 2 to run in 2 packs" in out
    assert "tuned: 2 trials, 2 to run in 2 packs" in out


def test_a_trial_of_stage_3_waits_until_its_trial_of_stage_2_is_done(plan, prepared):
    queue = queue_of(plan, prepared)
    first, second = queue.next(), queue.next()
    assert {first.jobs[0].folder, second.jobs[0].folder} == {job.start for job in plan.jobs}
    assert queue.next() is None
    assert not queue.over
    assert run_pack([second.jobs[0].folder], prepared) == {}
    queue.end(second, {})
    assert queue.next().jobs[0].start == second.jobs[0].folder
    assert queue.next() is None


def test_if_stage_2_fails_its_trial_of_stage_3_fails_with_the_reason_and_is_tried_by_the_next_run(plan, prepared):
    queue = queue_of(plan, prepared)
    first, second = queue.next(), queue.next()
    queue.end(first, {first.jobs[0].id: "a bad disk"})
    assert run_pack([second.jobs[0].folder], prepared) == {}
    queue.end(second, {})
    assert queue.next().jobs[0].start == second.jobs[0].folder
    (lost,) = (job for job in plan.jobs if job.start == first.jobs[0].folder)
    assert queue.failed[lost.id] == f"the trial that it starts from failed: {lost.start}"
    assert not (lost.folder / "FAILED.json").exists()


def test_a_request_to_stop_one_stage_stops_all(plan, prepared, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.pack_queue._CHECK_EVERY_S", 0.0)
    queue = queue_of(plan, prepared)
    queue.next()
    (plan.folder / "STOP.json").write_text(json.dumps({"layout": 1, "by": "me"}))
    assert queue.next() is None
    assert json.loads((prepared / "tiny" / "STOP.json").read_text())["by"] == "me", "workers of stage 2 look there"


def test_without_the_heads_of_stage_2_stage_3_names_the_command_that_trains_them(plan, prepared):
    for job in plan.after.jobs:
        assert run_pack([job.folder], prepared) == {}
        assert read_last_checkpoint(job.folder) is not None
        for path in (job.folder / "checkpoints").glob("*.safetensors"):
            path.unlink()
    failed = run_pack([plan.jobs[0].folder], prepared)
    assert "it has no trained heads to go on from: python -m raygroup.sweep tiny trains it again" in failed[plan.jobs[0].id]


def test_a_grouping_of_other_tasks_is_refused_before_anything_is_trained(prepared, tmp_path):
    groups = 'method="explicit", groups=(("ar",), ("hi", "ko"))'
    with pytest.raises(ConfigError, match="grouping.groups: no task 'ko' among the words; their tasks are: ar, hi, la"):
        declare_plan(prepared, tmp_path, grouping=groups)


def test_trained_heads_are_set_by_a_finetuning_alone(prepared, tmp_path):
    with pytest.raises(ConfigError, match="cannot be 'trained' in a Trial"):
        declare_plan(prepared, tmp_path, grouping='method="trained"')


def test_equal_settings_of_stage_3_on_another_stage_2_are_another_trial(prepared, tmp_path):
    one, other = (load_plan(stage_3(tmp_path, steps=steps), prepared).jobs for steps in (20, 30))
    assert one[0].trial == other[0].trial
    assert one[0].id != other[0].id


def test_a_request_to_stop_stage_1_ends_the_command_before_stage_2(prepared, tmp_path):
    path = tmp_path / "stages.py"
    path.write_text(STAGES_1_AND_2)
    with start_command("raygroup.sweep", [str(path), "--local", "--storage-path", str(prepared)]) as driver:
        wait_until(lambda: [*prepared.glob("first/*/checkpoints/step-*")], driver)
        assert runs_main(["stop", "first", str(prepared)]) == 0
        out = wait_for_end(driver)
    assert driver.returncode == 130, out
    assert "stopped on request" in out
    assert not [*prepared.glob("second/*/config.json")]


def test_only_trials_that_start_from_a_failed_one_are_lost(plan):
    first, second = plan.jobs
    stages, lost = split_lost([StageWork(plan, plan.jobs)], {first.start})
    assert lost == [first]
    assert [stage.missing for stage in stages] == [(second,)]
    stages, lost = split_lost([StageWork(plan, plan.jobs)], {first.start, second.start})
    assert (stages, lost) == ([], [first, second])
