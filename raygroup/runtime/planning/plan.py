"""Plan a sweep: give every trial its id and its places.

This needs neither torch nor ray.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config import Finetuning, Pretraining, Trial, Words, trial_id
from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import Job, WordJob, require_distinct
from raygroup.runtime.planning.mixtures import collect_mixtures
from raygroup.runtime.planning.requirements import require_data, require_inputs, require_trainable
from raygroup.runtime.planning.scene_plan import plan_scene_jobs
from raygroup.runtime.planning.starting_weights import StartingWeights
from raygroup.runtime.stage1.plan import plan_stage1_jobs
from raygroup.search_space import GROUP_HEADS, GROUPINGS, SCENES, STAGE_1, Sweep, hypothesis, load
from raygroup.storage.identity import without_rendering
from raygroup.storage.layout import STOP_FILE, SWEEP_FILE, features_path, now, words_path
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import done_ids
from raygroup.words.feature_store import STORE_LAYOUT
from raygroup.words.importing.listed_rows import ReportProgress, ignore_progress

if TYPE_CHECKING:
    from raygroup.words.importing.preview import ReadLabels


@dataclass(frozen=True)
class Plan:
    """The trials of a sweep on a storage path."""

    sweep: Sweep
    hypothesis: str
    storage: Place
    words: Path | None
    """The user's words. None renders words with fonts."""
    fonts: Path | None
    """A folder of fonts. None uses those of this machine."""
    jobs: tuple[Job, ...]
    scenes: Path | None = None
    """The user's scenes. None trains on words."""
    labels: "Mapping[tuple[str, ...], ReadLabels]" = field(default_factory=dict)
    """The labels of the user's words, for each distinct ``words.tasks`` of the trials."""
    after: "Plan | None" = None
    """The plan of the stage before."""

    @property
    def folder(self) -> Place:
        return self.storage / self.sweep.name

    @property
    def stages(self) -> "tuple[Plan, ...]":
        """This plan, behind those of the stages before it."""
        return (*(self.after.stages if self.after else ()), self)

    @property
    def trains_on(self) -> str:
        """What the trials train on: ``SCENES``, ``STAGE_1``, ``GROUP_HEADS`` or ``GROUPINGS``. All trials of a sweep are of one kind."""
        trial = self.jobs[0].trial
        if self.scenes is not None:
            return SCENES
        if isinstance(trial, Pretraining):
            return STAGE_1
        return GROUP_HEADS if isinstance(trial, Trial) and trial.grouping.is_cover else GROUPINGS

    @property
    def missing(self) -> tuple[Job, ...]:
        """The jobs of this stage that are not done."""
        done = done_ids(self.folder)
        return tuple(job for job in self.jobs if job.id not in done)


def make_plan(
    sweep: Sweep, hypothesis_text: str, storage: Place, words: Path | None, fonts: Path | None, progress: ReportProgress = ignore_progress,
    scenes: Path | None = None,
) -> Plan:  # fmt: skip
    """Give every trial of a sweep its id and its places. ``progress`` follows the reading of the user's words.

    The sweep that it comes after is planned first. Raises ConfigError if an input is missing (words or scenes, fonts of a script, weights),
    or if a trial could only fail later.
    """
    require_data(sweep, words, fonts, scenes)
    storage = storage.absolute()
    if scenes is not None:
        return Plan(sweep, hypothesis_text, storage, None, None, plan_scene_jobs(sweep, storage, scenes), scenes.absolute())
    after = _plan_stage_before(sweep, storage, words, fonts, progress) if sweep.after else None
    if isinstance(sweep.trial, Finetuning) and after is not None:
        return Plan(sweep, hypothesis_text, storage, words, fonts, plan_finetuning_jobs(sweep, after), labels=after.labels, after=after)
    jobs, labels = _plan_word_jobs(sweep, storage, words, fonts, progress, after)
    return Plan(sweep, hypothesis_text, storage, words, fonts, jobs, labels=labels, after=after)


def _plan_stage_before(sweep: Sweep, storage: Place, words: Path | None, fonts: Path | None, progress: ReportProgress) -> Plan:
    """Plan the sweep that another comes after. Its errors say so."""
    try:
        return make_plan(sweep.after, _stored_hypothesis(sweep.after), storage, words, fonts, progress)
    except ConfigError as error:
        text = str(error).removeprefix(f"{sweep.after.name}: ")
        raise ConfigError(f"{sweep.name} comes after {sweep.after.name}: {text}") from error


def _stored_hypothesis(sweep: Sweep) -> str:
    """Return the docstring of the search space with the name of an earlier stage, if there is one."""
    try:
        return hypothesis(sweep.name)
    except ConfigError:
        return ""


def plan_finetuning_jobs(sweep: Sweep, after: Plan) -> tuple[WordJob, ...]:
    """Give every trial of stage 3 its id and its places. Words, features and trunk are those of its trial of stage 2."""
    jobs = []
    for (label, trial), start in zip(sweep.trials(), sweep.starts(), strict=True):
        before = after.jobs[start or 0]
        if isinstance(trial, Trial) and isinstance(before, WordJob):
            data = fingerprint(before.data, before.content)
            job_id = trial_id(sweep.name, trial if after.words is None else without_rendering(trial), data)
            folder = after.storage / sweep.name / job_id
            jobs.append(replace(before, id=job_id, label=label, trial=trial, folder=folder, data=data, start=before.folder))
    require_distinct(jobs)
    return tuple(jobs)


