"""Write a spotter: a detector, a package that reads its words, and thresholds chosen on labelled scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from raygroup.errors import ConfigError
from raygroup.export.documents import LICENSES_FILE, detector_licenses_text
from raygroup.export.exporter import ReportProgress, export_trial, storage_paths
from raygroup.export.named_trial import named_detector
from raygroup.export.onnx_files import plain_onnx_file
from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place, local_path
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.reading.record import file_facts
from raygroup.scenes.scene_store import StoredScene, read_scenes
from raygroup.scenes.scene_table import scenes_fingerprint
from raygroup.spotting.model_folder import DETECTOR_FILE, DETECTOR_GRAPH, READER_FOLDER, RECORD_FILE, SpotterRecord, record_bytes
from raygroup.spotting.network_input import INPUTS
from raygroup.spotting.scene_reading import read_labelled_scenes
from raygroup.spotting.spotter import Spotter, SpotterSettings
from raygroup.spotting.threshold_choice import choose_thresholds, score_scenes
from raygroup.training.spotter.detector_weights import detector_file
from raygroup.training.spotter.map_backend import TorchMaps
from raygroup.training.spotter.trained_spotter import load_detecting_part

_EXAMPLE = (1, 3, 64, 96)


@dataclass(frozen=True)
class SpotterExport:
    """A spotter that was written."""

    folder: Path
    record: SpotterRecord


def export_spotter(
    trial: str | Path, out: str | Path, *, detector: str | Path, scenes: str | Path,
    storage_path: Place | str | Sequence[Place | str] = "runs", best: bool = False, onnx: bool = True, force: bool = False,
    licenses: str = "", progress: ReportProgress = lambda work, done, total: None,
) -> SpotterExport:  # fmt: skip
    """Write the folder of a spotter.

    ``detector`` is a weights file of ``raygroup.pretrain --scenes``, or a finished trial on scenes: its
    folder, ``SWEEP:LABEL``, or a sweep with one trial. Of a whole spotter, the part that finds words is
    taken. ``trial`` is a finished trial on words, as
    ``export_trial`` takes it. It reads the words. ``scenes`` are imported scenes that neither was
    trained on: they choose the thresholds. ``licenses`` is that of ``export_trial``, and goes into a file
    of its own too. Raises ConfigError for anything of these that cannot be used.
    """
    folder = local_path(out)
    network, about = load_detecting_part(named_detector(detector, storage_paths(storage_path)))
    labelled = list(read_scenes(local_path(scenes)))
    if not labelled:
        raise ConfigError(f"--scenes {scenes}: it has no scenes to choose thresholds on")
    folder.mkdir(parents=True, exist_ok=True)
    export_trial(
        trial, folder / READER_FOLDER, storage_path=storage_path, best=best, onnx=onnx, force=force, licenses=licenses, progress=progress
    )
    metadata = {name: value for name, value in about.items() if name not in ("kind", "size")}
    files = write_detector(folder, network, detector_file(network, about["size"], metadata), onnx=onnx)
    write_bytes(folder / LICENSES_FILE, detector_licenses_text(licenses).encode())
    settings = SpotterSettings(input=INPUTS[about["size"]])
    chosen_on = scenes_fingerprint(local_path(scenes))[:16]
    thresholds, scores = _validated(folder / READER_FOLDER, network, settings, labelled, chosen_on, progress)
    record = SpotterRecord(
        settings=replace(settings, thresholds=thresholds), detector=about, scores=scores,
        files=files,
    )  # fmt: skip
    write_bytes(folder / RECORD_FILE, record_bytes(record))
    return SpotterExport(folder, record)


def write_detector(folder: Path, network: DetectorNetwork, weights: bytes, *, onnx: bool) -> dict[str, str]:
    """Write the detector of a spotter, and return the checksum of each file. ``weights`` is the content of its weights file."""
    files = {DETECTOR_FILE: weights}
    if onnx:
        files[DETECTOR_GRAPH] = detector_graph(network, weights)
    for name, content in files.items():
        write_bytes(folder / name, content)
    return {name: file_facts(content)["sha256"] for name, content in files.items()}


def detector_graph(network: DetectorNetwork, weights: bytes) -> bytes:
    """Return a detector as ONNX, for images of any size that is divisible by 32. ``weights`` is the content of its weights file."""
    rows, columns = (torch.export.Dim(name, min=1, max=1000) * 32 for name in ("rows", "columns"))
    sizes = {0: torch.export.Dim("images", min=1), 2: rows, 3: columns}
    return plain_onnx_file(_Probabilities(network), torch.zeros(_EXAMPLE), "images", "probabilities", sizes, DETECTOR_FILE, weights)


class _Probabilities(nn.Module):
    """The detector's probabilities. Its weights have the names that they have in the weights file."""

    def __init__(self, network: DetectorNetwork) -> None:
        super().__init__()
        self.trunk, self.segmentation = network.trunk, network.segmentation

    def forward(self, images: Tensor) -> Tensor:
        return self.segmentation(self.segmentation.fuse(self.trunk(images))).sigmoid()  # type: ignore[no-any-return]


def _validated(
    reader: Path, network: DetectorNetwork, settings: SpotterSettings, scenes: Sequence[StoredScene], chosen_on: str,
    progress: ReportProgress,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:  # fmt: skip
    """Return the thresholds for each purpose, and the scores with them."""
    from raygroup.read.opening import load

    spotter = Spotter(TorchMaps(network), load(reader), settings)
    read = read_labelled_scenes(spotter, scenes, lambda done: progress("scenes read", done, len(scenes)))
    thresholds = choose_thresholds(read, chosen_on)
    scores = {
        purpose: {f"task {task}": round(score_scenes(read, task, chosen).scores.hmean, 4) for task in (1, 3, 4)}
        for purpose, chosen in thresholds.items()
    }
    return thresholds, {"scenes": len(scenes), **scores}
