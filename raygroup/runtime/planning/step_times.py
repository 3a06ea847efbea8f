"""Seconds a training step of a pack takes: as finished trials measured it, as a calibration did, or else from its multiply-adds.

Only a few outcomes are read, however many trials there are: the answer for 10,000 must come at once, also from an object store.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from statistics import median
from typing import Any

from raygroup.config import Trial, trial_from_json
from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json, read_json_if_exists, write_json
from raygroup.files.places import Place
from raygroup.packing import shared_settings
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.plan import Plan
from raygroup.storage.layout import CACHE_FOLDER, CONFIG_FILE, DONE_FILE, STEP_TIMES_FILE, SWEEP_FILE
from raygroup.storage.sweeps import done_ids

MEASURED, CALIBRATED, ESTIMATED = "measured", "calibrated", "estimated"
_UNLIKE = ("training.steps", "training.order_seed", "training.checkpoint_every", "words.mixture", "words.mixture_weighting")
"""What the trials of a pack share without its mattering to a step's time."""
_OF_EACH, _OF_OTHERS, _SWEEPS = 5, 24, 12
"""Outcomes read of each kind of trial, of each other sweep, and sweeps looked at."""
_FEWEST_STEPS = 10
_GPU_AS_CORES = 50.0
"""Multiply-adds of a GPU, in cores. A guess, for want of a measurement; ``--calibrate`` on a machine with one gives a number."""
_GPU_STEP_S = 0.01
"""A step launches about a thousand operators (benchmarks/grid.py), each ten microseconds at least."""


@dataclass(frozen=True)
class StepTime:
    """Of a whole pack; on a processor in seconds of it."""

    seconds: float
    basis: str
    """MEASURED, CALIBRATED or ESTIMATED."""


@dataclass(frozen=True)
class Calibration:
    """A stored measurement of steps on made-up words."""

    program: str
    device: str
    kernels: str
    machine: str
    seconds: float
    at: str


@dataclass(frozen=True)
class _Sample:
    """What one finished trial says."""

    kind: str
    heads: int
    pack: int
    device: str
    kernels: str
    steps: int
    seconds: float
    """A step of its pack."""


def program(jobs: Sequence[Job]) -> str:
    """What decides how long a step of these trials together takes on a machine, as a short name."""
    return fingerprint(_kind(jobs[0].trial, jobs[0].store.parent.name), sorted(job.trial.heads.count for job in jobs))[:16]


class StepTimes:
    """The times known of a plan's packs on a device in a form of kernels; ``calibrations`` made just now count before all else."""

    def __init__(self, plan: Plan, device: str, kernels: str, machine: str, calibrations: Iterable[Calibration] | None = None) -> None:
        self.device, self.kernels = device, kernels
        samples = [sample for sample in _samples(plan) if (sample.device, sample.kernels) == (device, kernels)]
        self._measured: dict[str, list[_Sample]] = {}
        for sample in samples:
            self._measured.setdefault(sample.kind, []).append(sample)
        self._now = {each.program: each.seconds for each in calibrations or ()}
        stored = [each for each in stored_calibrations(plan.storage) if (each.device, each.kernels) == (device, kernels)]
        self._before = {each.program: each.seconds for each in sorted(stored, key=lambda each: (each.machine == machine, each.at))}
        self._known: dict[tuple[str, tuple[int, ...]], StepTime] = {}

    def of(self, jobs: Sequence[Job]) -> StepTime:
        """A step of these trials as one pack."""
        kind = _kind(jobs[0].trial, jobs[0].store.parent.name)
        key = (kind, tuple(sorted(job.trial.heads.count for job in jobs)))
        if key not in self._known:
            self._known[key] = self._found(kind, jobs)
        return self._known[key]

    def _found(self, kind: str, jobs: Sequence[Job]) -> StepTime:
        name = program(jobs)
        if name in self._now:
            return StepTime(self._now[name], CALIBRATED)
        measured = _of_pack(self._measured.get(kind, []), [job.trial.heads.count for job in jobs])
        if measured is not None:
            return StepTime(measured, MEASURED)
        if name in self._before:
            return StepTime(self._before[name], CALIBRATED)
        cores_s = sum(job.cpu_s / job.trial.training.steps for job in jobs)
        return StepTime(cores_s if self.device == "cpu" else max(_GPU_STEP_S, cores_s / _GPU_AS_CORES), ESTIMATED)


