"""The time of a training step of a pack.

Finished trials or a calibration measure it. Otherwise it is estimated from the multiply-adds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.outcomes import ANY_KERNELS, Sample, job_kind, pack_step_s, read_samples
from raygroup.runtime.planning.plan import Plan
from raygroup.storage.layout import CACHE_FOLDER, STEP_TIMES_FILE
from raygroup.storage.records import read_record_if_exists

MEASURED, CALIBRATED, ESTIMATED = "measured", "calibrated", "estimated"
_GPU_AS_CORES = 50.0
"""Speed of a GPU in processor cores. This is a guess; ``--calibrate`` on a machine with a GPU measures it."""
_GPU_STEP_S = 0.01
"""Shortest step on a GPU: it launches about a thousand operators (benchmarks/grid.py), at ten
microseconds each.
"""


@dataclass(frozen=True)
class StepTime:
    """The time of one step of a whole pack."""

    seconds: float
    """Wall seconds on a GPU, processor seconds on a CPU."""
    basis: str
    """MEASURED, CALIBRATED or ESTIMATED."""


@dataclass(frozen=True)
class Calibration:
    """A stored measurement of training steps on synthetic words. Its fields are the JSON keys."""

    program: str
    device: str
    kernels: str
    machine: str
    seconds: float
    at: str


def program_name(jobs: Sequence[Job]) -> str:
    """Return a short name for the program of a pack.

    Packs with the same name take the same time for a step on the same machine.
    """
    return fingerprint(job_kind(jobs[0]).program, _heads_of(jobs))[:16]


def _heads_of(jobs: Sequence[Job]) -> list[int]:
    return sorted(job_kind(job).heads for job in jobs)


class StepTimes:
    """The step times of packs, for one device and kernel form."""

    def __init__(self, plan: Plan, device: str, kernels: str, machine: str, calibrations: Iterable[Calibration] = ()) -> None:
        """``calibrations`` were made just now, so they count before all other times."""
        self.device = device
        self._measured: dict[str, list[Sample]] = {}
        for sample in read_samples(plan):
            if sample.device == device and sample.kernels in (kernels, ANY_KERNELS):
                self._measured.setdefault(sample.kind.program, []).append(sample)
        self._new = {calibration.program: calibration.seconds for calibration in calibrations}
        stored = [each for each in read_calibrations(plan.storage) if (each.device, each.kernels) == (device, kernels)]
        # The last one counts: the newest of this machine, or else the newest of any machine.
        stored.sort(key=lambda calibration: (calibration.machine == machine, calibration.at))
        self._stored = {calibration.program: calibration.seconds for calibration in stored}
        self._cache: dict[tuple[str, tuple[int, ...]], StepTime] = {}

    def step_time(self, jobs: Sequence[Job]) -> StepTime:
        """Return the time of a step of these trials as one pack."""
        key = (job_kind(jobs[0]).program, tuple(_heads_of(jobs)))
        if key not in self._cache:
            self._cache[key] = self._best_time(jobs)
        return self._cache[key]

    def _best_time(self, jobs: Sequence[Job]) -> StepTime:
        name = program_name(jobs)
        if name in self._new:
            return StepTime(self._new[name], CALIBRATED)
        samples = self._measured.get(job_kind(jobs[0]).program, [])
        measured = pack_step_s(samples, _heads_of(jobs))
        if measured is not None:
            return StepTime(measured, MEASURED)
        if name in self._stored:
            return StepTime(self._stored[name], CALIBRATED)
        cpu_s = sum(job.cpu_s / job.steps for job in jobs)
        return StepTime(cpu_s if self.device == "cpu" else max(_GPU_STEP_S, cpu_s / _GPU_AS_CORES), ESTIMATED)


def read_calibrations(storage: Place) -> list[Calibration]:
    """Return the calibrations under a storage path."""
    path = storage / CACHE_FOLDER / STEP_TIMES_FILE
    try:
        return [Calibration(**entry) for entry in read_record_if_exists(path).get("times", [])]
    except TypeError as error:
        raise ConfigError(f"{path}: {error}; delete the file, it is made anew") from error


def store_calibrations(storage: Place, calibrations: Sequence[Calibration]) -> None:
    """Add calibrations to those under a storage path.

    A new one replaces one of the same program on the same machine.
    """
    newest = {(each.program, each.device, each.kernels, each.machine): each for each in [*read_calibrations(storage), *calibrations]}
    (storage / CACHE_FOLDER).mkdir(parents=True, exist_ok=True)
    write_json(storage / CACHE_FOLDER / STEP_TIMES_FILE, {"times": [asdict(calibration) for calibration in newest.values()]})