def _plan_word_jobs(
    sweep: Sweep, storage: Place, words: Path | None, fonts: Path | None, progress: ReportProgress, after: Plan | None
) -> "tuple[tuple[Job, ...], Mapping[tuple[str, ...], ReadLabels]]":
    words_path_here = words.absolute() if words else None
    fonts_path = fonts.absolute() if fonts else None
    on_words = [trial for _, trial in sweep.trials() if isinstance(trial, Trial | Pretraining)]
    require_inputs(sweep, on_words, words, fonts)
    # Fingerprints read whole files, and most trials of a sweep share them.
    labels = _read_labels(on_words, words_path_here, progress)
    words_fingerprint = functools.cache(
        functools.partial(_words_fingerprint, words=words_path_here, fonts=fonts_path, labels=labels, progress=progress)
    )
    if isinstance(sweep.trial, Pretraining):
        stage1 = plan_stage1_jobs(sweep, storage, words_fingerprint)
        collect_mixtures(stage1, words)  # checks them
        return stage1, labels
    weights_of = StartingWeights(storage, [job for stage in after.stages for job in stage.jobs] if after else ())
    befores: dict[str, WordJob] = {}
    trials = [(label, trial) for label, trial in sweep.trials() if isinstance(trial, Trial)]
    jobs = []
    for (label, trial), start in zip(trials, sweep.starts() if after else [None] * len(trials), strict=True):
        before = after.jobs[start] if after and start is not None else None
        weights = weights_of.behind(before) if isinstance(before, WordJob) else weights_of(trial, start)
        words_hash = words_fingerprint(trial.words)
        data = fingerprint(words_hash, weights.content)
        crop_size = (trial.words.height, trial.words.width)
        job_id = trial_id(sweep.name, trial if words is None else without_rendering(trial), data)
        befores |= {job_id: before} if isinstance(before, WordJob) else {}
        jobs.append(
            WordJob(
                id=job_id,
                label=label,
                trial=trial,
                folder=storage / sweep.name / job_id,
                data=data,
                store=words_path(storage, words_hash),
                features=features_path(storage, fingerprint(fingerprint(words_hash, weights.trunk), crop_size, STORE_LAYOUT)),
                weights=weights.file,
                shared_weights=weights.shared,
                start=weights.start,
            )
        )
    require_distinct(jobs)
    require_trainable(jobs, lambda words: labels[words.tasks].tasks if labels else words.task_names, weights_of.head_size, befores)
    collect_mixtures(jobs, words)  # checks them
    return tuple(jobs), labels


def load_plan(
    sweep: Sweep | str, storage: Place, words: Path | None = None, fonts: Path | None = None, progress: ReportProgress = ignore_progress,
    weights: str | None = None, scenes: Path | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a sweep, or of the search space with this name or path. ``weights`` replace those that it names.

    Raises ConfigError like ``make_plan``.
    """
    space, text = (sweep, "") if isinstance(sweep, Sweep) else (load(sweep), hypothesis(sweep))
    return make_plan(space.with_weights(weights) if weights else space, text, storage, words, fonts, progress, scenes)


def declare_sweep(plan: Plan) -> None:
    """Write the ``sweep.json`` of a plan. A request to stop an earlier run is withdrawn."""
    write_declaration(plan)
    (plan.folder / STOP_FILE).unlink(missing_ok=True)


def write_declaration(plan: Plan, search: Mapping[str, Any] | None = None) -> None:
    """Write the ``sweep.json`` of a plan. ``search`` holds the points of a search."""
    trials = [{"id": job.id, "label": job.label} for job in plan.jobs]
    caches = sorted({path.parent.name for job in plan.jobs for path in job.caches})
    declared: dict[str, Any] = {
        "name": plan.sweep.name, "hypothesis": plan.hypothesis, "trials": trials, "data": plan.jobs[0].data, "caches": caches,
    }  # fmt: skip
    declared |= {"trains_on": plan.trains_on} if plan.trains_on != GROUPINGS else {}
    declared |= {"after": plan.after.sweep.name} if plan.after is not None else {}
    declared |= {"search": search} if search is not None else {}
    plan.folder.mkdir(parents=True, exist_ok=True)
    stored = intact_record(plan.folder / SWEEP_FILE)
    if {key: stored.get(key) for key in declared} != declared:
        write_json(plan.folder / SWEEP_FILE, declared | {"written_at": now()})


def _read_labels(
    trials: Iterable[Trial | Pretraining], words: Path | None, progress: ReportProgress
) -> "dict[tuple[str, ...], ReadLabels]":  # fmt: skip
    """Read the labels of the user's words once for each distinct ``words.tasks``."""
    if words is None:
        return {}
    from raygroup.words.importing.preview import read_labels

    return {tasks: read_labels(words, tasks, progress) for tasks in dict.fromkeys(trial.words.tasks for trial in trials)}


def _words_fingerprint(
    settings: Words, *, words: Path | None, fonts: Path | None, labels: "Mapping[tuple[str, ...], ReadLabels]", progress: ReportProgress
) -> str:
    if words is not None:
        from raygroup.words.importing.importer import data_fingerprint

        # Words of a script task were dropped before version 0.3.0, so they make other trials. All other trials keep their ids.
        tasks = [*settings.tasks, *labels[settings.tasks].script_tasks]
        return fingerprint(data_fingerprint(words, progress), tasks)
    from raygroup.words.rendering.synthesis import fonts_of, rendered_fingerprint, require_full_parts

    require_full_parts(settings)
    return rendered_fingerprint(settings, fonts_of(settings, fonts))
