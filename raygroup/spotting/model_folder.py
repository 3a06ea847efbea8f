"""The folder of a spotter: a detector, a package that reads its words, and the settings between them.

::

    <folder>/
      spotter.json           settings, thresholds and checksums
      detector.safetensors   weights of the detector
      detector.onnx          its graph, which refers to these weights; left out without ONNX
      reader/                a package of raygroup.export
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

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
_Section = TypeVar("_Section", InputSettings, RegionSettings, SpottingThresholds)
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
    try:
        record = _record(stored)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise DamagedFileError(f"{path}: {reason}; {_ANOTHER}") from error
    for name, digest in record.files.items():
        require_unchanged(folder / name, digest, kind="spotter", advice=_ANOTHER)
    return record


def _record(stored: Mapping[str, Any]) -> SpotterRecord:
    """Build the record. Raises KeyError, TypeError or ValueError if it has another form."""
    settings, files = stored["settings"], stored["files"]
    if strange := set(files) - {DETECTOR_FILE, DETECTOR_GRAPH}:
        raise ValueError(f"a spotter has no file {min(strange)!r}")
    thresholds = {
        purpose: _section(SpottingThresholds, values, f"settings.thresholds.{purpose}")
        for purpose, values in settings["thresholds"].items()
    }
    return SpotterRecord(
        settings=SpotterSettings(
            input=_section(InputSettings, settings["input"], "settings.input"),
            regions=_section(RegionSettings, settings["regions"], "settings.regions"),
            margin=_checked(settings["margin"], float, "settings.margin"), thresholds=thresholds,
        ),
        detector=stored["detector"], scores=stored["scores"], files={DETECTOR_FILE: files[DETECTOR_FILE], **files},
    )  # fmt: skip


def _section(kind: type[_Section], values: Mapping[str, Any], place: str) -> _Section:
    """Build a section of the settings. Fields without a value keep their default."""
    types = get_type_hints(kind)
    if unknown := values.keys() - types.keys():
        raise ValueError(f"{place} has no field {min(unknown)!r}: it has {', '.join(types)}")
    checked = {name: _checked(value, types[name], f"{place}.{name}") for name, value in values.items()}
    return kind(**checked)


def _checked(value: Any, expected: Any, place: str) -> Any:
    """Return a value if it has the expected type. Lists become tuples."""
    choices = get_args(expected)
    if get_origin(expected) is Literal:
        fits, form = value in choices, f"one of {', '.join(map(str, choices))}"
    elif get_origin(expected) is tuple:
        fits, form = isinstance(value, list) and len(value) == len(choices) and all(map(_is_number, value)), f"{len(choices)} numbers"
    elif expected is str:
        fits, form = isinstance(value, str), "a text"
    else:
        whole = expected is not float
        fits = _is_number(value) and not (whole and value != int(value)) or (value is None and type(None) in choices)
        form = "a whole number" if whole else "a number"
    if not fits:
        raise ValueError(f"{place} is {value!r}: it must be {form}")
    return tuple(value) if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
