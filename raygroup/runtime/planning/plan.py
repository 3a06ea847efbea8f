"""What a sweep will do, worked out from recipes and input files alone: neither torch nor ray is imported here."""

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from raygroup.config import Trial, Words, trial_id
from raygroup.config_sections import fingerprint
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import BUNDLED, Job, weights_file
from raygroup.runtime.planning.mixtures import mixtures_of
from raygroup.runtime.planning.requirements import require_inputs, require_trainable
from raygroup.search_space import Sweep, hypothesis, load
from raygroup.storage.layout import STOP_FILE, SWEEP_FILE, features_path, now, weights_path, words_path
from raygroup.storage.sweeps import done_ids
from raygroup.words.feature_store import STORE_LAYOUT


@dataclass(frozen=True)
class Plan:
    """A sweep's trials on a storage path."""

    sweep: Sweep
    hypothesis: str
    storage: Place
    words: Path | None
    fonts: Path | None
    jobs: tuple[Job, ...]

    @property
    def folder(self) -> Place:
        return self.storage / self.sweep.name

    @property
    def missing(self) -> tuple[Job, ...]:
        done = done_ids(self.folder)
        return tuple(job for job in self.jobs if job.id not in done)


def make_plan(sweep: Sweep, hypothesis_text: str, storage: Place, words: Path | None, fonts: Path | None) -> Plan:
    """Every trial with its id. Raises ConfigError, in one line, for input that is missing: words, fonts of a script, weights."""
    storage = storage.absolute()
    trials = sweep.trials()
    require_inputs(sweep, [trial for _, trial in trials], words, fonts)
    words_fingerprint, file_hash = functools.cache(_words_fingerprint), functools.cache(_file_hash)
    jobs = []
    for label, trial in trials:
        given, weights = words.absolute() if words else None, weights_file(trial.weights.file)
        drawn_from = words_fingerprint(trial.words, given, fonts.absolute() if fonts else None)
        data = fingerprint(drawn_from, file_hash(weights))
        size = (trial.words.height, trial.words.width)
        shared = None if weights == BUNDLED else weights_path(storage, file_hash(weights))
        job = trial_id(sweep.name, trial if given is None else _without_rendering(trial), data)
        jobs.append(
            Job(
                id=job, label=label, trial=trial, folder=storage / sweep.name / job, data=data, weights=weights, shared_weights=shared,
                store=words_path(storage, drawn_from),
                features=features_path(storage, fingerprint(data, size, STORE_LAYOUT)),
            )
        )  # fmt: skip
    require_trainable(jobs, words)
    mixtures_of(jobs, words)
    return Plan(sweep, hypothesis_text, storage, words, fonts, tuple(jobs))


def plan_of(name: str, storage: Place, words: Path | None = None, fonts: Path | None = None) -> Plan:
    """The plan of a search space by name or path."""
    return make_plan(load(name), hypothesis(name), storage, words, fonts)


def declare(plan: Plan) -> None:
    """Writes what the sweep is; a request to stop an earlier run of it is over."""
    trials = [{"id": job.id, "label": job.label} for job in plan.jobs]
    caches = sorted({path.parent.name for job in plan.jobs for path in (job.store, job.features)})
    said = {"name": plan.sweep.name, "hypothesis": plan.hypothesis, "trials": trials, "data": plan.jobs[0].data, "caches": caches}
    plan.folder.mkdir(parents=True, exist_ok=True)
    stored = read_json_if_exists(plan.folder / SWEEP_FILE)
    if {key: stored.get(key) for key in said} != said:
        write_json(plan.folder / SWEEP_FILE, said | {"written_at": now()})
    (plan.folder / STOP_FILE).unlink(missing_ok=True)


def _without_rendering(trial: Trial) -> Trial:
    """What a trial on given words depends on: how words would have been rendered is not part of it."""
    words = trial.words
    return replace(trial, words=Words(source=words.source, mixture=words.mixture, mixture_weighting=words.mixture_weighting))


def _words_fingerprint(words: Words, given: Path | None, fonts: Path | None) -> str:
    if given is not None:
        from raygroup.words.importing.importer import data_fingerprint

        return fingerprint(data_fingerprint(given), list(words.tasks))
    from raygroup.words.rendering.synthesis import fonts_of, rendered_fingerprint

    return rendered_fingerprint(words, fonts_of(words, fonts))


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
