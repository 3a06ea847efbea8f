"""On Ray: the driver works in a process of its own, which this one watches. Ray ends a driver whose cluster is lost without a word, so
somebody else must be there to say what happened and what goes on."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from raygroup.errors import ClusterLostError, ConfigError
from raygroup.files.atomic import read_if_there
from raygroup.files.places import Place
from raygroup.runtime.attempt.checkpoints import listed_steps
from raygroup.runtime.pack_queue import BARREN_ATTEMPTS, Following
from raygroup.runtime.planning.packs import ON_CPU, PackedJobs, Placement
from raygroup.storage.locks import FAILED

HEAD_LOST_S = 45.0
"""A cluster whose head has not answered for so long is lost; Ray itself gives up after sixty seconds."""
_START_S = 180.0
"""Longest that joining or starting a cluster may take."""


@dataclass(frozen=True)
class Order:
    """What a driver is to do."""

    packs: tuple[PackedJobs, ...]
    storage: Place
    placement: Placement
    address: str | None


def run_packs(
    packs: Sequence[PackedJobs], storage: Place, follow: Following, address: str | None = None, placement: Placement = ON_CPU
) -> dict[str, str]:
    """Trains the packs; the reason of each trial that failed, by id. ``address`` joins a running cluster; None starts one for this run.

    Raises ClusterLostError. A driver that is killed, out of memory for instance, is replaced as long as trials get on.
    """
    left = tuple(packs)
    failed: dict[str, str] = {}
    barren, reached = 0, -1
    while left:
        with _Driver(Order(left, storage, placement, address), follow) as driver:
            outcome = driver.outcome()
        if isinstance(outcome, dict):
            return failed | outcome
        left, gave_up = _unfinished(left)
        failed |= gave_up
        before, reached = reached, _reached(packs)
        barren = barren + 1 if reached == before else 0
        if barren > BARREN_ATTEMPTS:
            raise ClusterLostError(f"the driver process ended {outcome}, again and again")
        follow.said(f"the driver process ended {outcome}; starting another one")
        time.sleep(2**barren)
    return failed


def _reached(packs: Sequence[PackedJobs]) -> int:
    """Steps in checkpoints, all trials together: whether they get on."""
    return sum(max(listed_steps(job.folder), default=0) for pack in packs for job in pack.jobs)


def _unfinished(packs: Sequence[PackedJobs]) -> tuple[tuple[PackedJobs, ...], dict[str, str]]:
    """What is left of packs whose driver ended, and why trials in them had failed by then."""
    left: list[PackedJobs] = []
    failed: dict[str, str] = {}
    for pack in packs:
        stopped = {job.id: read_if_there(job.folder / FAILED).get("reason", "") for job in pack.jobs}
        failed |= {job: reason for job, reason in stopped.items() if reason}
        jobs = tuple(job for job in pack.jobs if not stopped[job.id] and not job.done)
        left += [PackedJobs(jobs)] if jobs else []
    return tuple(left), failed


class _Driver:
    """The child process; leaving the block ends it."""

    def __init__(self, order: Order, follow: Following) -> None:
        self.order, self.follow = order, follow
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_drive, args=(order, theirs, os.getpid()))
        self.theirs = theirs

    def __enter__(self) -> "_Driver":
        self.process.start()
        self.theirs.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send("end")
        if kind is None:
            return  # it takes its cluster down while results are shown; Python waits for it at its own end
        self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def outcome(self) -> dict[str, str] | str:
        """Why trials failed, by id; or how the driver ended before it was through."""
        heard, limit = time.monotonic(), _START_S
        while True:
            ready = wait([self.pipe, self.process.sentinel], 1.0)
            if self.pipe in ready:
                try:
                    kind, content = self.pipe.recv()
                except (EOFError, OSError):
                    return self._ended()
                if kind == "beat":
                    heard, limit = time.monotonic(), HEAD_LOST_S
                elif kind == "failed":
                    return dict(content)
                else:
                    self._told(kind, content)
            elif ready:
                return self._ended()
            if time.monotonic() - heard > limit:
                self.process.kill()
                raise ClusterLostError(self._lost(f"has not answered for {limit:.0f} s"))

    def _told(self, kind: str, content: Any) -> None:
        if kind == "bad input":
            raise ConfigError(content)
        if kind == "lost":
            raise ClusterLostError(self._lost(content))
        if kind == "storage failed":
            raise OSError(content)
        if kind == "crashed":
            raise RuntimeError(f"the driver crashed:\n{content}")
        getattr(self.follow, kind)(content)

    def _ended(self) -> str:
        """How the process ended, where that was not the cluster's doing."""
        self.process.join()
        code = self.process.exitcode or 0
        if code >= 0:  # Ray's core ends a driver that has lost its head, or its own node
            raise ClusterLostError(self._lost("is gone"))
        return f"by signal {-code}"

    def _lost(self, how: str) -> str:
        return f"the head of the Ray cluster {'at ' + self.order.address if self.order.address else 'of this run'} {how}"


def _drive(order: Order, pipe: Connection, parent: int) -> None:
    from raygroup.runtime.on_ray.driver import drive
    from raygroup.runtime.on_ray.driver_process import begin_apart
    from raygroup.runtime.processes import end_with_parent

    begin_apart()
    end_with_parent(parent)
    drive(order, pipe)
