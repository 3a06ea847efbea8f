"""``runs logs``: what one trial left for whoever looks for a fault: its attempts, why it failed, its traceback, stacks of stalls."""

import re
from typing import Any

from rich.console import Console
from rich.markup import escape

from raygroup.files.places import Place
from raygroup.storage.sweeps import FAILED, StoredSweep, StoredTrial
from raygroup.terminal import show, table

_TOLD = ("attempt", "at", "by", "from_step")


def show_logs(sweep: StoredSweep, trial: StoredTrial, out: Console, *, every: bool) -> None:
    """Prints it; of the stacks of stalls the last, or with ``every`` all."""
    from raygroup.runtime.attempt.failure import TRACE
    from raygroup.storage.leases import attempts

    out.print(f"{trial.label} of {sweep.name}: {trial.state} ({trial.folder})", markup=False, soft_wrap=True)
    told = attempts(trial.folder)
    if told:
        show(out, "attempts", _attempts_table(told))
    if trial.state == FAILED:
        outcome = trial.outcome()
        out.print(f"failed at step {outcome.get('step')}, {outcome.get('at')}: {outcome.get('reason')}", markup=False, soft_wrap=True)
    dumps = _dumps(trial.folder)
    shown = dumps if every else [path for path in dumps if _when(path) == _when(dumps[-1])]
    for path in [trial.folder / TRACE, *shown]:
        if path.is_file():
            out.print(f"\n{path}", style="bold", markup=False, soft_wrap=True)
            out.print(path.read_text(encoding="utf-8").rstrip(), markup=False, soft_wrap=True)
    if len(dumps) > len(shown):
        out.print(f"\nand {len(dumps) - len(shown)} earlier stalls (--all)", style="dim")


def _attempts_table(told: list[dict[str, Any]]) -> Any:
    rows = table("attempt", "began", "by", "from step", "ended", right=("attempt", "from step"))
    for each in told:
        more = ", ".join(str(value) if name == "ended" else f"{name} {value}" for name, value in each.items() if name not in _TOLD)
        rows.add_row(*(escape(str(each.get(name, "-"))) for name in _TOLD), escape(more))
    return rows


def _dumps(folder: Place) -> list[Place]:
    """Oldest first."""
    found: list[Place] = [path for path in folder.glob("stalled-*.txt") if _when(path)]
    return sorted(found, key=lambda path: (_when(path), path.name))


def _when(dump: Place) -> int:
    """Unix time in the name of a dump, which all workers of an attempt share; 0 for a file that is none."""
    match = re.fullmatch(r"stalled-(\d+)(?:-\d+)?\.txt", dump.name)
    return int(match[1]) if match else 0
