"""Hand out the packs of a run.

The queue also decides what becomes of a pack whose process broke. It is tried again, halved, or
fails. Runs with Ray and without it both use this queue.
"""

import functools
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from raygroup.errors import DeviceMemoryError, OtherTrialError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place
from raygroup.files.retry import PeriodicWarning, Retry
from raygroup.runtime.attempt.failure import mark_failed, read_failure
from raygroup.runtime.planning.jobs import Job, WordJob, declare_trials
from raygroup.runtime.planning.packs import JobPack, PackSource
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.storage.layout import FAILED_FILE, LEASE_FILE, STOP_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import is_done

MAX_FRUITLESS_ATTEMPTS = 3
"""Attempts in a row that may end without a new checkpoint. The next one fails its trials for good."""
_CHECK_EVERY_S = 5.0


class RunListener(Protocol):
    """Receives the events of a run. A pack is named by the ids of its trials."""

    def on_start(self, ids: Sequence[str]) -> None: ...

    def on_end(self, ids: Sequence[str]) -> None: ...

    def on_message(self, text: str) -> None: ...

    def on_more(self, jobs: Sequence[Job]) -> None:
        """Receive trials that were not known when the run began. Only a run with a PackSource has some."""


class PackQueue:
    """The packs of a run, handed out one by one.

    ``failed`` holds the trials that failed for good: id -> reason.
    """

    def __init__(
        self, packs: Sequence[JobPack], storage: Place, listener: RunListener, patience_s: float = 0.0, source: PackSource | None = None
    ) -> None:  # fmt: skip
        """``patience_s`` limits how long the queue waits for a storage path that fails. ``source`` may have further packs."""
        self.waiting = deque(packs)
        self.retry_storage = Retry(patience_s, PeriodicWarning(storage, listener.on_message))
        self.storage = storage
        self.listener = listener
        self.running: dict[str, JobPack] = {}
        self.failed: dict[str, str] = {}
        self.stopped = False
        self.source = source
        self.sweep_folders = [source.sweep_folder] if source else [*{job.folder.parent: None for pack in packs for job in pack.jobs}]
        """The sweeps of the run: one, or several stages."""
        self.sweep_folder = self.sweep_folders[-1]
        """That of the last stage."""
        self._unfinished = {job.folder for pack in packs for job in pack.jobs}
        """Trials of this run that are not done. Trials of later stages wait for them."""
        self._failed_jobs: dict[str, Job] = {}
        """Trials that failed. A user may ask to try them again."""
        self._last_steps: dict[str, int] = {}
        self._fruitless: dict[str, int] = {}
        self._num_failed_seen = 0
        self._last_check = -_CHECK_EVERY_S

    def next(self) -> JobPack | None:
        """Return the next pack and declare its trials.

        Returns None if no pack is ready. Unless the queue is ``over``, another pack may come later.
        """
        self._check_requests()
        pack = None if self.stopped else self._take_ready()
        if pack is None:
            return None
        pack = self._declare(pack)
        if pack is None:
            return self.next()
        for job in pack.jobs:
            self._last_steps.setdefault(job.id, self._last_step(job))
        self.running[pack.id] = pack
        self.listener.on_start([job.id for job in pack.jobs])
        return pack

    def _take_ready(self) -> JobPack | None:
        """Take the first pack from those that wait whose trials can start. If none waits, ask the source for one."""
        if len(self.failed) != self._num_failed_seen:
            self._num_failed_seen = len(self.failed)
            self._give_up_lost()
        for pack in self.waiting:
            if not any(_start_of(job) in self._unfinished for job in pack.jobs):
                self.waiting.remove(pack)
                return pack
        return self._take_from_source()

    def _give_up_lost(self) -> None:
        """Fail the waiting trials whose start failed. They get no FAILED.json, so the next run tries them again."""
        waiting, self.waiting = self.waiting, deque()
        for pack in waiting:
            lost = [job for job in pack.jobs if (start := _start_of(job)) is not None and start.name in self.failed]
            self.failed |= {job.id: lost_start_text(job) for job in lost}
            rest = tuple(job for job in pack.jobs if job not in lost)
            self.waiting.extend([JobPack(rest)] if rest else [])

    def _take_from_source(self) -> JobPack | None:
        """Return a further pack of the source, or None if it has none now."""
        pack = self.retry_storage(self.source.next) if self.source else None
        if pack:
            self.listener.on_more(pack.jobs)
            self._unfinished |= {job.folder for job in pack.jobs}
        return pack

    def _report_to_source(self, pack: JobPack) -> None:
        """Tell the source which trials of a pack are done or have failed."""
        if self.source:
            reasons = {job.id: self.failed[job.id] for job in pack.jobs if job.id in self.failed}
            done = [job.id for job in pack.jobs if job.id not in reasons and job.folder not in self._unfinished]
            self.retry_storage(functools.partial(self.source.end, [*done, *reasons], reasons))

    def _declare(self, pack: JobPack) -> JobPack | None:
        """Declare the trials of a pack that begin. A trial whose folder holds another trial fails, and its folder stays as it is."""
        own_jobs = []
        for job in pack.jobs:
            try:
                if job.id not in self._last_steps:
                    self.retry_storage(functools.partial(declare_trials, [job], self.storage))
                own_jobs.append(job)
            except OtherTrialError as error:
                self.failed[job.id] = str(error)
        self._report_to_source(JobPack(tuple(job for job in pack.jobs if job.id in self.failed)))
        return JobPack(tuple(own_jobs)) if own_jobs else None

    @property
    def over(self) -> bool:
        """Return True if no pack is running and no other will start."""
        return not self.running and (self.stopped or not self.waiting and (self.source is None or self.source.over))

    def end(self, pack: JobPack, failed: dict[str, str]) -> None:
        """Take back a pack whose process has finished. ``failed`` holds its failed trials: id -> reason.

        A trial that is neither done nor failed left the pack because its lease was lost. It is tried
        again, unless a user asked the sweep to stop.
        """
        self.running.pop(pack.id, None)
        self.failed |= failed
        self._failed_jobs |= {job.id: job for job in pack.jobs if job.id in failed}
        self._note_done(pack)
        self.listener.on_end([job.id for job in pack.jobs])
        left = tuple(job for job in pack.jobs if job.id not in failed and job.folder in self._unfinished)
        if left and not self._stop_requested():
            self._try_again(pack, left, f"it left its pack, because {LEASE_FILE} was taken over, removed or damaged")
        self._report_to_source(pack)

    def retry(self, pack: JobPack, reason: str) -> None:
        """Take back a pack whose process ended before its trials did.

        Its trials are tried again, in halves if the device had too little memory. They fail after one
        attempt more than ``MAX_FRUITLESS_ATTEMPTS`` in a row without a new checkpoint.
        """
        self.running.pop(pack.id, None)
        self.listener.on_end([job.id for job in pack.jobs])
        self._note_done(pack)
        done = {job.id for job in pack.jobs if job.folder not in self._unfinished}
        jobs = tuple(job for job in pack.jobs if job.id not in done and not self._note_failure(job))
        if jobs:
            self._try_again(pack, jobs, reason)
        self._report_to_source(pack)

    def _note_done(self, pack: JobPack) -> None:
        """Note which trials of a pack are done, so that trials of later stages can start."""
        for job in pack.jobs:
            if self.retry_storage(functools.partial(is_done, job.folder)):
                self._unfinished.discard(job.folder)

    def _try_again(self, pack: JobPack, jobs: tuple[Job, ...], reason: str) -> None:
        """Queue these trials of a pack once more, or fail them if they do not advance."""
        if DeviceMemoryError.marker in reason and len(jobs) > 1:
            half = len(jobs) // 2
            self.listener.on_message(f"{pack.id}: its device has too little memory for {len(jobs)} trials together; trying halves")
            self.waiting.extendleft((JobPack(jobs[half:]), JobPack(jobs[:half])))
        elif self._may_try_again(pack, jobs):
            self.listener.on_message(f"{jobs[0].label}: {reason}; going on from step {max(self._last_steps[job.id] for job in jobs)}")
            self.waiting.appendleft(JobPack(jobs))
        else:
            for job in jobs:
                self._fail(job, f"{reason}; {1 + MAX_FRUITLESS_ATTEMPTS} attempts in a row ended without a new checkpoint")

    def _may_try_again(self, pack: JobPack, jobs: Sequence[Job]) -> bool:
        # Every trial is asked, so that no step counts as progress twice. The pack's first id stands for it, also once that trial has left.
        has_advanced = [self._note_progress(job) for job in jobs]
        return any(has_advanced) or self._count_fruitless(pack.jobs[0].id)

    def _fail(self, job: Job, reason: str) -> None:
        mark_failed(job.folder, reason)
        self.failed[job.id] = reason
        self._failed_jobs[job.id] = job

    def _note_failure(self, job: Job) -> bool:
        """Return True if a trial failed by itself before its process broke, and keep its reason."""
        reason = self.retry_storage(lambda: read_failure(job.folder))
        if reason is not None:
            self.failed[job.id] = reason
            self._failed_jobs[job.id] = job
        return reason is not None

    def _note_progress(self, job: Job) -> bool:
        """Return True if a trial has a new checkpoint, and remember its step."""
        step = self._last_step(job)
        advanced = step > self._last_steps[job.id]
        if advanced:
            self._last_steps[job.id] = step
            self._fruitless.pop(job.id, None)
        return advanced

    def _last_step(self, job: Job) -> int:
        """Return the step of a trial's newest checkpoint, or 0."""
        return self.retry_storage(lambda: max(listed_steps(job.folder), default=0))

    def _count_fruitless(self, first_id: str) -> bool:
        """Count an attempt without a new checkpoint. Returns True if the pack may be tried again."""
        self._fruitless[first_id] = self._fruitless.get(first_id, 0) + 1
        return self._fruitless[first_id] <= MAX_FRUITLESS_ATTEMPTS

    def _stop_requested(self) -> bool:
        requested = self.retry_storage(lambda: [folder for folder in self.sweep_folders if (folder / STOP_FILE).is_file()])
        if requested and not self.stopped:
            # Workers look at the sweep of their own trials, so a request on one stage reaches the others as well.
            for folder in self.sweep_folders:
                if folder not in requested:
                    self.retry_storage(functools.partial(_copy_request, requested[0] / STOP_FILE, folder / STOP_FILE))
        self.stopped = self.stopped or bool(requested)
        return self.stopped

    def _check_requests(self) -> None:
        """Follow a user's requests to stop, or to retry failed trials."""
        if time.monotonic() - self._last_check < _CHECK_EVERY_S:
            return
        self._last_check = time.monotonic()
        self._stop_requested()
        # ``runs retry`` removes FAILED.json.
        retried = self.retry_storage(lambda: [job for job in self._failed_jobs.values() if not (job.folder / FAILED_FILE).is_file()])
        for job in retried:
            del self._failed_jobs[job.id], self.failed[job.id]
            self._last_steps.pop(job.id, None)
            self.waiting.append(JobPack((job,)))


def lost_start_text(job: Job) -> str:
    """Return why a trial fails whose start has failed."""
    return f"the trial that it starts from failed: {_start_of(job)}"


def _start_of(job: Job) -> Place | None:
    """Return the folder of the trial from which a trial starts."""
    return job.start if isinstance(job, WordJob) else None


def _copy_request(request: Place, target: Place) -> None:
    write_json(target, intact_record(request))
