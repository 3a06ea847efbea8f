"""Planning packs: which trials train together, and a sweep's forecast from measured times."""

import pytest
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.runtime.placement import ON_CPU, Placement
from raygroup.runtime.planning.forecast import forecast
from raygroup.runtime.planning.packs import make_packs
from raygroup.runtime.planning.plan import load_plan


def test_on_a_cpu_a_pack_is_one_trial_and_on_a_gpu_as_many_as_its_memory_holds(tmp_path):
    plan = load_plan(space(tmp_path, grid='{"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3)}', seeds="(0, 1)"), tmp_path / "runs")
    assert [len(pack.jobs) for pack in make_packs(plan.jobs, Placement())] == [1] * 8
    (whole,) = make_packs(plan.jobs, Placement("cuda", device_memory_gb=80))
    assert len(whole.jobs) == 8
    tight = make_packs(plan.jobs, Placement("cuda", device_memory_gb=whole.memory_bytes / 0.9 / 1e9 - 0.02))
    assert len(tight) == 2
    assert sum(len(pack.jobs) for pack in tight) == 8
    assert all(pack.memory_bytes < whole.memory_bytes for pack in tight)


def small_heads(folder, count, seeds, hidden=16):
    """The plan of a sweep over seeds with small heads."""
    grid = f'{{"heads.start,heads.embed,heads.hidden": (("independent", 16, {hidden}),), "heads.count": ({count},)}}'
    return load_plan(space(folder, grid=grid, seeds=f"tuple(range({seeds}))"), folder / "runs")


def test_on_a_cpu_many_trials_of_small_heads_share_packs(tmp_path):
    packs = make_packs(small_heads(tmp_path, 4, 80).jobs, Placement())
    assert [len(pack.jobs) for pack in packs] == [5] * 16, "16 packs keep the cores of a cluster busy"
    assert len({job.id for pack in packs for job in pack.jobs}) == 80
    packs = make_packs(small_heads(tmp_path, 4, 800).jobs, Placement())
    assert {len(pack.jobs) for pack in packs} == {8}, "32 heads a pack"


@pytest.mark.parametrize(("count", "seeds", "hidden"), [(4, 31, 16), (3, 80, 16), (4, 80, 48), (4, 80, 24)])
def test_on_a_cpu_few_trials_odd_numbers_of_heads_and_large_or_odd_sizes_train_alone(tmp_path, count, seeds, hidden):
    assert {len(pack.jobs) for pack in make_packs(small_heads(tmp_path, count, seeds, hidden).jobs, Placement())} == {1}


def test_trials_that_differ_in_more_than_numbers_are_in_different_packs(tmp_path):
    plan = load_plan(space(tmp_path, grid='{"loss.length": ("mean", "sum")}'), tmp_path / "runs")
    assert len(make_packs(plan.jobs, Placement("cuda", device_memory_gb=80))) == 2


def test_without_nvidia_smi_the_memory_of_a_gpu_must_be_given(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    plan = load_plan(space(tmp_path), tmp_path / "runs")
    with pytest.raises(ConfigError, match="--device-memory-gb is missing, and nvidia-smi does not report"):
        make_packs(plan.jobs, Placement("cuda"))


def test_a_dry_run_shows_packs_and_their_memory(tmp_path, capsys):
    arguments = [space(tmp_path), "--dry-run", "--storage-path", str(tmp_path / "runs")]
    assert sweep.main([*arguments, "--device", "cuda", "--device-memory-gb", "80"]) == 0
    out = capsys.readouterr().out
    assert "2 trials, 2 to run in 1 packs" in out
    assert "MB" in out
    assert sweep.main(arguments) == 0
    assert "2 to run in 2 packs" in capsys.readouterr().out


def test_unknown_kernels_are_refused_before_any_work(tmp_path, capsys):
    assert sweep.main([space(tmp_path), "--kernels", "fast", "--storage-path", str(tmp_path / "runs")]) == 2
    assert "--kernels: kernels are 'fast': they must be one of auto, plain, factored, winograd" in capsys.readouterr().err
    assert not list((tmp_path / "runs").rglob("config.json"))


def test_a_forecast_uses_the_times_measured_by_finished_trials_on_the_same_words(finished, tmp_path):
    plan = load_plan(space(tmp_path, seeds="(0, 1)", steps=400), finished)
    result = forecast(plan, make_packs(plan.missing, ON_CPU), ON_CPU)
    assert result.basis == {"measured": 4}
    assert 0 < result.device_hours < 1
