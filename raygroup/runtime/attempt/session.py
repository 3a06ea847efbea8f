"""The state of one attempt at a pack.

It has the trials, their histories, and the program that trains them.
"""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from raygroup.errors import LeaseLostError
from raygroup.files.places import Place
from raygroup.files.retry import Retry
from raygroup.history.sinks import Checksums
from raygroup.history.writer import RowWriter
from raygroup.runtime.attempt.failure import TRIAL_ERRORS, note_failure
from raygroup.runtime.attempt.program import Program
from raygroup.runtime.attempt.scalars import ScalarPoint
from raygroup.runtime.attempt.worker_group import SINGLE_WORKER, WorkerGroup
from raygroup.runtime.placement import Placement
from raygroup.search_space import AnyTrial
from raygroup.storage.leases import Lease

ReportScalars = Callable[[dict[str, float]], None]
"""Called with the scalars of every checkpoint."""
Failures = dict[str, str]
"""Trial id -> the reason why it failed."""


@dataclass(frozen=True)
class WorkerContext:
    """The surroundings of a worker: its storage, placement and group."""

    storage: Place
    placement: Placement
    retry: Retry
    group: WorkerGroup = SINGLE_WORKER
    report: ReportScalars = lambda scalars: None


@dataclass
class TrialAttempt:
    """One attempt at one trial of a pack."""

    folder: Place
    trial: AnyTrial
    lease: Lease
    history: RowWriter | None
    """None on workers other than the leader, which write nothing."""
    earlier: Checksums
    """Checksums of the files that hold the steps before this attempt's first."""
    losses: dict[str, float] = field(default_factory=dict)
    """Losses of the last recorded step."""
    scalars: list[ScalarPoint] = field(default_factory=list)
    """Points of TensorBoard's curves since the last checkpoint."""
    progress_written_s: float = 0.0
    """When its progress file was last written, on the monotonic clock."""

    def checksums(self) -> Checksums:
        """Return the checksums of all history files up to the last flush."""
        return self.earlier | self.writer.checksums()

    @property
    def writer(self) -> RowWriter:
        if self.history is None:
            raise RuntimeError(f"{self.folder}: this worker is not the leader, so it has no history")
        return self.history

    def close(self) -> None:
        """Close the history. Everything recorded stays readable."""
        if self.history is not None:
            self.history.close()


@dataclass
class Session:
    """The trials of a pack that are still training, in the pack's order."""

    context: WorkerContext
    program: Program
    attempts: list[TrialAttempt]
    resumed_step: int
    """Last step of earlier attempts, or 0."""
    failed: Failures = field(default_factory=dict)
    start_s: float = field(default_factory=time.monotonic)
    start_cpu_s: float = field(default_factory=time.process_time)
    unrecorded: list[Tensor] = field(default_factory=list)
    """Records of the last steps, still on the device."""
    last_record_s: float = field(default_factory=time.monotonic)
    """When records were last brought from the device."""

    def for_each_trial(self, action: Callable[[int, TrialAttempt], None]) -> None:
        """Run ``action(position, attempt)`` for every trial, on the leader.

        Every worker must call this. A trial whose action fails leaves the pack on every worker, and
        the others continue. Raises LeaseLostError if no trial is left and another process has taken
        one over.
        """
        errors: dict[int, Exception] = {}
        if self.context.group.is_leader:
            for position, attempt in enumerate(self.attempts):
                try:
                    action(position, attempt)
                except TRIAL_ERRORS as error:
                    errors[position] = error
        errors = self.context.group.broadcast(errors)
        if errors:
            self._drop(errors)

    def _drop(self, errors: dict[int, Exception]) -> None:
        for position, error in errors.items():
            attempt = self.attempts[position]
            with contextlib.suppress(OSError):
                attempt.close()
            if self.context.group.is_leader:
                note_failure(self.failed, attempt.folder, error)
        self.attempts = [attempt for position, attempt in enumerate(self.attempts) if position not in errors]
        if self.attempts:  # otherwise the pack is never used again
            self.program = self.program.without(list(errors))
            return
        lease_lost = next((error for error in errors.values() if isinstance(error, LeaseLostError)), None)
        if lease_lost:
            raise lease_lost
