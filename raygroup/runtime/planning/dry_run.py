"""``--dry-run``: every trial with its time, its pack and its memory, and what all of them will take, without running anything."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from raygroup.runtime.planning.forecast import PRICES, Forecast, basis_text
from raygroup.runtime.planning.mixtures import show_mixtures
from raygroup.runtime.planning.packs import JobPack
from raygroup.runtime.planning.plan import Plan
from raygroup.terminal import seconds_text, size_text, table, titled

_LISTED = 200
"""Trials listed one by one."""


def dry_run(plan: Plan, packs: Sequence[JobPack], found: Forecast, console: Console) -> None:
    """Prints it; the time of a trial in a pack is its share of the pack's."""
    right = ("steps", "heads", "device time", "pack", "memory")
    rows = table("trial", "id", *right[:3], "time is", *right[3:], "state", right=right)
    pack_of = {job.id: number for number, pack in enumerate(packs) for job in pack.jobs}
    for job in plan.jobs[:_LISTED]:
        trial, number = job.trial, pack_of.get(job.id)
        time, placed = ("-", "-"), ("-", "-", "done")
        if number is not None:
            seconds, basis = found.by_trial[job.id]
            time, placed = (seconds_text(seconds), basis), (str(number + 1), size_text(packs[number].memory_on(found.device)), "to run")
        rows.add_row(escape(job.label), job.id, str(trial.training.steps), str(trial.heads.count), *time, *placed)
    console.print(titled(f"{plan.sweep.name}: {len(plan.jobs)} trials, {found.trials} to run in {found.packs} packs", rows))
    if len(plan.jobs) > _LISTED:
        console.print(f"and {len(plan.jobs) - _LISTED} more trials")
    for line in forecast_lines(found):
        console.print(line, soft_wrap=True, markup=False)
    show_mixtures(plan.jobs, plan.words, console)
    console.print(f"results under {plan.folder}", soft_wrap=True, markup=False)


def forecast_lines(found: Forecast) -> list[str]:
    """Time, what it rests on, and money."""
    if not found.trials:
        return []
    hours = f"about {seconds_text(3600 * found.device_hours)} of {'processor' if found.device == 'cpu' else 'GPU'} time"
    many = "s" if found.devices > 1 else ""
    on = f"{found.devices} processor{many}" if found.device == "cpu" else f"{found.devices} GPU{many}"
    lines = [f"{hours}, {seconds_text(3600 * found.wall_hours)} on {on}, and the words once; times are {basis_text(found)}"]
    if found.device != "cpu":
        lines.append("the trials of a pack train together on one GPU; memory is estimated")
    if found.price is None or found.usd is None:
        lines.append(f"no price: it is worked out from {PRICES}")
    else:
        unit = "core" if found.device == "cpu" else "GPU"
        rate = f"${found.price.usd_per_hour:.4g} an hour and {unit} on {found.price.node}"
        lines.append(f"about ${found.usd:.2f}, at {rate}; head node and idle nodes not counted")
    return lines
