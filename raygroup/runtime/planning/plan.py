"""What a sweep will do, worked out from recipes and input files alone: neither torch nor ray is imported here."""

import functools
import hashlib
import importlib.resources
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from raygroup.config import Trial, Words, fingerprint, to_json, trial_id
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_if_there, write_json
from raygroup.files.places import Place
from raygroup.runtime.planning.mixtures import mixtures_of
from raygroup.search_space import Sweep, hypothesis, load
from raygroup.storage.locks import CONFIG, FAILED, STOP, SWEEP, done_ids, is_done, now
from raygroup.storage.sweeps import CACHE
from raygroup.words.feature_store import STORE, STORE_LAYOUT

BUNDLED = Path(str(importlib.resources.files("raygroup.weights") / "laptop.safetensors"))
_MULTIPLY_ADDS_PER_CPU_S = 24e9
"""Measured over the training steps of the default sweep, one thread."""
_TRUNK_READS = (32, 96)
"""Height and width of the crops the trunk was trained on."""
_CHARACTERS = 5.3
"""Mean length of a training word with its end."""


@dataclass(frozen=True)
class Job:
    """A trial and where its input and output lie."""

    id: str
    label: str
    trial: Trial
    folder: Place
    data: str
    """Fingerprint of words and weights."""
    store: Place
    features: Place
    weights: Path
    """The file on this machine."""
    shared_weights: Place | None
    """Where every machine finds it; None for the weights in the package."""

    @property
    def done(self) -> bool:
        return is_done(self.folder)

    @property
    def cpu_s(self) -> float:
        """Estimated processor seconds of its training, from the multiply-adds of a step (forward and twice that backward)."""
        heads, positions, features, classes = self.trial.heads, 24, 256, sum(self.trial.words.characters)
        h = max(heads.hiddens)
        step = h * h + (features + positions + 2 * h) * 3 * h + positions * (2 * h + features) + h * classes
        word = positions * features * h + _CHARACTERS * step
        return 3 * word * heads.count * self.trial.training.batch * self.trial.training.steps / _MULTIPLY_ADDS_PER_CPU_S


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
    _require_inputs(sweep, [trial for _, trial in trials], words, fonts)
    words_fingerprint, file_hash = functools.cache(_words_fingerprint), functools.cache(_file_hash)
    jobs = []
    for label, trial in trials:
        given, weights = words.absolute() if words else None, weights_file(trial.weights.file)
        drawn_from = words_fingerprint(trial.words, given, fonts.absolute() if fonts else None)
        data = fingerprint(drawn_from, file_hash(weights))
        size = (trial.words.height, trial.words.width)
        shared = None if weights == BUNDLED else storage / CACHE / f"weights-{file_hash(weights)[:16]}" / "weights.safetensors"
        job = trial_id(sweep.name, trial if given is None else _without_rendering(trial), data)
        jobs.append(
            Job(
                id=job, label=label, trial=trial, folder=storage / sweep.name / job, data=data, weights=weights, shared_weights=shared,
                store=storage / CACHE / f"words-{drawn_from[:16]}" / "words.parquet",
                features=storage / CACHE / f"features-{fingerprint(data, size, STORE_LAYOUT)[:16]}" / STORE,
            )
        )  # fmt: skip
    _require_fitting(jobs, words)
    mixtures_of(jobs, words)
    return Plan(sweep, hypothesis_text, storage, words, fonts, tuple(jobs))


def at_once(trials: int, cores: int) -> int:
    """How many trials of one thread run at a time: one a core, but a few more where the last round would leave cores idle."""
    fits_in_one_round = trials <= cores + max(3, cores // 2)
    return trials if fits_in_one_round else cores


def plan_of(name: str, storage: Place, words: Path | None = None, fonts: Path | None = None) -> Plan:
    """The plan of a search space by name or path."""
    return make_plan(load(name), hypothesis(name), storage, words, fonts)


def declare(plan: Plan) -> None:
    """Writes what the sweep is; a request to stop an earlier run of it is over."""
    trials = [{"id": job.id, "label": job.label} for job in plan.jobs]
    caches = sorted({path.parent.name for job in plan.jobs for path in (job.store, job.features)})
    said = {"name": plan.sweep.name, "hypothesis": plan.hypothesis, "trials": trials, "data": plan.jobs[0].data, "caches": caches}
    plan.folder.mkdir(parents=True, exist_ok=True)
    stored = read_if_there(plan.folder / SWEEP)
    if {key: stored.get(key) for key in said} != said:
        write_json(plan.folder / SWEEP, said | {"written_at": now()})
    (plan.folder / STOP).unlink(missing_ok=True)


def declare_trials(jobs: Iterable[Job], storage: Place) -> None:
    """Writes what these trials are, when their turn has come; one that failed before is tried again."""
    for job in jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / FAILED).unlink(missing_ok=True)
        inputs = {name: _within(getattr(job, name), storage) for name in ("store", "features")}
        weights = _within(job.shared_weights, storage) if job.shared_weights else "laptop"
        config = {"label": job.label, "sweep": job.folder.parent.name, "trial": to_json(job.trial), "data": job.data, **inputs}
        write_json(job.folder / CONFIG, config | {"weights": weights}, safe=False)


