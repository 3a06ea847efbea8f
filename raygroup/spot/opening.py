"""Open a spotter. ``raygroup.load_spotter`` is ``load_spotter``."""

import importlib.resources
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.files.places import local_path

if TYPE_CHECKING:
    from raygroup.spotting.model_folder import SpotterRecord
    from raygroup.spotting.spotter import MapBackend, Spotter


SHIPPED = "compact"
"""Name of the spotter that comes with the package. A folder of this name is ``./compact``."""


def load_spotter(folder: str | Path = SHIPPED, *, backend: str = "auto", threads: int = 0) -> "Spotter":
    """Open a spotter: the one that comes with the package (``compact``), or the folder of another.

    ``backend`` and ``threads`` are those of ``raygroup.load``. Raises ConfigError if there is no
    spotter, if one of its files is missing or was changed, or if another major version wrote it.
    """
    from raygroup.read.opening import load
    from raygroup.spotting.model_folder import READER_FOLDER, read_record
    from raygroup.spotting.spotter import Spotter

    path = spotter_folder(folder)
    record = read_record(path)
    reader = load(path / READER_FOLDER, backend=backend, threads=threads)
    return Spotter(_map_backend(path, record, reader.backend.name, threads), reader, record.settings)


def spotter_folder(folder: str | Path) -> Path:
    """Return the folder of a spotter that is named as ``load_spotter`` takes it."""
    if str(folder) == SHIPPED:
        return Path(str(importlib.resources.files("raygroup.weights") / "compact_spotter"))
    return local_path(folder)


def _map_backend(folder: Path, record: "SpotterRecord", backend: str, threads: int) -> "MapBackend":
    from raygroup.spotting.model_folder import DETECTOR_FILE, DETECTOR_GRAPH

    if backend == "onnxruntime" and DETECTOR_GRAPH in record.files:
        from raygroup.spotting.onnx_maps import OnnxMaps

        return OnnxMaps(folder / DETECTOR_GRAPH, threads)
    from raygroup.training.spotter.detector_weights import load_detector
    from raygroup.training.spotter.map_backend import TorchMaps

    return TorchMaps(load_detector(folder / DETECTOR_FILE)[0])
