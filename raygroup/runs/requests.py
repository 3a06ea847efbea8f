"""``runs stop`` and ``runs retry``: requests to whoever trains a sweep, left in its storage path; nobody needs to be reached."""

import getpass
import socket
from collections.abc import Sequence

from rich.console import Console

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.runs.find import matching, states
from raygroup.storage.sweeps import DONE, FAILED, StoredSweep


def stop(sweep: StoredSweep, out: Console) -> None:
    """Asks the sweep to stop; running it again takes the request back. Nothing where it has nothing left to train."""
    from raygroup.storage.locks import STOP, now

    if set(states(sweep).values()) <= {DONE, FAILED}:
        out.print(f"{sweep.name}: nothing of it is left to train", markup=False, soft_wrap=True)
        return
    write_json(sweep.folder / STOP, {"by": f"{_user()} on {socket.gethostname()}", "at": now()})
    said = "asked to stop: trials end at a checkpoint within seconds, their driver with exit code 130; the same sweep command goes on"
    out.print(f"{sweep.name}: {said}", markup=False, soft_wrap=True)


def retry(sweep: StoredSweep, named: Sequence[str], out: Console) -> None:
    """Has failed trials tried again, all or those named, by a driver that runs now or by the next. Raises ConfigError for a name that no
    failed trial has."""
    from raygroup.storage.locks import FAILED as FAILED_FILE
    from raygroup.storage.locks import STOP

    by_id = states(sweep)
    failed = [trial for trial in sweep.trials if by_id.get(trial.id) == FAILED]
    chosen = {trial.id: trial for name in named for trial in matching(name, failed)} if named else {trial.id: trial for trial in failed}
    for name in named:
        if not matching(name, failed):
            known = ", ".join(f"{trial.id} ({trial.label})" for trial in failed) or "none"
            raise ConfigError(f"no failed trial '{name}' in {sweep.folder}; failed: {known}")
    for trial in chosen.values():
        reason = trial.outcome().get("reason")
        (trial.folder / FAILED_FILE).unlink(missing_ok=True)
        out.print(f"to be tried again: {trial.label} ({trial.id}), which failed with: {reason}", markup=False, soft_wrap=True)
    if not chosen:
        out.print(f"{sweep.name}: no trial of it has failed", markup=False, soft_wrap=True)
    elif (sweep.folder / STOP).is_file():
        out.print(f"{sweep.name} was asked to stop: nothing begins before it is run again", markup=False, soft_wrap=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return "somebody"
