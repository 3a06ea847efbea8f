"""The trials of a search of head sizes: those of the points so far, and drawn ones for those that are still to be asked."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from raygroup.config import trial_id
from raygroup.config_sections import fingerprint
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import Job, WordJob, word_jobs
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.searches.journal import COMPLETE, StudyPoint, read_journal, require_optuna
from raygroup.searches.head_sizes import HeadSizes, SizeSearch
from raygroup.storage.identity import without_rendering
from raygroup.storage.layout import JOURNAL_FILE
from raygroup.tables.searches.size_points import front_places


def search_of(plan: Plan) -> SizeSearch:
    """Return the search of a plan."""
    assert isinstance(plan.sweep, SizeSearch)
    return plan.sweep


def journal_path(plan: Plan) -> Place:
    """Return the path of the journal."""
    return plan.folder / JOURNAL_FILE


def stored_points(plan: Plan) -> Sequence[StudyPoint]:
    """Return the points that were asked so far. Raises ConfigError without Optuna, and for the journal of another search."""
    require_optuna()
    return read_journal(journal_path(plan), search_of(plan), plan.jobs[0].data)


def point_jobs(plan: Plan, number: int, sizes: HeadSizes, seeds: Iterable[int]) -> tuple[WordJob, ...]:
    """Return the jobs of a point. All points share their words, features and weights with the first job of the plan."""
    first = word_jobs(plan.jobs)[0]
    search, jobs = search_of(plan), []
    for label, trial in search.point_trials(number, sizes, seeds):
        job_id = trial_id(search.name, trial if plan.words is None else without_rendering(trial), first.data)
        jobs.append(replace(first, id=job_id, label=label, trial=trial, folder=plan.folder / job_id))
    return tuple(jobs)


def num_complete(points: Iterable[StudyPoint]) -> int:
    """Return the number of points whose values are known. Repeated points count too."""
    return sum(point.state == COMPLETE for point in points)


def front_points(points: Sequence[StudyPoint]) -> tuple[StudyPoint, ...]:
    """Return the points that no other beats. Of equal points the first counts."""
    complete = [point for point in points if point.state == COMPLETE]
    places = front_places([point.values for point in complete if point.values is not None])
    return tuple(complete[place] for place in places)


def points_to_confirm(search: SizeSearch, points: Sequence[StudyPoint]) -> tuple[StudyPoint, ...]:
    """Return the points to train with fresh seeds. There are none before the search is over."""
    is_over = num_complete(points) >= search.num_points
    return front_points(points) if search.confirm_seeds and is_over else ()


def plan_with_points(plan: Plan, points: Sequence[StudyPoint]) -> Plan:
    """Return the plan with the jobs of all points so far, of those to start with, and of the fresh seeds of the front."""
    search = search_of(plan)
    jobs: dict[str, Job] = {}
    numbered = [(point.number, point.sizes) for point in points]
    asked = {point.sizes for point in points}
    firsts = [sizes for sizes in search.first_points if sizes not in asked][: max(0, search.num_points - len(points))]
    for number, sizes in [*numbered, *enumerate(firsts, len(points))]:
        jobs |= {job.id: job for job in point_jobs(plan, number, sizes, search.seeds) if job.id not in jobs}
    for point in points_to_confirm(search, points):
        jobs |= {job.id: job for job in point_jobs(plan, point.number, point.sizes, search.confirm_seeds)}
    return replace(plan, jobs=tuple(jobs.values()))


def drawn_jobs(plan: Plan, points: Sequence[StudyPoint]) -> tuple[WordJob, ...]:
    """Return jobs of random sizes that stand for the points still to be asked. A forecast needs their number and about their size."""
    search = search_of(plan)
    first = max(len(points), min(len(search.first_points), search.num_points))
    generator = random.Random(fingerprint(search.name))
    heads, jobs = range(search.word_trial.heads.count), []
    for number in range(first, first + max(0, search.num_points - max(num_complete(points), first))):
        ranges = (search.embed, search.hidden)
        embed, hidden = (tuple(generator.choice(own.sizes) for _ in heads) for own in ranges)
        drawn = point_jobs(plan, number, HeadSizes(embed=embed, hidden=hidden), search.seeds)
        jobs += [replace(job, label=f"{job.label} (drawn)") for job in drawn]
    return tuple(jobs)


def search_record(plan: Plan, points: Sequence[StudyPoint]) -> dict[str, Any]:
    """Return what ``sweep.json`` says of a search: its seeds, and every point with its trials."""
    search = search_of(plan)
    confirmed = {point.number for point in points_to_confirm(search, points)}
    return {
        "seeds": list(search.seeds), "confirm_seeds": list(search.confirm_seeds), "num_points": search.num_points,
        "points": [
            {
                "number": point.number, "embed": _listed(point.sizes.embed), "hidden": _listed(point.sizes.hidden),
                "trials": [job.id for job in point_jobs(plan, point.number, point.sizes, search.seeds)],
                "confirm": [
                    job.id for job in point_jobs(plan, point.number, point.sizes, search.confirm_seeds) if point.number in confirmed
                ],
            }
            for point in points
        ],
    }  # fmt: skip


def _listed(sizes: int | tuple[int, ...]) -> list[int]:
    return list(sizes) if isinstance(sizes, tuple) else [sizes]
