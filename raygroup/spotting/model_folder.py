"""The folder of a spotter: a detector, a package that reads its words, and the settings between them.

::

    <folder>/
      spotter.json           settings, thresholds and checksums
      detector.safetensors   weights of the detector
      detector.onnx          its graph, which refers to these weights; left out without ONNX
      reader/                a package of raygroup.export
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.reading.record import require_unchanged
from raygroup.spotting.network_input import InputSettings
from raygroup.spotting.regions import RegionSettings
from raygroup.spotting.spotter import SpotterSettings, SpottingThresholds

FORMAT = "raygroup spotter"
MAJOR, MINOR = 1, 0
"""Version of the format. Another major version is refused."""
RECORD_FILE = "spotter.json"
DETECTOR_FILE = "detector.safetensors"
DETECTOR_GRAPH = "detector.onnx"
READER_FOLDER = "reader"
_ANOTHER = "get another copy of the spotter, or export it again"


@dataclass(frozen=True, kw_only=True)
class SpotterRecord:
    """Everything in ``spotter.json`` but its format and version."""

    settings: SpotterSettings
    detector: Mapping[str, Any]
    """Size, settings and data of the detector's training."""
    scores: Mapping[str, Any]
    """Scores on the scenes that chose the thresholds."""
    files: Mapping[str, str]
    """File -> SHA-256. The reader has its own checksums."""


def record_bytes(record: SpotterRecord) -> bytes:
    """Return the content of ``spotter.json``."""
    return json.dumps({"format": FORMAT, "format_version": f"{MAJOR}.{MINOR}", **asdict(record)}, ensure_ascii=False, indent=1).encode()


def read_record(folder: Path) -> SpotterRecord:
    """Read the record of a spotter and compare its files with their checksums.

    Raises ConfigError if the folder is no spotter or one of another major version, and
    DamagedFileError if a file is missing or was changed.
    """
    path = folder / RECORD_FILE
    try:
        stored = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(f"{folder}: no spotter: it has no {RECORD_FILE}; python -m raygroup.export --detector makes one") from error
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{path}: damaged: {error}; {_ANOTHER}") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise DamagedFileError(f"{path}: not the record of a spotter: its 'format' must be {FORMAT!r}; {_ANOTHER}")
    version = str(stored.get("format_version"))
    if version.partition(".")[0] != str(MAJOR):
        raise ConfigError(f"{path}: a spotter of format {version}, this raygroup reads {MAJOR}.x: export it again")
    record = _record(stored)
    for name, digest in record.files.items():
        require_unchanged(folder / name, digest, kind="spotter", advice=_ANOTHER)
    return record


def _record(stored: Mapping[str, Any]) -> SpotterRecord:
    settings = stored["settings"]
    image: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in settings["input"].items()}
    thresholds = {name: SpottingThresholds(**values) for name, values in settings["thresholds"].items()}
    return SpotterRecord(
        settings=SpotterSettings(
            input=InputSettings(**image), regions=RegionSettings(**settings["regions"]), margin=settings["margin"], thresholds=thresholds
        ),
        detector=stored["detector"], scores=stored["scores"], files=stored["files"],
    )  # fmt: skip
