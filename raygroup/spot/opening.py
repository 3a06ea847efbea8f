"""Open a spotter. ``raygroup.load_spotter`` is ``load_spotter``."""

from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.files.places import local_path

if TYPE_CHECKING:
    from raygroup.spotting.model_folder import SpotterRecord
    from raygroup.spotting.spotter import MapBackend, Spotter


def load_spotter(folder: str | Path, *, backend: str = "auto", threads: int = 0) -> "Spotter":
    """Open the folder of a spotter.

    ``backend`` and ``threads`` are those of ``raygroup.load``. Raises ConfigError if there is no
    spotter, if one of its files is missing or was changed, or if another major version wrote it.
    """
    from raygroup.read.opening import load
    from raygroup.spotting.model_folder import READER_FOLDER, read_record
    from raygroup.spotting.spotter import Spotter

    path = local_path(folder)
    record = read_record(path)
    reader = load(path / READER_FOLDER, backend=backend, threads=threads)
    return Spotter(_map_backend(path, record, reader.backend.name, threads), reader, record.settings)


def _map_backend(folder: Path, record: "SpotterRecord", backend: str, threads: int) -> "MapBackend":
    from raygroup.spotting.model_folder import DETECTOR_FILE, DETECTOR_GRAPH

    if backend == "onnxruntime" and DETECTOR_GRAPH in record.files:
        from raygroup.spotting.onnx_maps import OnnxMaps

        return OnnxMaps(folder / DETECTOR_GRAPH, threads)
    from raygroup.training.spotter.detector_weights import load_detector
    from raygroup.training.spotter.map_backend import TorchMaps

    return TorchMaps(load_detector(folder / DETECTOR_FILE)[0])
