"""What a sweep will take before it is begun: device hours, time, money, and on what that is based."""

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from raygroup.errors import ConfigError
from raygroup.runtime.placement import Placement, num_parallel_trials, require_kernels
from raygroup.runtime.planning.packs import JobPack
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.planning.step_times import StepTimes, keep_calibrations
from raygroup.runtime.processes import cores

PRICES = "metadata: {usd_per_hour: {...}} in the file of --cluster"
"""Where a user gives prices."""


class PricedNode(Protocol):
    """What a price is worked out from, of a type of node in a cluster file."""

    @property
    def name(self) -> str: ...
    @property
    def resources(self) -> Mapping[str, float]: ...
    @property
    def usd_per_hour(self) -> float | None: ...


class PricedCluster(Protocol):
    """The part of a cluster file that is read here."""

    @property
    def node_types(self) -> Sequence[PricedNode]: ...


@dataclass(frozen=True)
class Price:
    """Of one device for an hour, on the cheapest type of node that has it: a GPU, or a processor core."""

    node: str
    usd_per_hour: float


@dataclass(frozen=True)
class Forecast:
    """What is left of a sweep, as if every trial in it began at its first step."""

    trials: int
    """To run."""
    packs: int
    device: str
    devices: int
    """How many are used at once for ``wall_hours``: those of this machine, or of the cluster when it is fully grown."""
    device_hours: float
    """Of a GPU, or of a processor core."""
    wall_hours: float
    price: Price | None
    basis: Mapping[str, int]
    """MEASURED, CALIBRATED, ESTIMATED -> trials whose time rests on it."""
    by_trial: Mapping[str, tuple[float, str]]
    """Id of a trial to run -> its share of its pack's device seconds, and their basis."""

    @property
    def usd(self) -> float | None:
        """Device hours at their price; None without one. Head nodes, nodes that idle and storage are not in it."""
        return None if self.price is None else self.device_hours * self.price.usd_per_hour


def forecast(
    plan: Plan, packs: Sequence[JobPack], placement: Placement, cluster: PricedCluster | None = None, calibrate: bool = False
) -> Forecast:
    """What these packs of a plan's missing trials will take. With ``calibrate`` a few steps of each distinct pack are trained here first,
    and kept under the storage path; only then is torch imported, in another process.

    Raises ConfigError for kernels that do not exist or that the device cannot run, and for a device that no node of the cluster has.
    """
    from raygroup.model.kernels.forms import kernels
    from raygroup.runtime.planning.calibration import calibrated, machine_of

    require_kernels(placement)
    form = kernels(placement.kernels, placement.device).name
    made = calibrated(packs, placement, form) if calibrate else []
    if made:
        keep_calibrations(plan.storage, made)
    times = StepTimes(plan, placement.device, form, machine_of(placement.device), made)
    seconds: list[float] = []
    basis: Counter[str] = Counter()
    by_trial: dict[str, tuple[float, str]] = {}
    for pack in packs:
        step = times.of(pack.jobs)
        seconds.append(step.seconds * pack.jobs[0].trial.training.steps)
        basis[step.basis] += len(pack.jobs)
        by_trial |= {job.id: (seconds[-1] / len(pack.jobs), step.basis) for job in pack.jobs}
    devices = _devices(cluster, placement.device)
    return Forecast(
        len(by_trial), len(packs), placement.device, devices, sum(seconds) / 3600, _wall_s(seconds, devices, placement) / 3600,
        _price(cluster, placement.device), dict(basis), by_trial,
    )  # fmt: skip


def as_json(found: Forecast) -> dict[str, Any]:
    """``--dry-run --json``: ``trials``, ``packs``, ``device_hours``, ``usd`` (null without a price), ``wall_hours``, ``basis``."""
    usd = None if found.usd is None else round(found.usd, 4)
    return {
        "trials": found.trials, "packs": found.packs, "device_hours": round(found.device_hours, 6), "usd": usd,
        "wall_hours": round(found.wall_hours, 6), "basis": dict(found.basis),
    }  # fmt: skip


def over_budget(found: Forecast, budget: float) -> str | None:
    """Why a sweep is not begun that would cost more, in one line; None where it fits. Raises ConfigError where no price is known: nothing
    could be compared."""
    if not found.trials:
        return None
    if found.usd is None:
        raise ConfigError(f"--budget {budget:g}: no price is known of a {_named(found.device)}; give one under {PRICES}")
    if found.usd <= budget:
        return None
    return (
        f"{found.trials} trials would cost about ${found.usd:.2f} ({found.device_hours:.2f} hours of a {_named(found.device)} on "
        f"{basis_text(found)} times), more than --budget {budget:g}; --yes runs them all the same"
    )


def basis_text(found: Forecast) -> str:
    """``measured``, or ``measured (3) and estimated (2)``."""
    many = len(found.basis) > 1
    return " and ".join(f"{name} ({count})" if many else name for name, count in sorted(found.basis.items(), reverse=True))


def _named(device: str) -> str:
    return "processor core" if device == "cpu" else "GPU"


def _resource(device: str) -> str:
    return "CPU" if device == "cpu" else "GPU"


def _devices(cluster: PricedCluster | None, device: str) -> int:
    """Raises ConfigError where no node of the cluster has one."""
    if cluster is None:
        return cores() if device == "cpu" else 1
    counts = [int(node.resources.get(_resource(device), 0)) * int(getattr(node, "max_workers", 1)) for node in cluster.node_types]
    if not sum(counts):
        names = ", ".join(node.name for node in cluster.node_types)
        raise ConfigError(f"--cluster: no type of node has a {_named(device)} ({_resource(device)} in its resources); there are: {names}")
    return sum(counts)


def _price(cluster: PricedCluster | None, device: str) -> Price | None:
    able = [node for node in (cluster.node_types if cluster else ()) if node.resources.get(_resource(device), 0) >= 1]
    prices = [Price(node.name, node.usd_per_hour / node.resources[_resource(device)]) for node in able if node.usd_per_hour is not None]
    return min(prices, key=lambda price: price.usd_per_hour, default=None)


def _wall_s(seconds: Sequence[float], devices: int, placement: Placement) -> float:
    """The packs in their order, each on the device that is free first; a few more trials than cores share them."""
    slots = max(1, devices // placement.workers[0])
    each = [pack / placement.workers[0] for pack in seconds]
    if placement.device == "cpu" and num_parallel_trials(len(each), slots) >= len(each):
        return max(max(each, default=0.0), math.fsum(each) / slots)
    free = [0.0] * slots
    for pack in each:
        heapq.heapreplace(free, free[0] + pack)
    return max(free)
