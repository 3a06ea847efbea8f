"""The detector that finds the words which all trials read."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from raygroup.config_sections import fingerprint
from raygroup.export.named_trial import named_detector
from raygroup.files.places import Place
from raygroup.spot.opening import SHIPPED, spotter_folder
from raygroup.spotting.model_folder import DETECTOR_FILE, RECORD_FILE, read_record
from raygroup.spotting.network_input import INPUTS
from raygroup.spotting.spotter import SpotterSettings, WordFinder
from raygroup.training.spotter.detector_weights import load_detector
from raygroup.training.spotter.map_backend import TorchMaps
from raygroup.training.spotter.trained_spotter import load_detecting_part


@dataclass(frozen=True, eq=False)
class NamedDetector:
    """A detector that is ready to find words."""

    name: str
    """``compact``, or the name of its file or folder."""
    hash: str
    """Hash of its weights and settings. Thresholds do not count."""
    finder: WordFinder


def open_detector(name: str | Path | None, storage: Place) -> NamedDetector:
    """Open a detector.

    ``name`` is the folder of a spotter, a weights file of ``raygroup.pretrain --scenes``, or a finished trial on scenes, as ``export
    --detector`` takes it. None is the spotter that comes with the package. Raises ConfigError if there is no such detector.
    """
    name = SHIPPED if name is None else name
    folder = spotter_folder(name) if str(name) == SHIPPED or (Path(name) / RECORD_FILE).is_file() else None
    if folder is not None:
        settings, weights = read_record(folder).settings, folder / DETECTOR_FILE
        network = load_detector(weights)[0]
    else:
        weights = named_detector(name, [storage])
        network, about = load_detecting_part(weights)
        settings = SpotterSettings(input=INPUTS[about["size"]])
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    chosen = fingerprint(digest, asdict(settings.input), asdict(settings.regions), settings.margin)
    return NamedDetector(Path(name).name, chosen, WordFinder(TorchMaps(network), settings))
