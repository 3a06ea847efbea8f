"""Forecasts: times from outcomes, calibrations or estimates, then prices and budgets."""

import io
import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from rich.console import Console
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.files.places import place
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.dry_run import print_dry_run
from raygroup.runtime.planning.forecast import Forecast, forecast, forecast_json, over_budget_reason
from raygroup.runtime.planning.jobs import declare_trials
from raygroup.runtime.planning.packs import make_packs
from raygroup.runtime.planning.plan import Plan, declare_sweep, load_plan
from raygroup.runtime.planning.step_times import StepTimes, program_name, read_calibrations, store_calibrations
from raygroup.runtime.processes import cores

CPU, GPU = Placement(), Placement("cuda", device_memory_gb=80)
MEASURED = {"attempts": 1, "first_step": 0, "device": "cpu", "kernels": "winograd", "pack": 1, "finished_at": "2026-01-02"}


@dataclass(frozen=True)
class Node:
    name: str
    resources: dict[str, float]
    usd_per_hour: float | None = None
    max_workers: int = 1


@dataclass(frozen=True)
class Cluster:
    node_types: tuple[Node, ...]


def tiny_plan(storage, folder, **settings) -> Plan:
    return load_plan(space(folder, **settings), storage)


def finish(plan: Plan, outcomes: list[dict]) -> None:
    """Mark the first trials of a plan as done, with these outcomes."""
    declare_sweep(plan)
    jobs = plan.jobs[: len(outcomes)]
    declare_trials(jobs, plan.storage)
    for job, outcome in zip(jobs, outcomes, strict=True):
        write_json(job.folder / "DONE.json", MEASURED | outcome)


def forecast_of(plan: Plan, placement: Placement = CPU, **more) -> Forecast:
    return forecast(plan, make_packs(plan.missing, placement), placement, **more)


def dry_run_text(plan: Plan, result: Forecast, placement: Placement = CPU) -> str:
    out = io.StringIO()
    print_dry_run(plan, make_packs(plan.missing, placement), result, Console(width=180, file=out))
    return out.getvalue()


def test_times_are_the_median_of_trials_alike_that_are_done(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path, seeds="(0, 1, 2, 3)")
    finish(plan, [{"steps": 20, "cpu_s": cpu_s, "wall_s": 99.0} for cpu_s in (2.0, 4.0, 40.0)])
    result = forecast_of(plan)
    assert (result.trials, result.packs) == (5, 5)
    assert result.basis == {"measured": 5}
    assert result.device_hours == pytest.approx(5 * 20 * (4.0 / 20) / 3600)


def test_a_trial_with_evidence_is_foretold_by_trials_with_the_same_evidence(tmp_path):
    plain = tiny_plan(tmp_path / "runs", tmp_path, seeds="(0, 1)")
    finish(plain, [{"steps": 20, "cpu_s": 2.0, "wall_s": 2.0}] * 2)
    losses = tiny_plan(tmp_path / "runs", tmp_path, name="losses", steps='20, evidence="losses"', seeds="(5,)")
    gathering = tiny_plan(tmp_path / "runs", tmp_path, name="gathering", steps='20, evidence="gradients"', seeds="(5,)")
    assert forecast_of(losses).basis == {"measured": len(losses.missing)}
    assert forecast_of(gathering).basis == {"estimated": len(gathering.missing)}
    finish(gathering, [{"steps": 20, "cpu_s": 9.0, "wall_s": 9.0}])
    assert forecast_of(gathering).basis == {"measured": len(gathering.missing)}


def test_a_processor_shared_by_more_trials_than_cores_is_paid_for_once(tmp_path):
    """With five trials on two cores, ``wall_s`` is 2.5 times ``cpu_s``."""
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    finish(plan, [{"steps": 20, "cpu_s": 2.0, "wall_s": 5.0}])
    assert forecast_of(plan).device_hours == pytest.approx(2.0 / 3600)


