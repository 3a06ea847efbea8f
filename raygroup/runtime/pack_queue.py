"""Which pack is next, and what becomes of one whose process broke: tried again, in halves, or given up. Neither Ray nor processes here."""

import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from raygroup.files.atomic import read_if_there
from raygroup.files.places import Place
from raygroup.files.retry import Patience
from raygroup.runtime.attempt.checkpoints import listed_steps
from raygroup.runtime.attempt.failure import give_up
from raygroup.runtime.planning.packs import PackedJobs
from raygroup.runtime.planning.plan import Job, declare_trials
from raygroup.storage.locks import FAILED, STOP, done_ids

BARREN_ATTEMPTS = 3
"""Attempts in a row that may end without a new checkpoint; the next one that does fails its trials for good."""
_LOOK_S = 5.0


class Following(Protocol):
    """Is told what happens to packs, by the ids of their trials."""

    def started(self, ids: Sequence[str]) -> None: ...

    def ended(self, ids: Sequence[str]) -> None: ...

    def said(self, text: str) -> None: ...


class PackQueue:
    """The packs of a run, handed out one by one; ``failed`` says why trials failed for good."""

    def __init__(self, packs: Sequence[PackedJobs], storage: Place, follow: Following, patience_s: float = 0.0) -> None:
        """``patience_s``: how long to wait for a storage path that fails."""
        self.waiting = deque(packs)
        self.patience = Patience(patience_s, lambda error: follow.said(f"{storage} fails ({error}); trying again"))
        self.storage, self.follow = storage, follow
        self.running: dict[str, PackedJobs] = {}
        self.failed: dict[str, str] = {}
        self.lost: dict[str, Job] = {}
        """Trials that failed, which somebody may ask to be tried again."""
        self.sweep_folder = packs[0].jobs[0].folder.parent
        self._reached: dict[str, int] = {}
        self._barren: dict[str, int] = {}
        self._looked = -_LOOK_S
        self.stopped = False

    def next(self) -> PackedJobs | None:
        """The next pack, its trials declared; None where there is none now (``over`` tells whether one may still come)."""
        self._look()
        if self.stopped or not self.waiting:
            return None
        pack = self.waiting.popleft()
        self.patience(lambda: declare_trials((job for job in pack.jobs if job.id not in self._reached), self.storage))
        for job in pack.jobs:
            self._reached.setdefault(job.id, self._last_step(job))
        self.running[pack.id] = pack
        self.follow.started([job.id for job in pack.jobs])
        return pack

    @property
    def over(self) -> bool:
        """Whether no pack runs and none will."""
        return not self.running and (self.stopped or not self.waiting)

    def ended(self, pack: PackedJobs, failed: dict[str, str]) -> None:
        """The process of a pack has come to its end, with the reasons of trials that failed."""
        self.running.pop(pack.id, None)
        self.failed |= failed
        self.lost |= {job.id: job for job in pack.jobs if job.id in failed}
        self.follow.ended([job.id for job in pack.jobs])

    def broke(self, pack: PackedJobs, reason: str) -> None:
        """The process of a pack ended before its trials did. They are tried again, those that ran out of a device's memory in halves;
        after ``BARREN_ATTEMPTS`` without a new checkpoint they have failed."""
        self.running.pop(pack.id, None)
        self.follow.ended([job.id for job in pack.jobs])
        done = self.patience(lambda: done_ids(self.sweep_folder))
        left = tuple(job for job in pack.jobs if job.id not in done and not self._gave_up(job))
        if not left:
            return
        if "OutOfMemoryError" in reason and len(left) > 1:
            half = len(left) // 2
            self.follow.said(f"{pack.id}: its device has too little memory for {len(left)} trials together; trying {half}")
            self.waiting.extendleft((PackedJobs(left[half:]), PackedJobs(left[:half])))
        elif any(self._advanced(job) for job in left) or self._again(pack.jobs[0].id):
            self.follow.said(f"{left[0].label}: {reason}; going on from step {max(self._reached[job.id] for job in left)}")
            self.waiting.appendleft(PackedJobs(left))
        else:
            for job in left:
                said = f"{reason}; {1 + BARREN_ATTEMPTS} attempts in a row ended without a new checkpoint"
                give_up(job.folder, said)
                self.failed[job.id], self.lost[job.id] = said, job

    def _gave_up(self, job: Job) -> bool:
        """Whether the trial failed by itself before its process broke."""
        stopped = self.patience(lambda: read_if_there(job.folder / FAILED))
        if stopped:
            self.failed[job.id], self.lost[job.id] = stopped["reason"], job
        return bool(stopped)

    def _advanced(self, job: Job) -> bool:
        step = self._last_step(job)
        further = step > self._reached[job.id]
        if further:
            self._reached[job.id] = step
            self._barren.pop(job.id, None)
        return further

    def _last_step(self, job: Job) -> int:
        """Of the newest checkpoint."""
        return self.patience(lambda: max(listed_steps(job.folder), default=0))

    def _again(self, first: str) -> bool:
        self._barren[first] = self._barren.get(first, 0) + 1
        return self._barren[first] <= BARREN_ATTEMPTS

    def _look(self) -> None:
        """Whether somebody asked to stop, or to try failed trials again."""
        if time.monotonic() - self._looked < _LOOK_S:
            return
        self._looked = time.monotonic()
        self.stopped = self.stopped or self.patience((self.sweep_folder / STOP).is_file)
        again = self.patience(lambda: [job for job in self.lost.values() if not (job.folder / FAILED).is_file()])
        for job in again:
            del self.lost[job.id], self.failed[job.id]
            self._reached.pop(job.id, None)
            self.waiting.append(PackedJobs((job,)))
