"""``runs status``: the progress of sweeps, wherever they run.

It is read from the files on the storage path.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from raygroup.errors import DamagedFileError
from raygroup.files.places import Place
from raygroup.runs.find import STATES, declared_states, find_sweep
from raygroup.storage.layout import CONFIG_FILE, FAILED_FILE, LEASE_FILE, PROGRESS_FILE, STOP_FILE
from raygroup.storage.locks import CLOCK_TOLERANCE_S
from raygroup.storage.records import read_record_if_exists
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState, read_sweeps
from raygroup.terminal import print_json, seconds_text, show_controls, table, titled

SILENT_S = 600.0
"""A trial that wrote nothing for longer is marked as silent: nobody trains it, or it hangs."""
_POLL_S, _PLAIN_POLL_S = 5.0, 60.0
"""Seconds between two reports of ``--watch``: on a terminal or as JSON, and in a log."""
_THREADS = 16
"""Files to read at the same time: an object store takes a while for each answer."""


@dataclass(frozen=True)
class TrainingTrial:
    """A trial that has begun and not ended. Its fields are those of ``--json``."""

    id: str
    label: str
    step: int
    steps: int
    said_s_ago: float | None
    """Seconds since it last wrote, by this machine's clock. None if it has written nothing yet."""
    silent: bool
    attempt: int
    by: str
    """Process and machine of the attempt."""
    since: str
    """ISO time at which the attempt began."""
    damaged: tuple[str, ...] = ()
    """A line for each of its damaged files."""


@dataclass(frozen=True)
class FailedTrial:
    """A trial that failed for good. Its fields are those of ``--json``."""

    id: str
    label: str
    step: int
    reason: str
    at: str


@dataclass(frozen=True)
class SweepStatus:
    """The state of a sweep at one moment. Its fields are those of ``--json``."""

    name: str
    folder: str
    counts: dict[str, int]
    """State -> number of trials."""
    stop: dict[str, Any] | None
    """Who asked it to stop, and when. None without a request, or once the sweep was run again."""
    training: tuple[TrainingTrial, ...]
    failed: tuple[FailedTrial, ...]
    damaged: tuple[str, ...] = ()
    """A line for each damaged file."""

    @property
    def is_over(self) -> bool:
        """True if no trial is left to train."""
        return not self.counts[TrialState.UNFINISHED] and not self.counts[TrialState.NOT_STARTED]


def read_status(storages: Sequence[Place], name: str | None = None) -> list[SweepStatus]:
    """Return the status of every sweep. A name picks one.

    Raises ConfigError if there is none with this name, or if a storage path does not exist.
    """
    if name is not None:
        find_sweep(name, storages)
    sweeps = [sweep for storage in storages for sweep in read_sweeps(storage)]
    return [_sweep_status(sweep) for sweep in sweeps if name in (None, sweep.name)]


def show_status(storages: Sequence[Place], name: str | None, out: Console, *, as_json: bool, watch: bool) -> None:
    """Print the status once. With ``watch``, repeat until no trial is left, or until Ctrl-C."""
    every_s = (_POLL_S if as_json or out.is_terminal else _PLAIN_POLL_S) if watch else None
    try:
        _print(_poll(storages, name, every_s), storages, out, as_json, watch and out.is_terminal)
    except KeyboardInterrupt:
        if not watch:
            raise


def _print(reports: Iterable[list[SweepStatus]], storages: Sequence[Place], out: Console, as_json: bool, in_place: bool) -> None:
    if as_json:
        for sweeps in reports:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            print_json({"at": at, "sweeps": [asdict(sweep) for sweep in sweeps]})
    elif in_place:
        with Live(console=out, auto_refresh=False) as live:
            for sweeps in reports:
                live.update(Group(*_tables(sweeps, storages)), refresh=True)
    else:
        for sweeps in reports:
            out.print(*_tables(sweeps, storages), sep="\n", soft_wrap=True)


def _poll(storages: Sequence[Place], name: str | None, every_s: float | None) -> Iterator[list[SweepStatus]]:
    """Yield the status once, or repeatedly until all sweeps are over."""
    while True:
        sweeps = read_status(storages, name)
        yield sweeps
        if every_s is None or all(sweep.is_over for sweep in sweeps):
            return
        time.sleep(every_s)


