"""Check what a command in a cluster file reads: its search space, words, fonts and weights.

A path is fine if it lies in a folder that all nodes share, because this machine need not see it. A
path that only this machine is known to have gets a remark.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from raygroup.config import Pretraining, Trial
from raygroup.errors import ConfigError
from raygroup.files.places import local_path
from raygroup.runtime.planning.clusters.cluster_file import KUBERNETES, ClusterFile
from raygroup.runtime.planning.clusters.node_types import as_list, as_mapping, pod_containers, ray_cluster_spec
from raygroup.runtime.planning.finding import Finding
from raygroup.runtime.planning.requirements import require_data, require_inputs
from raygroup.search_space import SHIPPED, Sweep, find, load
from raygroup.spotting_config import Spotting

_OWN_FOLDERS = ("/dev/shm", "/tmp")
"""Mounts that every pod has for itself."""


@dataclass
class InputCheck:
    """Checks the inputs of a cluster file's commands."""

    cluster: ClusterFile
    remarks: list[str] = field(default_factory=list)
    """What exists here, and must exist on the nodes too."""

    def __post_init__(self) -> None:
        self._shared = [PurePosixPath(folder) for folder in _shared_folders(self.cluster)]

    def check(self, at: str, name: str, options: argparse.Namespace) -> Iterator[Finding]:
        """Yield a finding if the command ``name`` with these options could not find an input."""
        check = _CHECKS.get(name)
        if check is None:
            return
        try:
            check(self, options)
        except ConfigError as error:
            yield Finding(at, str(error), "a search space and inputs that the nodes can read")

    def is_there(self, path: Path) -> bool:
        """Return whether the nodes can have a path. It is shared, or this machine has it."""
        if any(PurePosixPath(path).is_relative_to(folder) for folder in self._shared):
            return True
        if path.exists():
            self._remark(path)
            return True
        return False

    def search_space(self, name: str) -> str:
        """Return the name of a search space that can be loaded here. Raises ConfigError if there is none."""
        path = find(name)
        if path.resolve().parent not in SHIPPED:
            self._remark(path)
        return name

    def _remark(self, path: Path) -> None:
        self.remarks.append(f"{path} is on this machine: make sure that the nodes have it too, under the same name")


def _check_sweep(inputs: InputCheck, options: argparse.Namespace) -> None:
    sweep: Sweep = load(inputs.search_space(options.name))
    require_data(sweep, options.words, options.fonts, options.scenes)
    if options.scenes is not None:
        if not inputs.is_there(options.scenes):
            raise ConfigError(f"--scenes {options.scenes}: no such file or folder")
        _check_start_weights(inputs, sweep)
        return
    for stage in (sweep.with_weights(options.weights) if options.weights else sweep).stages:
        trials = [trial for _, trial in stage.trials() if isinstance(trial, Trial | Pretraining)]
        require_inputs(stage, trials, options.words, options.fonts, inputs.is_there)


def _check_start_weights(inputs: InputCheck, sweep: Sweep) -> None:
    """Raise ConfigError if a whole spotter starts from weights that the nodes do not have."""
    spotters = [trial for _, trial in sweep.trials() if isinstance(trial, Spotting)]
    named = {("weights.detector", trial.weights.detector) for trial in spotters}
    named |= {("weights.reader", trial.weights.reader) for trial in spotters if trial.weights.reader != "laptop"}
    for setting, file in sorted(named):
        if file and not inputs.is_there(local_path(file)):
            raise ConfigError(f"{setting}: no file {file}")


def _check_features(inputs: InputCheck, options: argparse.Namespace) -> None:
    if options.sweep:
        load(inputs.search_space(options.sweep))
    if isinstance(options.data, Path) and not inputs.is_there(options.data):
        raise ConfigError(f"{options.data}: no such file or folder")


def _check_pretrain(inputs: InputCheck, options: argparse.Namespace) -> None:
    load(inputs.search_space(options.name), "pretraining", Pretraining)
    if options.fonts is not None and not inputs.is_there(options.fonts):
        raise ConfigError(f"--fonts {options.fonts}: no such folder")


_CHECKS: dict[str, Callable[[InputCheck, argparse.Namespace], None]] = {
    "sweep": _check_sweep, "features": _check_features, "pretrain": _check_pretrain,
}  # fmt: skip


def _shared_folders(cluster: ClusterFile) -> Iterator[str]:
    """Yield the folders that all nodes have under one name."""
    if cluster.storage_path and "://" not in cluster.storage_path:
        # Words lie beside the results, on the same mount.
        yield str(PurePosixPath(cluster.storage_path).parent)
    if cluster.kind != KUBERNETES:
        yield from as_mapping(cluster.content.get("file_mounts"))
        return
    head = as_mapping(ray_cluster_spec(cluster.content).get("headGroupSpec"))
    mounts = as_list((pod_containers(head) or [{}])[0].get("volumeMounts"))
    yield from {str(as_mapping(mount).get("mountPath")) for mount in mounts} - set(_OWN_FOLDERS)