def stored_calibrations(storage: Place) -> list[Calibration]:
    """Those kept beside the caches."""
    stored = read_json_if_exists(storage / CACHE_FOLDER / STEP_TIMES_FILE).get("times", [])
    try:
        return [Calibration(**each) for each in stored]
    except TypeError as error:
        raise ConfigError(f"{storage / CACHE_FOLDER / STEP_TIMES_FILE}: {error}; delete the file, it is made anew") from error


def keep_calibrations(storage: Place, made: Sequence[Calibration]) -> None:
    """Adds to them; of one program on one machine the newest stays."""
    kept = {(e.program, e.device, e.kernels, e.machine): e for e in [*stored_calibrations(storage), *made]}
    (storage / CACHE_FOLDER).mkdir(parents=True, exist_ok=True)
    write_json(storage / CACHE_FOLDER / STEP_TIMES_FILE, {"times": [asdict(each) for each in kept.values()]})


def _kind(trial: Trial, store: str) -> str:
    """The settings that shape a step's program, and the words, which decide how many classes there are."""
    return repr((store, sorted((name, value) for name, value in shared_settings(trial).items() if name not in _UNLIKE)))


def _of_pack(samples: Sequence[_Sample], heads: Sequence[int]) -> float | None:
    """The median of packs as large, of those with heads as these where there are any; else of packs of another size, in proportion."""
    if len(heads) == 1:
        return _median([sample for sample in samples if sample.pack == 1 and sample.heads == heads[0]])
    if not samples:
        return None
    size = min({sample.pack for sample in samples}, key=lambda pack: abs(pack - len(heads)))
    alike = [sample for sample in samples if sample.pack == size]
    found = _median([sample for sample in alike if sample.heads in heads] or alike)
    return None if found is None else found * len(heads) / size


def _median(samples: Sequence[_Sample]) -> float | None:
    """Short runs are mostly beginning and end: where there are longer ones, those count."""
    longest = max((sample.steps for sample in samples), default=0)
    return median(sample.seconds for sample in samples if 2 * sample.steps >= longest) if longest else None


def _samples(plan: Plan) -> list[_Sample]:
    """Of the plan's own finished trials a few of each kind, and a few of all others in each sweep under the storage path."""
    if not plan.storage.is_dir():
        return []
    done = done_ids(plan.folder)
    taken: Counter[tuple[str, int]] = Counter()
    own = []
    for job in (job for job in plan.jobs if job.id in done):
        kind = (_kind(job.trial, job.store.parent.name), job.trial.heads.count)
        taken[kind] += 1
        if taken[kind] <= _OF_EACH:
            own.append((job.folder, kind))
    with ThreadPoolExecutor(16) as readers:
        found = list(readers.map(lambda each: _read(*each), own))
        found += readers.map(_read_other, _others(plan, done - {job.id for job in plan.jobs}))
    return [sample for sample in found if sample is not None]


def _others(plan: Plan, earlier: set[str]) -> Iterator[Place]:
    """Folders of finished trials, spread evenly over each sweep: ``earlier`` ones of the plan's own, which it no longer declares, and
    those of others."""
    folders: list[Place] = [path.parent for path in plan.storage.glob(f"*/{SWEEP_FILE}")]
    others = [folder for folder in sorted(folders, key=str) if folder != plan.folder][:_SWEEPS]
    for folder in [plan.folder, *others]:
        ids = sorted(earlier if folder == plan.folder else done_ids(folder))
        yield from (folder / name for name in ids[:: max(1, -(-len(ids) // _OF_OTHERS))])


def _read_other(folder: Place) -> _Sample | None:
    """None for a trial of another version, whose settings this one does not know."""
    try:
        config = read_json(folder / CONFIG_FILE)
        trial = trial_from_json(config["trial"])
    except (ConfigError, KeyError):
        return None
    return _read(folder, (_kind(trial, PurePosixPath(config.get("store", "")).parent.name), trial.heads.count))


def _read(folder: Place, kind: tuple[str, int]) -> _Sample | None:
    """None where the outcome does not say enough. A processor may have been shared by more trials than it has cores: its own seconds
    count, not those of the clock."""
    outcome: dict[str, Any] = read_json_if_exists(folder / DONE_FILE)
    on, form, took = outcome.get("device"), outcome.get("kernels"), outcome.get("cpu_s" if outcome.get("device") == "cpu" else "wall_s")
    steps = int(outcome.get("steps", 0)) - int(outcome.get("first_step", 0))
    if on is None or form is None or took is None or steps < _FEWEST_STEPS:
        return None
    pack = int(outcome.get("pack", 1))
    each = float(took) * (pack if on == "cpu" else 1)
    return _Sample(kind[0], kind[1], pack, str(on), str(form), steps, each / steps)
