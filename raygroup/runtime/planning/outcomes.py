"""The step times that finished trials have measured.

Only a few outcomes are read, however many trials there are. A forecast for 10,000 trials must come
at once, also from an object store.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from raygroup.config import Pretraining, Trial
from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import Job, WordJob
from raygroup.runtime.planning.plan import Plan
from raygroup.search_space import STAGE_1, AnyTrial, any_trial_from_json
from raygroup.spotter_config import Detector
from raygroup.storage.layout import CONFIG_FILE, DONE_FILE, SWEEP_FILE
from raygroup.storage.records import intact_record, read_record
from raygroup.storage.sweeps import done_ids
from raygroup.training.packs.packing import shared_settings

ANY_KERNELS = ""
"""Kernel form of trials of stage 1 and on scenes. A detector has no heads, and those of the others have one form."""
_NO_EFFECT = (
    "training.steps", "training.order_seed", "training.draw", "training.checkpoint_every", "training.evidence",
    "training.evidence_every", "training.evidence_words", "grouping.probe", "words.mixture", "words.mixture_weighting",
)  # fmt: skip
"""Settings that the trials of a pack share, without an effect on the time of a step. Evidence has one only if gradients are gathered."""
_MAX_OWN = 5
"""Most outcomes that are read of each kind of trial in the plan."""
_MAX_PER_SWEEP = 24
"""Most outcomes that are read of each other sweep."""
_MAX_SWEEPS = 12
"""Most other sweeps that are read."""
_MIN_STEPS = 10
"""Fewest steps of an outcome that counts."""
_READERS = 16
"""Threads that read outcomes."""


@dataclass(frozen=True)
class Kind:
    """The facts of a trial that decide the time of its steps."""

    program: str
    """The settings that shape the program, and the words."""
    heads: int
    """0 if it groups no words."""


@dataclass(frozen=True)
class Sample:
    """The outcome of one finished trial."""

    kind: Kind
    pack_size: int
    device: str
    kernels: str
    steps: int
    seconds: float
    """Time of one step of its pack."""


def job_kind(job: Job) -> Kind:
    return _trial_kind(job.trial, job.store.parent.name if isinstance(job, WordJob) else "")


def _trial_kind(trial: AnyTrial, store: str) -> Kind:
    """Return the kind of a trial. The word store is part of it, because it decides the number of classes."""
    if isinstance(trial, Pretraining):
        # The steps of its two phases take different times, so only trainings with the same share of both are comparable.
        shares = (trial.batch, trial.steps / trial.head_steps)
        return Kind(repr((STAGE_1, trial.heads.embeds, trial.heads.hiddens, sum(trial.words.characters), *shares)), 0)
    if not isinstance(trial, Trial):
        sizes = (trial.size, trial.samples.side, trial.training.batch)
        parts = () if isinstance(trial, Detector) else (trial.heads.count, trial.heads.source, trial.regions, trial.loss, trial.freeze)
        return Kind(repr((*sizes, *parts)), 0)
    settings = sorted((name, value) for name, value in shared_settings(trial).items() if name not in _NO_EFFECT)
    evidence = (trial.gathering_share, trial.training.evidence, trial.training.evidence_words) if trial.gathering_share else ()
    return Kind(repr((store, settings, *evidence)), trial.heads.count)


def pack_step_s(samples: Sequence[Sample], heads: Sequence[int]) -> float | None:
    """Return the step time of trials with these heads, or None.

    All samples have the program of these trials. For one trial only trials alone with as many heads
    count. For several it is the median of the packs nearest in size, scaled to this size, if
    possible from trials with as many heads.
    """
    if len(heads) == 1:
        return _median_seconds([sample for sample in samples if sample.pack_size == 1 and sample.kind.heads == heads[0]])
    if not samples:
        return None
    size = min({sample.pack_size for sample in samples}, key=lambda size: abs(size - len(heads)))
    nearest = [sample for sample in samples if sample.pack_size == size]
    seconds = _median_seconds([sample for sample in nearest if sample.kind.heads in heads] or nearest)
    return None if seconds is None else seconds * len(heads) / size


def _median_seconds(samples: Sequence[Sample]) -> float | None:
    """Return the median of the longer samples.

    They have at least half as many steps as the longest. Short runs are mostly start and end.
    """
    longest = max((sample.steps for sample in samples), default=0)
    return median(sample.seconds for sample in samples if 2 * sample.steps >= longest) if longest else None


def read_samples(plan: Plan) -> list[Sample]:
    """Read a few outcomes of each kind of trial in the plan.

    Add a few outcomes of every other sweep under the storage path.
    """
    if not plan.storage.is_dir():
        return []
    done = done_ids(plan.folder)
    counts: Counter[Kind] = Counter()
    declared: list[tuple[Place, Kind]] = []
    for job in (job for job in plan.jobs if job.id in done):
        kind = job_kind(job)
        counts[kind] += 1
        if counts[kind] <= _MAX_OWN:
            declared.append((job.folder, kind))
    with ThreadPoolExecutor(_READERS) as readers:
        samples = list(readers.map(lambda trial: _read_sample(*trial), declared))
        samples += readers.map(_read_undeclared_sample, _undeclared_trials(plan, done - {job.id for job in plan.jobs}))
    return [sample for sample in samples if sample is not None]


def _undeclared_trials(plan: Plan, former_ids: set[str]) -> Iterator[Place]:
    """Yield folders of finished trials that the plan does not declare.

    They are spread evenly over each sweep. ``former_ids`` are those in the plan's own folder, from
    an earlier version of its search space.
    """
    folders: list[Place] = [path.parent for path in plan.storage.glob(f"*/{SWEEP_FILE}")]
    others = [folder for folder in sorted(folders, key=str) if folder != plan.folder][:_MAX_SWEEPS]
    for folder in [plan.folder, *others]:
        ids = sorted(former_ids if folder == plan.folder else done_ids(folder))
        stride = max(1, -(-len(ids) // _MAX_PER_SWEEP))
        yield from (folder / name for name in ids[::stride])


def _read_undeclared_sample(folder: Place) -> Sample | None:
    """Return a trial's sample, or None if its settings are unknown."""
    try:
        config = read_record(folder / CONFIG_FILE)
        trial = any_trial_from_json(config["trial"])
    except ConfigError:
        return None
    return _read_sample(folder, _trial_kind(trial, PurePosixPath(config.get("store", "")).parent.name))


def _read_sample(folder: Place, kind: Kind) -> Sample | None:
    """Return the sample of a finished trial.

    None means that its outcome lacks a fact or has too few steps.
    """
    outcome: dict[str, Any] = intact_record(folder / DONE_FILE)
    device, form = outcome.get("device"), outcome.get("kernels") if kind.heads else ANY_KERNELS
    # More trials than cores may have shared a processor. There its own seconds count, not the clock's.
    total_s = outcome.get("cpu_s" if device == "cpu" else "wall_s")
    steps = int(outcome.get("steps", 0)) - int(outcome.get("first_step", 0))
    if device is None or form is None or total_s is None or steps < _MIN_STEPS:
        return None
    pack_size = int(outcome.get("pack", 1))
    pack_s = float(total_s) * (pack_size if device == "cpu" else 1)  # ``cpu_s`` is the trial's share of its pack
    return Sample(kind, pack_size, str(device), str(form), steps, pack_s / steps)
