"""Hand the points of a search to the queue as packs, and write their values into the journal.

The source lives where the queue lives, which on Ray is the driver's process. It opens the journal when it is first asked.
"""

import functools
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.jobs import Job, WordJob
from raygroup.runtime.planning.packs import JobPack, make_packs
from raygroup.runtime.planning.plan import Plan, write_declaration
from raygroup.runtime.searches.journal import COMPLETE, FAILED, RUNNING, Journal, StudyPoint, open_journal, require_local_file
from raygroup.runtime.searches.search_plan import (
    journal_path,
    num_complete,
    plan_with_points,
    point_jobs,
    points_to_confirm,
    search_of,
    search_record,
)
from raygroup.storage.sweeps import StoredTrial
from raygroup.tables.searches.size_points import SCORED_SPLIT, Scores, point_values
from raygroup.tables.trial_result import TrialResult


class PointSource:
    """The packs of a search. Each comes from a point that Optuna chose when there was room for it."""

    def __init__(self, plan: Plan, placement: Placement) -> None:
        """``plan`` is that of the points to start with. Its first job gives the words that all points share."""
        self._plan = plan
        self._search = search_of(plan)
        self._placement = placement
        self._packs: deque[JobPack] = deque()
        self._active: dict[int, StudyPoint] = {}
        """The points that are RUNNING, by number."""
        self._waiting: dict[str, Job] = {}
        """Trials that were packed and have not ended."""
        self._failed: dict[str, str] = {}
        """The reason of each trial that failed in this run."""
        self._num_failed = 0
        self._is_open = False
        self._is_confirming = False

    @property
    def sweep_folder(self) -> Place:
        """The folder of the search."""
        return self._plan.folder

    @property
    def over(self) -> bool:
        """Return True if no further pack will come. Those that were handed out may still run."""
        return self._is_confirming and not self._packs

    def next(self) -> JobPack | None:
        """Return the next pack. None means that another may come later, unless the source is ``over``."""
        if not self._is_open:
            self._take_up()
        while not self._packs and self._may_ask:
            self._add(self._journal.ask())
        if not self._packs and not self._active and not self._may_ask and not self._is_confirming:
            self._confirm()
        return self._packs.popleft() if self._packs else None

    def end(self, ids: Sequence[str], failed: Mapping[str, str]) -> None:
        """Take note of trials that are done or have failed. A point whose trials have all ended gets its values."""
        self._failed |= failed
        for job_id in ids:
            self._waiting.pop(job_id, None)
        for point in [*self._active.values()]:
            self._close_if_ended(point)

    @functools.cached_property
    def _journal(self) -> Journal:
        return open_journal(require_local_file(journal_path(self._plan)), self._search, self._plan.jobs[0].data)

    def _take_up(self) -> None:
        """Take up the points that an earlier run left open, each with its own trials, and those that failed in it."""
        points = self._journal.points()
        for point in points:
            if point.state == RUNNING:
                self._start(point)
        known = {point.sizes for point in points if point.state in (COMPLETE, RUNNING)}
        for sizes in dict.fromkeys(point.sizes for point in points if point.state == FAILED and point.sizes not in known):
            if self._may_ask:  # as a sweep does with its failed trials when it is run again
                self._start(self._journal.add(sizes))
        self._declare()
        self._is_open = True

    @property
    def _may_ask(self) -> bool:
        """Return True if another point may be asked now. In one run a failed point takes a place too, so that a run always ends."""
        at_once = self._search.points_at_once
        num_taken = num_complete(self._journal.points()) + self._num_failed + len(self._active)
        return num_taken < self._search.num_points and (at_once == 0 or len(self._active) < at_once)

    def _add(self, point: StudyPoint) -> None:
        """Start a point that was just asked. One with the sizes of an earlier point has its values already."""
        self._declare()
        if point.state == RUNNING:
            self._start(point)

    def _start(self, point: StudyPoint) -> None:
        self._active[point.number] = point
        self._pack(self._jobs(point))
        self._close_if_ended(point)

    def _jobs(self, point: StudyPoint) -> tuple[WordJob, ...]:
        return point_jobs(self._plan, point.number, point.sizes, self._search.seeds)

    def _pack(self, jobs: Sequence[Job]) -> None:
        """Pack the jobs that are not done. Two points of equal sizes share their jobs."""
        missing = [job for job in jobs if job.id not in self._waiting and not job.done]
        self._waiting |= {job.id: job for job in missing}
        for job in missing:
            self._failed.pop(job.id, None)
        self._packs.extend(make_packs(missing, self._placement) if missing else [])

    def _close_if_ended(self, point: StudyPoint) -> None:
        """Write the values of a point whose trials are all done, or its failure."""
        jobs = self._jobs(point)
        if any(job.id in self._waiting for job in jobs):
            return
        if any(job.id in self._failed for job in jobs):
            self._journal.fail(point.number)
            self._num_failed += 1
        else:
            results = (TrialResult(StoredTrial(job.folder, job.id, job.label, declared=True)) for job in jobs)
            self._journal.complete(point.number, self._require_scored(point_values(Scores(tuple(results)))))
        del self._active[point.number]

    def _require_scored(self, values: tuple[float, float]) -> tuple[float, float]:
        """Return the values of a point. Raises ConfigError if its accuracy is not a number."""
        if math.isnan(values[0]):
            raise ConfigError(
                f"{self._plan.folder}: its words have no split '{SCORED_SPLIT}', by which a search scores: keep words of each task unseen"
            )
        return values

    def _confirm(self) -> None:
        """Train the points of the front with fresh seeds, once the search is over."""
        self._is_confirming = True
        self._declare()
        for point in points_to_confirm(self._search, self._journal.points()):
            self._pack(point_jobs(self._plan, point.number, point.sizes, self._search.confirm_seeds))

    def _declare(self) -> None:
        """Write the points and their trials into ``sweep.json``."""
        points = self._journal.points()
        jobs = plan_with_points(self._plan, points).jobs
        write_declaration(replace(self._plan, jobs=jobs), search_record(self._plan, points))