def _sweep_status(sweep: StoredSweep) -> SweepStatus:
    states = declared_states(sweep)
    with ThreadPoolExecutor(_THREADS) as threads:
        training = list(threads.map(_training_trial, [trial for trial in sweep.trials if states.get(trial.id) == TrialState.UNFINISHED]))
        failed = list(threads.map(_failed_trial, [trial for trial in sweep.trials if states.get(trial.id) == TrialState.FAILED]))
    counts = Counter(states.values())
    damaged = [*sweep.damage]
    request = _read(sweep.folder / STOP_FILE, damaged)
    stop = {field: request.get(field) for field in ("by", "at")} if (sweep.folder / STOP_FILE).is_file() else None
    damaged += [line for trial in training for line in trial.damaged]
    return SweepStatus(
        sweep.name, str(sweep.folder), {state: counts[state] for state in STATES}, stop, tuple(training), tuple(failed), tuple(damaged)
    )


def _read(path: Place, damaged: list[str]) -> dict[str, Any]:
    """Read a record, which may be missing. If it is damaged, add the line that says so."""
    try:
        return read_record_if_exists(path)
    except DamagedFileError as error:
        damaged.append(str(error))
        return {}


def _training_trial(trial: StoredTrial) -> TrainingTrial:
    """Read how far a trial is, and which attempt trains it.

    A worker may write both files at this moment, so either may be missing.
    """
    damaged: list[str] = []
    progress = _read(trial.folder / PROGRESS_FILE, damaged)
    attempt = (_read(trial.folder / LEASE_FILE, damaged).get("attempts") or [{}])[-1]
    times = [progress.get("at"), _unix_time(attempt.get("at", ""))]
    # A time ahead of this machine's comes from a clock that is wrong: it does not tell when something was written.
    written_at = [at for at in times if at is not None and at <= time.time() + CLOCK_TOLERANCE_S]
    silent_s = max(time.time() - max(written_at), 0.0) if written_at else None
    steps = progress.get("steps") or _declared_steps(_read(trial.folder / CONFIG_FILE, damaged))
    return TrainingTrial(
        trial.id, trial.label, step=int(progress.get("step", 0)), steps=int(steps),
        said_s_ago=None if silent_s is None else round(silent_s, 1), silent=silent_s is not None and silent_s > SILENT_S,
        attempt=int(attempt.get("attempt", 0)), by=str(attempt.get("by", "")), since=str(attempt.get("at", "")), damaged=tuple(damaged),
    )  # fmt: skip


def _unix_time(iso_time: str) -> float | None:
    try:
        return datetime.fromisoformat(iso_time).timestamp()
    except (ValueError, OverflowError):
        return None


def _declared_steps(config: Mapping[str, Any]) -> int:
    trial = config.get("trial", {})
    training = trial.get("training", {})
    steps = training.get("steps", 0) if isinstance(training, dict) else 0
    if isinstance(trial.get("head_steps"), int):
        steps = trial.get("steps", 0) + trial["head_steps"]  # stage 1 has two phases
    return steps if isinstance(steps, int) else 0


def _failed_trial(trial: StoredTrial) -> FailedTrial:
    outcome = trial.outcome() or {"reason": f"unknown, because its {FAILED_FILE} is damaged"}
    return FailedTrial(trial.id, trial.label, int(outcome.get("step", 0)), str(outcome.get("reason", "")), str(outcome.get("at", "")))


def _tables(sweeps: Sequence[SweepStatus], storages: Sequence[Place]) -> Iterator[RenderableType]:
    rows = table("sweep", *STATES, "", right=STATES)
    for sweep in sweeps:
        request = f"asked to stop by {sweep.stop.get('by')} at {sweep.stop.get('at')}" if sweep.stop else ""
        rows.add_row(escape(sweep.name), *(str(sweep.counts[state] or "") for state in STATES), escape(request))
    yield titled(", ".join(map(str, storages)), rows)
    for sweep in sweeps:
        if sweep.training:
            yield _training_table(sweep)
        for trial in sweep.failed:
            yield Text(show_controls(f"{trial.label} failed at step {trial.step}: {trial.reason} ({trial.id})"))
        if sweep.failed:
            yield Text(f"to try them again: python -m raygroup.runs retry {sweep.name}", style="dim")
        for line in sweep.damaged:
            yield Text(show_controls(line))


def _training_table(sweep: SweepStatus) -> RenderableType:
    rows = table("trial", "step", "last write", "", "attempt", "by", right=("step", "last write", "attempt"))
    for trial in sweep.training:
        last_write = "-" if trial.said_s_ago is None else f"{seconds_text(trial.said_s_ago)} ago"
        mark = "silent" if trial.silent else ""
        rows.add_row(escape(trial.label), f"{trial.step}/{trial.steps}", last_write, mark, str(trial.attempt or "-"), escape(trial.by))
    return titled(f"{sweep.name}: begun, but not ended", rows)
