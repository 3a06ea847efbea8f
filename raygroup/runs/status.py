"""``runs status``: how far sweeps are that are trained here or elsewhere, from what their trials leave in the storage path."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from raygroup.errors import ConfigError
from raygroup.files.atomic import read_if_there
from raygroup.files.places import Place
from raygroup.runs.find import STATES, find_sweep, states
from raygroup.storage.sweeps import FAILED, NOT_STARTED, UNFINISHED, StoredSweep, StoredTrial, read_sweeps
from raygroup.terminal import seconds_text, table, titled

SILENT_S = 600.0
"""A trial that has said nothing for longer is marked: nobody trains it, or it hangs."""
_LOOK_S, _PLAIN_LOOK_S = 5.0, 60.0
"""How often ``--watch`` looks, for a terminal or a program, and where every look adds lines to a log."""
_AT_ONCE = 16
"""Files read at a time: on an object store each takes a while to answer."""


@dataclass(frozen=True)
class InTraining:
    """A trial that was begun and has not ended."""

    id: str
    label: str
    step: int
    steps: int
    said_s_ago: float | None
    """Since its last word, by this machine's clock; None where it has said nothing yet."""
    silent: bool
    attempt: int
    by: str
    """Process and machine of the attempt."""
    since: str
    """ISO time at which the attempt began."""


@dataclass(frozen=True)
class Failed:
    """A trial that is not tried again until somebody asks."""

    id: str
    label: str
    step: int
    reason: str
    at: str


@dataclass(frozen=True)
class SweepStatus:
    """A sweep at one moment."""

    name: str
    folder: str
    counts: dict[str, int]
    """State -> trials."""
    stop: dict[str, Any] | None
    """Who asked it to stop, and when; None where nobody did, or where it was run again since."""
    training: tuple[InTraining, ...]
    failed: tuple[Failed, ...]

    @property
    def over(self) -> bool:
        return not self.counts[UNFINISHED] and not self.counts[NOT_STARTED]


def status(storages: Sequence[Place], sweep: str | None = None) -> list[SweepStatus]:
    """Every sweep, or those of a name. Raises ConfigError where there is none of it, or no such storage path."""
    if sweep is not None:
        find_sweep(sweep, storages)
    found = [stored for storage in storages for stored in read_sweeps(storage)]
    return [_status(stored) for stored in found if sweep in (None, stored.name)]


def show_status(storages: Sequence[Place], sweep: str | None, out: Console, *, as_json: bool, watch: bool) -> None:
    """Prints once, or again and again until nothing is left to train or somebody presses Ctrl-C."""
    every_s = (_LOOK_S if as_json or out.is_terminal else _PLAIN_LOOK_S) if watch else None
    try:
        _print(_looks(storages, sweep, every_s), storages, out, as_json, watch and out.is_terminal)
    except KeyboardInterrupt:
        if not watch:
            raise


def _print(looks: Iterable[list[SweepStatus]], storages: Sequence[Place], out: Console, as_json: bool, in_place: bool) -> None:
    if as_json:
        for found in looks:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            print(json.dumps({"at": at, "sweeps": [asdict(each) for each in found]}, ensure_ascii=False), flush=True)
    elif in_place:
        with Live(console=out, auto_refresh=False) as live:
            for found in looks:
                live.update(Group(*_shown(found, storages)), refresh=True)
    else:
        for found in looks:
            out.print(*_shown(found, storages), sep="\n", soft_wrap=True)


def _looks(storages: Sequence[Place], sweep: str | None, every_s: float | None) -> Iterator[list[SweepStatus]]:
    """Once, or every so often."""
    while True:
        found = status(storages, sweep)
        yield found
        if every_s is None or all(each.over for each in found):
            return
        time.sleep(every_s)


def _status(sweep: StoredSweep) -> SweepStatus:
    by_id = states(sweep)
    with ThreadPoolExecutor(_AT_ONCE) as readers:
        begun = list(readers.map(_in_training, [trial for trial in sweep.trials if by_id.get(trial.id) == UNFINISHED]))
        failed = list(readers.map(_failed, [trial for trial in sweep.trials if by_id.get(trial.id) == FAILED]))
    counts = Counter(by_id.values())
    stop = read_if_there(sweep.folder / "STOP.json")
    asked = {str(name): stop.get(name) for name in ("by", "at")} if stop else None
    return SweepStatus(sweep.name, str(sweep.folder), {state: counts[state] for state in STATES}, asked, tuple(begun), tuple(failed))


def _in_training(trial: StoredTrial) -> InTraining:
    """What it last said, and the attempt that has the trial: either may be missing, and be written while this reads."""
    from raygroup.storage.leases import attempts
    from raygroup.storage.locks import CONFIG, PROGRESS

    said = read_if_there(trial.folder / PROGRESS)
    last = (attempts(trial.folder) or [{}])[-1]
    words = [float(said["at"])] if said else []
    words += [datetime.fromisoformat(last["at"]).timestamp()] if last else []
    ago = max(time.time() - max(words), 0.0) if words else None
    steps = said.get("steps") or read_if_there(trial.folder / CONFIG).get("trial", {}).get("training", {}).get("steps", 0)
    return InTraining(
        trial.id, trial.label, int(said.get("step", 0)), int(steps), ago if ago is None else round(ago, 1),
        ago is not None and ago > SILENT_S, int(last.get("attempt", 0)), str(last.get("by", "")), str(last.get("at", "")),
    )  # fmt: skip


def _failed(trial: StoredTrial) -> Failed:
    try:
        said = trial.outcome()
    except ConfigError as error:
        said = {"reason": str(error)}
    return Failed(trial.id, trial.label, int(said.get("step", 0)), str(said.get("reason", "")), str(said.get("at", "")))


def _shown(found: Sequence[SweepStatus], storages: Sequence[Place]) -> Iterator[RenderableType]:
    rows = table("sweep", *STATES, "", right=STATES)
    for sweep in found:
        asked = f"asked to stop by {sweep.stop.get('by')} at {sweep.stop.get('at')}" if sweep.stop else ""
        rows.add_row(escape(sweep.name), *(str(sweep.counts[state] or "") for state in STATES), escape(asked))
    yield titled(", ".join(map(str, storages)), rows)
    for sweep in found:
        if sweep.training:
            yield _training_table(sweep)
        for trial in sweep.failed:
            yield Text(f"{trial.label} failed at step {trial.step}: {trial.reason} ({trial.id})")
        if sweep.failed:
            yield Text(f"to try them again: python -m raygroup.runs retry {sweep.name}", style="dim")


def _training_table(sweep: SweepStatus) -> RenderableType:
    rows = table("trial", "step", "last word", "", "attempt", "by", right=("step", "last word", "attempt"))
    for trial in sweep.training:
        ago = "-" if trial.said_s_ago is None else f"{seconds_text(trial.said_s_ago)} ago"
        mark = "silent" if trial.silent else ""
        rows.add_row(escape(trial.label), f"{trial.step}/{trial.steps}", ago, mark, str(trial.attempt or "-"), escape(trial.by))
    return titled(f"{sweep.name}: begun and not ended", rows)