def test_a_trial_that_went_on_from_a_checkpoint_is_counted_from_there(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    finish(plan, [{"steps": 20, "first_step": 10, "cpu_s": 1.0, "wall_s": 1.0}])
    assert forecast_of(plan).device_hours == pytest.approx(2.0 / 3600)


def test_short_runs_do_not_speak_for_long_ones(tmp_path):
    short, long = (tiny_plan(tmp_path / "runs", tmp_path, name=f"of_{steps}", steps=steps) for steps in (20, 1000))
    finish(short, [{"steps": 20, "cpu_s": 10.0}] * 2)
    finish(long, [{"steps": 1000, "cpu_s": 100.0}])
    result = forecast_of(tiny_plan(tmp_path / "runs", tmp_path, name="new", steps=100))
    assert result.basis == {"measured": 2}
    assert result.device_hours == pytest.approx(2 * 100 * 0.1 / 3600)


@pytest.mark.parametrize(
    ("outcome", "settings"),
    [
        ({"kernels": "plain"}, {}),
        ({"device": "cuda"}, {}),
        ({"steps": 5}, {}),
        ({"device": None}, {}),
        ({}, {"grid": '{"training.batch": (4,)}'}),
        ({}, {"grid": '{"heads.count": (3,)}'}),
        ({}, {"grid": '{"words.renders": (1,)}'}),
    ],
)
def test_trials_in_another_form_on_another_device_of_another_shape_or_with_too_few_steps_say_nothing(outcome, settings, tmp_path):
    finish(tiny_plan(tmp_path / "runs", tmp_path, name="other"), [{"steps": 20, "cpu_s": 2.0, "wall_s": 2.0} | outcome] * 2)
    plan = tiny_plan(tmp_path / "runs", tmp_path, **settings)
    assert forecast_of(plan).basis == {"estimated": len(plan.jobs)}


def test_each_trial_says_what_its_time_rests_on(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path, grid='{"heads.count": (2, 3)}', seeds="(0, 1)")
    finish(plan, [{"steps": 20, "cpu_s": 3600.0}])
    result = forecast_of(plan)
    assert result.basis == {"measured": 1, "estimated": 2}
    out = dry_run_text(plan, result)
    rows = {" ".join(line.split()[:2]): line for line in out.splitlines() if line.startswith("count=")}
    assert "done" in rows["count=2 seed=0"]
    assert "1:00:00  measured" in rows["count=2 seed=1"]
    assert "estimated" in rows["count=3 seed=0"]
    assert "times are measured (1) and estimated (2)" in out
    assert "no price" in out


def test_a_pack_takes_the_time_that_packs_as_large_took(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path, seeds="(0, 1, 2, 3)")
    finish(plan, [{"steps": 20, "wall_s": 2.0, "cpu_s": 9.0, "pack": 4, "device": "cuda", "kernels": "plain"}] * 4)
    result = forecast_of(plan, GPU)
    assert (result.trials, result.packs, result.basis) == (4, 1, {"measured": 4})
    assert result.device_hours == pytest.approx(2.0 / 3600)
    larger = tiny_plan(tmp_path / "runs", tmp_path, seeds="(0, 1, 2, 3, 4, 5, 6, 7)")
    assert forecast_of(larger, GPU).device_hours == pytest.approx(12 * 2.0 / 4 / 3600), "in proportion to the trials"


def test_without_any_evidence_a_gpu_step_takes_what_its_launches_take_at_least(tmp_path):
    result = forecast_of(tiny_plan(tmp_path / "runs", tmp_path), GPU)
    assert result.basis == {"estimated": 2}
    assert result.device_hours == pytest.approx(20 * 0.01 / 3600)


def test_a_calibration_counts_where_nothing_was_measured_and_one_made_now_before_all(tmp_path):
    from raygroup.runtime.placement import machine_model
    from raygroup.runtime.planning.step_times import Calibration

    plan = tiny_plan(tmp_path / "runs", tmp_path)
    name = program_name(plan.jobs[:1])
    calibration = Calibration(name, "cpu", "winograd", machine_model("cpu"), 0.5, "2026-01-02")
    elsewhere = replace(calibration, machine="another machine", seconds=9.0, at="2026-01-03")
    store_calibrations(plan.storage, [elsewhere])
    assert forecast_of(plan).device_hours == pytest.approx(2 * 20 * 9.0 / 3600), "better than none"
    store_calibrations(plan.storage, [calibration, replace(calibration, seconds=0.25, at="2026-01-03")])
    assert len(read_calibrations(plan.storage)) == 2
    result = forecast_of(plan)
    assert result.basis == {"calibrated": 2}
    assert result.device_hours == pytest.approx(2 * 20 * 0.25 / 3600)
    finish(plan, [{"steps": 20, "cpu_s": 2.0}])
    assert forecast_of(plan).basis == {"measured": 1}
    assert StepTimes(plan, "cpu", "winograd", "", [calibration]).step_time(plan.jobs[:1]).seconds == 0.5


def test_a_file_of_times_that_cannot_be_read_is_named(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    (plan.storage / "cache").mkdir(parents=True)
    write_json(plan.storage / "cache" / "step_times.json", {"times": [{"shape": 1}]})
    with pytest.raises(ConfigError, match=r"step_times\.json: .*delete the file, it is made anew"):
        forecast_of(plan)


def test_the_dearest_part_of_a_sweep_is_its_devices_at_the_cheapest_node_that_has_them(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    finish(plan, [{"steps": 20, "cpu_s": 3600.0}])
    nodes = (Node("head", {"CPU": 0}, 0.1), Node("small", {"CPU": 4}, 0.8), Node("large", {"CPU": 32}, 3.2), Node("unknown", {"CPU": 96}))
    result = forecast_of(plan, cluster=Cluster(nodes))
    assert result.device_hours == pytest.approx(1.0)
    assert result.usd == pytest.approx(0.1)
    assert result.price.node == "large"
    assert "about $0.10, at $0.1 an hour and core on large" in dry_run_text(plan, result)
    assert forecast_json(result) == {
        "trials": 1, "packs": 1, "device_hours": 1.0, "usd": 0.1, "wall_hours": 1.0, "basis": {"measured": 1},
    }  # fmt: skip
    assert json.loads(json.dumps(forecast_json(forecast_of(plan))))["usd"] is None


def test_gpus_are_priced_by_the_gpu(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    nodes = (Node("cpu", {"CPU": 8}, 0.1), Node("eight", {"CPU": 96, "GPU": 8}, 24.0), Node("one", {"CPU": 8, "GPU": 1}, 4.0))
    result = forecast_of(plan, GPU, cluster=Cluster(nodes))
    assert (result.price.node, result.price.usd_per_hour) == ("eight", 3.0)


def test_a_cluster_without_the_device_is_said(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    with pytest.raises(ConfigError, match=r"no node type has a GPU \(GPU in its resources\); its node types are: cpu"):
        forecast_of(plan, GPU, cluster=Cluster((Node("cpu", {"CPU": 8}, 0.1),)))


def test_wall_time_is_that_of_the_longest_device(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path, seeds=str(tuple(range(11))))
    finish(plan, [{"steps": 20, "cpu_s": 3600.0}])
    assert len(plan.missing) == 21
    assert forecast_of(plan, cluster=Cluster((Node("two", {"CPU": 2}),))).wall_hours == pytest.approx(11)
    assert forecast_of(plan, cluster=Cluster((Node("four", {"CPU": 2}, max_workers=2),))).wall_hours == pytest.approx(6)
    assert forecast_of(plan, cluster=Cluster((Node("many", {"CPU": 64}),))).wall_hours == pytest.approx(1)
    assert forecast_of(plan).devices == cores()


def test_a_sweep_that_costs_more_than_its_budget_is_not_begun(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    finish(plan, [{"steps": 20, "cpu_s": 3600.0}])
    result = forecast_of(plan, cluster=Cluster((Node("small", {"CPU": 4}, 8.0),)))
    assert over_budget_reason(result, 2.0) is None
    reason = over_budget_reason(result, 1.99)
    assert reason == (
        "1 trials would cost about $2.00 (1.00 hours of a processor core on measured times), more than --budget 1.99; "
        "--yes runs them all the same"
    )


def test_a_budget_without_a_price_is_an_error_and_one_for_nothing_is_kept(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    with pytest.raises(ConfigError, match=r"--budget 5: no price is known of a processor core; give one under metadata: {usd_per_hour"):
        over_budget_reason(forecast_of(plan), 5)
    finish(plan, [{"steps": 20, "cpu_s": 3600.0}] * 2)
    assert over_budget_reason(forecast_of(plan), 5) is None


def test_a_form_of_kernels_that_does_not_exist_is_refused(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path)
    with pytest.raises(ConfigError, match="--kernels: kernels are 'fast': they must be one of auto, plain"):
        forecast_of(plan, Placement(kernels="fast"))
    with pytest.raises(ConfigError, match="--kernels: kernels are 'graphs': CUDA graphs need a GPU"):
        forecast_of(plan, Placement(kernels="graphs"))


def test_memory_on_a_processor_has_no_gpu_in_it(tmp_path):
    (pack,) = make_packs(tiny_plan(tmp_path / "runs", tmp_path, grid="{}").jobs, Placement())
    assert pack.memory_bytes - pack.memory_on("cpu") == 800 * 10**6
    assert pack.memory_on("cuda") == pack.memory_bytes


def test_a_forecast_of_three_thousand_trials_needs_neither_torch_nor_ray(tmp_path):
    grid = '{"heads.count": (2, 3, 4, 5, 6), "grouping.base_coefficient": (0.0, 0.1)}'
    finish(tiny_plan(tmp_path / "runs", tmp_path, grid=grid), [{"steps": 20, "cpu_s": 2.0}] * 10)
    path = space(tmp_path, grid=grid, seeds="tuple(range(300))")
    code = f"""
import sys
from pathlib import Path
from raygroup.runtime.planning.packs import make_packs
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.plan import load_plan
from raygroup.runtime.planning.forecast import forecast
plan = load_plan({path!r}, Path({str(tmp_path / "runs")!r}))
packs = make_packs(plan.missing, Placement())
result = forecast(plan, packs, Placement())
print(result.trials, result.basis, [name for name in ("torch", "ray") if name in sys.modules])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "2990 {'measured': 2990} []"


def test_times_are_found_in_an_object_store(bucket, tmp_path):
    plan = tiny_plan(place(f"{bucket}/runs"), tmp_path)
    finish(plan, [{"steps": 20, "cpu_s": 3600.0}])
    assert forecast_of(plan).device_hours == pytest.approx(1.0)
    store_calibrations(plan.storage, [])
    assert read_calibrations(plan.storage) == []


def test_a_calibration_trains_a_few_steps_of_each_distinct_pack_and_keeps_what_they_took(tmp_path):
    plan = tiny_plan(tmp_path / "runs", tmp_path, grid='{"heads.count": (2, 3)}', seeds="(0, 1, 2)")
    began = time.monotonic()
    result = forecast_of(plan, calibrate=True)
    took_s = time.monotonic() - began
    assert result.basis == {"calibrated": 6}
    calibrations = read_calibrations(Path(plan.storage))
    assert {each.program for each in calibrations} == {program_name(plan.jobs[:1]), program_name(plan.jobs[-1:])}
    assert all(0 < 13 * each.seconds < took_s for each in calibrations)
    assert forecast_of(plan).device_hours == result.device_hours


def test_a_calibration_for_a_gpu_that_is_not_here_says_where_to_make_it(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ConfigError, match="--calibrate: torch sees no GPU on this machine; calibrate where trials will run"):
        forecast_of(tiny_plan(tmp_path / "runs", tmp_path), GPU, calibrate=True)
    assert not (tmp_path / "runs").exists()


def test_made_up_words_have_the_shape_and_the_classes_of_the_paper_too(tmp_path):
    from raygroup.config import Trial
    from raygroup.runtime.planning.calibration import _synthetic_data

    data = _synthetic_data(tmp_path, Trial(), 9002, (256, 16, 64))
    assert data.charset.num_classes == 9002
    assert data.features.shape == (256, 16, 64)
    assert len(data.features) == len(data.lengths) == len(data.p_wt) == 64
    assert 4 < data.lengths.mean() < 8


def test_a_sweep_dearer_than_its_budget_is_not_begun_unless_somebody_says_yes(tmp_path, capsys):
    cluster = str(Path(__file__).parents[3] / "cluster" / "config.yaml")
    arguments = [space(tmp_path, steps=100_000), "--local", "--storage-path", str(tmp_path / "runs"), "--cluster", cluster]
    assert sweep.main([*arguments, "--budget", "0.000001"]) == 4
    error = capsys.readouterr().err
    assert "2 trials would cost about $" in error
    assert "more than --budget 1e-06; --yes runs them all the same" in error
    assert not (tmp_path / "runs").exists()
    assert sweep.main([*arguments[:3], str(tmp_path / "runs"), "--budget", "1"]) == 2
    assert "no price is known of a processor core" in capsys.readouterr().err


def test_a_dry_run_in_json_has_the_keys_that_programs_rely_on(tmp_path, capsys):
    cluster = str(Path(__file__).parents[3] / "cluster" / "config.yaml")
    arguments = [space(tmp_path, steps=100_000), "--dry-run", "--json", "--storage-path", str(tmp_path / "runs")]
    assert sweep.main(arguments) == 0
    printed_json = json.loads(capsys.readouterr().out)
    assert (printed_json["trials"], printed_json["packs"], printed_json["usd"]) == (2, 2, None)
    assert sweep.main([*arguments, "--cluster", cluster]) == 0
    priced = json.loads(capsys.readouterr().out)
    assert priced["usd"] == pytest.approx(priced["device_hours"] * 0.45 / 4, rel=0.05)