def _within(place: Place, storage: Place) -> str:
    return str(place.relative_to(storage))  # type: ignore[arg-type]


def _require_inputs(sweep: Sweep, trials: list[Trial], words: Path | None, fonts: Path | None) -> None:
    """Everything that is not there, in one line."""
    lacking = []
    sources = {trial.words.source for trial in trials} - {"rendered"}
    if sources and words is None:
        lacking.append(f"a word store of {', '.join(sorted(sources))} (--words PATH)")
    files = {trial.weights.file for trial in trials} - {"laptop"}
    lacking += [f"weights {file} (python -m raygroup.pretrain makes such files)" for file in sorted(files) if not Path(file).is_file()]
    sizes = {(trial.words.height, trial.words.width) for trial in trials} - {_TRUNK_READS}
    if sizes:
        raise ConfigError(f"words.height and words.width are {sizes.pop()}: the trunk reads crops of {_TRUNK_READS}")
    if lacking:
        raise ConfigError(f"{sweep.name} needs what is not there: {'; '.join(lacking)}")
    if words is not None and not words.exists():
        raise ConfigError(f"--words {words}: no such file or folder")
    if fonts is not None and not fonts.is_dir():
        raise ConfigError(f"--fonts {fonts}: no such folder")


def _without_rendering(trial: Trial) -> Trial:
    """What a trial on given words depends on: how words would have been rendered is not part of it."""
    words = trial.words
    return replace(trial, words=Words(source=words.source, mixture=words.mixture, mixture_weighting=words.mixture_weighting))


def _require_fitting(jobs: list[Job], words: Path | None) -> None:
    """Raises ConfigError for what could only fail later: equal trials, weights of another kind or size, heads and tasks that differ."""
    ids = {job.id: job.label for job in jobs}
    if len(ids) < len(jobs):
        raise ConfigError("grid: two of its trials are the same; give each value once")
    for job in jobs:
        heads, about = job.trial.heads, _about_weights(job.weights)
        if "head" not in about:
            raise ConfigError(f"weights.file: {job.weights} is not a file of python -m raygroup.pretrain (no 'raygroup' metadata)")
        size = about["head"]
        if heads.start == "universal" and (size["embed"], size["hidden"]) not in zip(heads.embeds, heads.hiddens, strict=True):
            right = f"{size['embed']} and {size['hidden']}, the universal head's, of some head at least, or heads.start 'independent'"
            raise ConfigError(f"heads.embed and heads.hidden are {heads.embed} and {heads.hidden}: they must be {right}")
        tasks = len(job.trial.words.tasks)
        if words is None and job.trial.grouping.method == "one-per-task" and heads.count != tasks:
            raise ConfigError(f"heads.count is {heads.count}: grouping.method 'one-per-task' needs one for each of the {tasks} tasks")


@functools.cache
def _about_weights(path: Path) -> dict[str, Any]:
    """What a weights file says of itself, read without torch; nothing for a file that is none."""
    try:
        with safe_open(path, "np") as file:
            stored = (file.metadata() or {}).get("raygroup", "{}")
    except SafetensorError:
        return {}
    return dict(json.loads(stored))


def weights_file(name: str) -> Path:
    """The file of a ``weights.file`` setting; raises ConfigError where there is none."""
    path = BUNDLED if name == "laptop" else Path(name).absolute()
    if not path.is_file():
        raise ConfigError(f"weights.file: no file {path}")
    return path


def _words_fingerprint(words: Words, given: Path | None, fonts: Path | None) -> str:
    if given is not None:
        from raygroup.words.importing.importer import data_fingerprint

        return fingerprint(data_fingerprint(given), list(words.tasks))
    from raygroup.words.rendering.synthesis import fonts_of, rendered_fingerprint

    return rendered_fingerprint(words, fonts_of(words, fonts))


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
