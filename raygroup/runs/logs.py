"""``runs logs``: a trial's attempts, failure, traceback and stalls."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from raygroup.errors import DamagedFileError
from raygroup.files.places import Place
from raygroup.storage.layout import CONFIG_FILE, DONE_FILE, ERROR_FILE, FAILED_FILE, LEASE_FILE, PROGRESS_FILE, STACKS_GLOB, stacks_time
from raygroup.storage.leases import attempt_records
from raygroup.storage.records import read_record_if_exists
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.terminal import print_json, print_line, print_table, print_warning, table

_ATTEMPT_FIELDS = ("attempt", "at", "by", "from_step")
"""Fields of an attempt that have a column. Others stand in the last column."""


def show_logs(sweep: StoredSweep, trial: StoredTrial, out: Console, *, all_stalls: bool, as_json: bool) -> None:
    """Print what a trial left for somebody who looks for a fault.

    Of the stalls, print the stacks of the last one, or of all of them.
    """
    attempts, damaged = attempt_records(trial.folder), _damage(trial)
    outcome = trial.outcome() if trial.state == TrialState.FAILED else {}
    stacks = _stacks_files(trial.folder)
    chosen = stacks if all_stalls else [path for path in stacks if stacks_time(path.name) == stacks_time(stacks[-1].name)]
    texts = {path: path.read_bytes().decode(errors="replace").rstrip() for path in (trial.folder / ERROR_FILE, *chosen) if path.is_file()}
    if as_json:
        values = {
            "id": trial.id, "label": trial.label, "sweep": sweep.name, "state": str(trial.state), "folder": str(trial.folder),
            "attempts": attempts, "failure": {name: outcome.get(name) for name in ("step", "reason", "at")} if outcome else None,
            "damaged": damaged, "files": [{"path": str(path), "text": text} for path, text in texts.items()],
        }  # fmt: skip
        print_json(values)
    for line in damaged:
        print_warning(line)
    if as_json:
        return
    print_line(out, f"{trial.label} of {sweep.name}: {trial.state} ({trial.folder})")
    if attempts:
        _print_attempts(attempts, out)
    if outcome:
        print_line(out, f"failed at step {outcome.get('step')}, {outcome.get('at')}: {outcome.get('reason')}")
    _print_files(texts, out)
    if len(stacks) > len(chosen):
        out.print(f"\nand {len(stacks) - len(chosen)} earlier stalls (--all)", style="dim")


def _damage(trial: StoredTrial) -> list[str]:
    """Return a line for each damaged record of a trial."""
    lines = []
    for name in (CONFIG_FILE, LEASE_FILE, PROGRESS_FILE, DONE_FILE, FAILED_FILE):
        try:
            read_record_if_exists(trial.folder / name)
        except DamagedFileError as error:
            lines.append(str(error))
    return lines


def _print_attempts(attempts: Sequence[Mapping[str, Any]], out: Console) -> None:
    rows = table("attempt", "began", "by", "from step", "ended", right=("attempt", "from step"))
    for attempt in attempts:
        others = [(name, value) for name, value in attempt.items() if name not in _ATTEMPT_FIELDS]
        last_cell = ", ".join(str(value) if name == "ended" else f"{name} {value}" for name, value in others)
        rows.add_row(*(escape(str(attempt.get(name, "-"))) for name in _ATTEMPT_FIELDS), escape(last_cell))
    print_table(out, "attempts", rows)


def _print_files(texts: Mapping[Place, str], out: Console) -> None:
    for path, text in texts.items():
        out.print(f"\n{path}", style="bold", markup=False, soft_wrap=True)
        print_line(out, text)


def _stacks_files(folder: Place) -> list[Place]:
    """Return the files with stacks of stalls, oldest first."""
    paths: list[Place] = [path for path in folder.glob(STACKS_GLOB) if stacks_time(path.name)]
    return sorted(paths, key=lambda path: (stacks_time(path.name), path.name))
