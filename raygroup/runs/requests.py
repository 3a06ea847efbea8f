"""``runs stop`` and ``runs retry``: requests to a sweep's processes.

A request is a file on the storage path, added or removed. So it works without reaching a process.
"""

import getpass
import socket
from collections.abc import Sequence

from rich.console import Console

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.runs.find import declared_states, match_trials
from raygroup.storage.layout import FAILED_FILE, STOP_FILE, now
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.terminal import print_line


def request_stop(sweep: StoredSweep, out: Console) -> None:
    """Ask a sweep to stop. Running it again withdraws the request.

    A sweep with nothing left to train gets no request.
    """
    if set(declared_states(sweep).values()) <= {TrialState.DONE, TrialState.FAILED}:
        print_line(out, f"{sweep.name}: no trial is left to train")
        return
    write_json(sweep.folder / STOP_FILE, {"by": f"{_user()} on {socket.gethostname()}", "at": now()})
    effect = "its trials end at a checkpoint within seconds, and its driver with exit code 130"
    print_line(out, f"{sweep.name}: asked to stop; {effect}. To resume, run the same sweep command again")


def retry_trials(sweep: StoredSweep, names: Sequence[str], out: Console) -> None:
    """Have failed trials tried again.

    A running driver does it, or the next one. Without names these are all that failed. Raises
    ConfigError for a name that no failed trial has.
    """
    trials = _failed_trials(sweep, names)
    for trial in trials:
        reason = trial.outcome().get("reason", trial.damage)
        (trial.folder / FAILED_FILE).unlink(missing_ok=True)
        print_line(out, f"to be tried again: {trial.label} ({trial.id}), which failed with: {reason}")
    if not trials:
        print_line(out, f"{sweep.name}: no trial has failed")
    elif (sweep.folder / STOP_FILE).is_file():
        print_line(out, f"{sweep.name} was asked to stop: no trial begins before the sweep is run again")


def _failed_trials(sweep: StoredSweep, names: Sequence[str]) -> list[StoredTrial]:
    states = declared_states(sweep)
    failed = [trial for trial in sweep.trials if states.get(trial.id) == TrialState.FAILED]
    for name in names:
        if not match_trials(name, failed):
            known = ", ".join(f"{trial.id} ({trial.label})" for trial in failed) or "none"
            raise ConfigError(f"no failed trial '{name}' in {sweep.folder}; failed: {known}")
    if not names:
        return failed
    return list({trial.id: trial for name in names for trial in match_trials(name, failed)}.values())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        return "somebody"
