"""Leases: the right of one attempt to write a trial.

A process that was believed dead may come back: it was cut off from its cluster, or stopped, or left
over by a killed driver. So each attempt takes the trial over. It writes its number and a secret
token into ``lease.json``, and an attempt that finds another's token there may no longer write.

On a file system a lock makes the check and the write one step. On an object store another attempt
may come between them. That does no lasting harm: files carry the number of their attempt, and both
attempts compute the same.
"""

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import LeaseLostError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place
from raygroup.history.reader import last_attempt
from raygroup.storage.layout import LEASE_FILE, now
from raygroup.storage.locks import lock_folder
from raygroup.storage.records import intact_record

_LOCK_WAIT_S = 120.0
"""The longest wait for a trial's lock. The lock is held for moments only, but a machine that is cut
off in such a moment keeps it until the file server takes it away, by default after 90 seconds."""
_LISTED_ATTEMPTS = 20
"""Attempts that ``lease.json`` lists: the last ones."""


@dataclass(frozen=True)
class Lease:
    """The right of one attempt to write a trial."""

    folder: Place
    attempt: int
    token: str

    @contextlib.contextmanager
    def guard(self) -> Iterator[dict[str, Any]]:
        """Hold the trial while the block writes to it.

        The block gets the content of ``lease.json``. Raises LeaseLostError if another attempt has
        taken the trial over.
        """
        with _lock_trial(self.folder):
            lease = _read_lease(self.folder)
            if lease.get("token") != self.token:
                raise LeaseLostError(f"attempt {self.attempt} at {self.folder} was taken over by {_last_attempt_text(lease)}")
            yield lease

    def note(self, **facts: Any) -> None:
        """Add facts to this attempt's record. Examples are the step it began at and how it
        ended."""
        with self.guard() as lease:
            lease["attempts"][-1] |= facts
            write_json(self.folder / LEASE_FILE, lease, durable=False)


def take_lease(folder: Place) -> Lease:
    """Take a trial over from any earlier attempt."""
    folder.mkdir(parents=True, exist_ok=True)
    with _lock_trial(folder):
        stored = _read_lease(folder)
        attempt = 1 + max(int(stored.get("attempt", 0)), last_attempt(folder))
        token = uuid.uuid4().hex
        record = {"attempt": attempt, "by": f"process {os.getpid()} on {socket.gethostname()}", "at": now()}
        records = [*stored.get("attempts", []), record][-_LISTED_ATTEMPTS:]
        write_json(folder / LEASE_FILE, {"attempt": attempt, "token": token, "attempts": records})
    return Lease(folder, attempt, token)


def attempt_records(folder: Place) -> list[dict[str, Any]]:
    """Return the records of a trial's attempts, oldest first.

    Each has ``attempt``, ``by`` and ``at``, and ``from_step``, ``lost_steps`` and ``ended`` once they
    are known. ``lost_steps`` are those that the attempt before reported and this one trains again.
    """
    return list(_read_lease(folder).get("attempts", []))


def _read_lease(folder: Place) -> dict[str, Any]:
    """Return the content of ``lease.json``. A damaged one counts as none: nobody can prove that it is theirs."""
    return intact_record(folder / LEASE_FILE)


def _last_attempt_text(lease: dict[str, Any]) -> str:
    if not lease:
        return f"another one, or its {LEASE_FILE} is gone or damaged"
    last = (lease.get("attempts") or [{}])[-1]
    return f"attempt {last.get('attempt')}, {last.get('by')}"


def _lock_trial(folder: Place) -> contextlib.AbstractContextManager[None]:
    return lock_folder(folder, "trial", _LOCK_WAIT_S) if isinstance(folder, Path) else contextlib.nullcontext()
