"""Forecast the device hours, time and cost of a sweep."""

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from raygroup.errors import ConfigError
from raygroup.runtime.placement import Placement, machine_model, num_parallel_trials, require_kernels
from raygroup.runtime.planning.packs import JobPack
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.planning.step_times import StepTimes, store_calibrations
from raygroup.runtime.processes import cores

PRICES = "metadata: {usd_per_hour: {...}} in the file of --cluster"
"""Where a user gives prices."""


class PricedNode(Protocol):
    """The fields of a node type that a price needs."""

    @property
    def name(self) -> str: ...
    @property
    def resources(self) -> Mapping[str, float]: ...
    @property
    def usd_per_hour(self) -> float | None: ...


class PricedCluster(Protocol):
    """The part of a cluster file that a forecast reads."""

    @property
    def node_types(self) -> Sequence[PricedNode]: ...


@dataclass(frozen=True)
class Price:
    """The lowest price of one device, and the node type that has it."""

    node: str
    usd_per_hour: float


@dataclass(frozen=True)
class Forecast:
    """The time and cost of a sweep's missing trials. Each is counted from its first step."""

    trials: int
    """Number of trials to train."""
    packs: int
    """Number of packs to train."""
    device: str
    kernels: str
    """The form in which heads are computed. It is never ``auto``."""
    devices: int
    """Devices in use at a time for ``wall_hours``: those of this machine, or of the cluster at its
    full size.
    """
    device_hours: float
    """Hours of a GPU, or of a processor core."""
    wall_hours: float
    price: Price | None
    basis: Mapping[str, int]
    """MEASURED, CALIBRATED or ESTIMATED -> number of trials with times of this basis."""
    by_trial: Mapping[str, tuple[float, str]]
    """Trial id -> its share of its pack's device seconds, and their basis."""

    @property
    def usd(self) -> float | None:
        """The cost of the device hours, or None without a price.

        Head nodes, idle nodes and storage are not counted.
        """
        return None if self.price is None else self.device_hours * self.price.usd_per_hour


def forecast(
    plan: Plan, packs: Sequence[JobPack], placement: Placement, cluster: PricedCluster | None = None, calibrate: bool = False
) -> Forecast:
    """Forecast what these packs of a plan will take.

    With ``calibrate`` another process first trains a few steps of each distinct pack on this
    machine. The times are kept under the storage path. Nothing else imports torch. Raises
    ConfigError for kernels that do not exist or that the device cannot run, and for a device that
    no node of the cluster has.
    """
    from raygroup.model.kernels.forms import choose_kernels
    from raygroup.runtime.planning.calibration import calibrate_packs

    require_kernels(placement)
    form = choose_kernels(placement.kernels, placement.device).name
    calibrations = calibrate_packs(packs, placement, form) if calibrate else []
    if calibrations:
        store_calibrations(plan.storage, calibrations)
    times = StepTimes(plan, placement.device, form, machine_model(placement.device), calibrations)
    pack_seconds: list[float] = []
    basis: Counter[str] = Counter()
    by_trial: dict[str, tuple[float, str]] = {}
    for pack in packs:
        step = times.step_time(pack.jobs)
        pack_seconds.append(step.seconds * pack.jobs[0].steps)
        basis[step.basis] += len(pack.jobs)
        by_trial |= {job.id: (pack_seconds[-1] / len(pack.jobs), step.basis) for job in pack.jobs}
    devices = _num_devices(cluster, placement.device)
    return Forecast(
        trials=len(by_trial),
        packs=len(packs),
        device=placement.device,
        kernels=form,
        devices=devices,
        device_hours=sum(pack_seconds) / 3600,
        wall_hours=_wall_s(pack_seconds, devices, placement) / 3600,
        price=_lowest_price(cluster, placement.device),
        basis=dict(basis),
        by_trial=by_trial,
    )


def forecast_json(forecast: Forecast) -> dict[str, Any]:
    """Return the output of ``--dry-run --json``. ``usd`` is null without a price."""
    usd = None if forecast.usd is None else round(forecast.usd, 4)
    return {
        "trials": forecast.trials, "packs": forecast.packs, "device_hours": round(forecast.device_hours, 6), "usd": usd,
        "wall_hours": round(forecast.wall_hours, 6), "basis": dict(forecast.basis),
    }  # fmt: skip


def over_budget_reason(forecast: Forecast, budget: float) -> str | None:
    """Return one line if a sweep exceeds its budget, else None. Raises ConfigError if no price is known."""
    if not forecast.trials:
        return None
    device = _device_name(forecast.device)
    if forecast.usd is None:
        raise ConfigError(f"--budget {budget:g}: no price is known of a {device}; give one under {PRICES}")
    if forecast.usd <= budget:
        return None
    return (
        f"{forecast.trials} trials would cost about ${forecast.usd:.2f} ({forecast.device_hours:.2f} hours of a {device} on "
        f"{basis_text(forecast)} times), more than --budget {budget:g}; --yes runs them all the same"
    )


def basis_text(forecast: Forecast) -> str:
    """Return the basis as text, such as ``measured (3) and estimated (2)``."""
    is_mixed = len(forecast.basis) > 1
    return " and ".join(f"{name} ({count})" if is_mixed else name for name, count in sorted(forecast.basis.items(), reverse=True))


def _device_name(device: str) -> str:
    return "processor core" if device == "cpu" else "GPU"


def _resource(device: str) -> str:
    return "CPU" if device == "cpu" else "GPU"


def _num_devices(cluster: PricedCluster | None, device: str) -> int:
    """Return the devices of the cluster at its full size. Raises ConfigError if it has none."""
    if cluster is None:
        return cores() if device == "cpu" else 1
    counts = [int(node.resources.get(_resource(device), 0)) * int(getattr(node, "max_workers", 1)) for node in cluster.node_types]
    if not sum(counts):
        names = ", ".join(node.name for node in cluster.node_types)
        raise ConfigError(
            f"--cluster: no node type has a {_device_name(device)} ({_resource(device)} in its resources); its node types are: {names}"
        )
    return sum(counts)


def _lowest_price(cluster: PricedCluster | None, device: str) -> Price | None:
    resource = _resource(device)
    nodes = [node for node in (cluster.node_types if cluster else ()) if node.resources.get(resource, 0) >= 1]
    prices = [Price(node.name, node.usd_per_hour / node.resources[resource]) for node in nodes if node.usd_per_hour is not None]
    return min(prices, key=lambda price: price.usd_per_hour, default=None)


def _wall_s(pack_seconds: Sequence[float], devices: int, placement: Placement) -> float:
    """Return the time until all packs have finished.

    Each pack starts in its order on the first free device. On a processor, a few more trials than
    cores run at once and share the cores.
    """
    slots = max(1, devices // placement.workers[0])
    durations = [seconds / placement.workers[0] for seconds in pack_seconds]
    if placement.device == "cpu" and num_parallel_trials(len(durations), slots) >= len(durations):
        return max(max(durations, default=0.0), math.fsum(durations) / slots)
    busy_until = [0.0] * slots
    for duration in durations:
        heapq.heapreplace(busy_until, busy_until[0] + duration)
    return max(busy_until)
