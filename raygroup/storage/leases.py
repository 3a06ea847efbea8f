"""Leases: which attempt at a trial may write its checkpoints and its end.

A process that was believed dead may come back: cut off from its cluster, stopped, or left over by a killed driver. Each attempt takes the
trial over by writing its number and a secret into ``lease.json``; whoever finds another's there may no longer write. On a file system the
look and the write are one step, under a lock; on an object store another attempt may come between them, which does no harm that
can last: files carry the attempt's number, and both attempts compute the same.
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
from raygroup.files.atomic import read_if_there, write_json
from raygroup.files.places import Place
from raygroup.history.reader import last_attempt
from raygroup.storage.locks import held, now

LEASE = "lease.json"
_PATIENCE_S = 120.0
"""How long to wait for a trial's lock, which is held for moments: a machine cut off in one of them keeps it until its file server, after
ninety seconds by default, takes it away."""
_KEPT = 20
"""Attempts that are told of."""


@dataclass(frozen=True)
class Lease:
    """The right of one attempt to write a trial."""

    folder: Place
    attempt: int
    token: str

    @contextlib.contextmanager
    def guard(self) -> Iterator[dict[str, Any]]:
        """What is written in the block is written by the current attempt; gives what ``lease.json`` says, and raises LeaseLostError where
        this attempt no longer is the one."""
        with _alone(self.folder):
            lease = read_if_there(self.folder / LEASE)
            if lease.get("token") != self.token:
                raise LeaseLostError(f"attempt {self.attempt} at {self.folder} was taken over by {_described(lease)}")
            yield lease

    def note(self, **facts: Any) -> None:
        """Adds to what is told of this attempt, such as the step it began at and how it ended."""
        with self.guard() as lease:
            lease["attempts"][-1] |= facts
            write_json(self.folder / LEASE, lease, safe=False)


def take(folder: Place) -> Lease:
    """Takes a trial over from whatever attempt had it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        stored = read_if_there(folder / LEASE)
        attempt = 1 + max(int(stored.get("attempt", 0)), last_attempt(folder))
        token = uuid.uuid4().hex
        by = f"process {os.getpid()} on {socket.gethostname()}"
        attempts = [*stored.get("attempts", []), {"attempt": attempt, "by": by, "at": now()}][-_KEPT:]
        write_json(folder / LEASE, {"attempt": attempt, "token": token, "attempts": attempts})
    return Lease(folder, attempt, token)


def attempts(folder: Place) -> list[dict[str, Any]]:
    """What is told of the attempts at a trial, oldest first: ``attempt``, ``by``, ``at``, and as far as known ``from_step``, ``ended``."""
    return list(read_if_there(folder / LEASE).get("attempts", []))


def _described(lease: dict[str, Any]) -> str:
    last = (lease.get("attempts") or [{}])[-1]
    return f"attempt {last.get('attempt')}, {last.get('by')}"


def _alone(folder: Place) -> contextlib.AbstractContextManager[None]:
    return held(folder, "trial", _PATIENCE_S) if isinstance(folder, Path) else contextlib.nullcontext()
