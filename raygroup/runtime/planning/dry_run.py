"""``--dry-run``: print what a sweep will take, and train nothing."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape

from raygroup.config import Pretraining, Trial
from raygroup.files.places import Place
from raygroup.runtime.planning.forecast import PRICES, Forecast, basis_text
from raygroup.runtime.planning.mixtures import print_mixtures
from raygroup.runtime.planning.packs import JobPack
from raygroup.runtime.planning.plan import Plan
from raygroup.terminal import print_line, seconds_text, size_text, table, titled

_MAX_ROWS = 200
"""Most trials that are listed one by one."""


def print_dry_run(
    plan: Plan, packs: Sequence[JobPack], forecast: Forecast, console: Console, twins: Mapping[str, Place] | None = None
) -> None:
    """Print every trial of every stage with its time, pack and memory.

    The forecast of the sweep follows. The time of a trial in a pack is its share of the pack's
    time. ``twins`` are finished trials of other sweeps that will be reused: id -> folder.
    """
    for stage in plan.stages:
        _print_trials(stage, packs, forecast, console, twins or {})
    for line in forecast_lines(forecast, "words" if plan.scenes is None else "scenes"):
        print_line(console, line)
    print_mixtures([job for stage in plan.stages for job in stage.jobs], plan.words, console)
    print_line(console, f"results under {plan.folder}")


def _print_trials(plan: Plan, packs: Sequence[JobPack], forecast: Forecast, console: Console, twins: Mapping[str, Place]) -> None:
    right = (
        ("steps", "heads", "device time", "pack", "memory") if plan.scenes is None else ("steps", "side", "device time", "pack", "memory")
    )
    rows = table("trial", "id", *right[:3], "time is", *right[3:], "state", right=right)
    pack_of = {job.id: number for number, pack in enumerate(packs) for job in pack.jobs}
    for job in plan.jobs[:_MAX_ROWS]:
        trial, number = job.trial, pack_of.get(job.id)
        time, place = ("-", "-"), ("-", "-", "done" if job.done else "not needed")
        if job.id in twins:
            place = ("-", "-", f"as in {twins[job.id].parent.name}")
        if number is not None:
            seconds, basis = forecast.by_trial[job.id]
            time = (seconds_text(seconds), basis)
            memory = packs[number].memory_on(forecast.device, forecast.kernels)
            place = (str(number + 1), "-" if memory is None else size_text(memory), "to run")
        size = trial.heads.count if isinstance(trial, Trial | Pretraining) else trial.samples.side
        rows.add_row(escape(job.label), job.id, str(job.steps), str(size), *time, *place)
    own_packs = {pack_of[job.id] for job in plan.jobs if job.id in pack_of}
    num_missing = sum(job.id in pack_of for job in plan.jobs)
    console.print(titled(f"{plan.sweep.name}: {len(plan.jobs)} trials, {num_missing} to run in {len(own_packs)} packs", rows))
    if len(plan.jobs) > _MAX_ROWS:
        console.print(f"and {len(plan.jobs) - _MAX_ROWS} more trials")


def forecast_lines(forecast: Forecast, data: str = "words") -> list[str]:
    """Return lines on the time and the cost of a sweep. ``data`` is what it prepares once."""
    if not forecast.trials:
        return []
    on_cpu = forecast.device == "cpu"
    unit = "processor" if on_cpu else "GPU"
    device_time = f"about {seconds_text(3600 * forecast.device_hours)} of {unit} time"
    wall_time = f"{seconds_text(3600 * forecast.wall_hours)} on {forecast.devices} {unit}{'s' if forecast.devices > 1 else ''}"
    lines = [f"{device_time}, {wall_time}, and the {data} once; times are {basis_text(forecast)}"]
    if not on_cpu:
        lines.append("the trials of a pack train together on one GPU; memory is estimated")
    if forecast.price is None or forecast.usd is None:
        lines.append(f"no price: it is computed from {PRICES}")
    else:
        rate = f"${forecast.price.usd_per_hour:.4g} an hour and {'core' if on_cpu else 'GPU'} on {forecast.price.node}"
        lines.append(f"about ${forecast.usd:.2f}, at {rate}; head node and idle nodes not counted")
    return lines
