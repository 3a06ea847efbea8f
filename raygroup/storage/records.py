"""Read the JSON records of sweeps and trials, and say what to do about a damaged one.

A record is damaged if it is empty, cut short, no JSON object, or if a field has the wrong type. Disks fail, and copies are cut off, so
readers show everything else and name the file in one line.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from raygroup.errors import DamagedFileError
from raygroup.files.atomic import read_json_if_exists
from raygroup.files.places import Place
from raygroup.storage.layout import (
    CHECKPOINT_INDEX_FILE,
    CONFIG_FILE,
    DONE_FILE,
    END_TO_END_FILE,
    FAILED_FILE,
    FEATURES_FILE,
    GROUP_READINGS_FILE,
    HISTORY_FILE,
    HOLDER_FILE,
    LEASE_FILE,
    PREDICTIONS_FILE,
    PROGRESS_FILE,
    STEP_TIMES_FILE,
    STOP_FILE,
    SWEEP_FILE,
    TASK_EVIDENCE_FILE,
    WORD_FACTS_FILE,
)

_NUMBER = "number"
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    SWEEP_FILE: {
        "name": str, "hypothesis": str, "data": str, "written_at": str, "trials": [{"id": str, "label": str}], "caches?": [str],
        "trains_on?": str, "after?": str,
        "search?": {
            "seeds": [_NUMBER], "confirm_seeds": [_NUMBER], "num_points": _NUMBER,
            "points": [{"number": _NUMBER, "embed": [_NUMBER], "hidden": [_NUMBER], "trials": [str], "confirm": [str]}],
        },
    },
    CONFIG_FILE: {
        "trial": dict, "label": str, "data": str,
        **dict.fromkeys(("store?", "features?", "weights?", "start?", "scenes?", "detector?", "reader?"), str),
    },
    DONE_FILE: {
        "finished_at?": str, "device?": str, "kernels?": str,
        **dict.fromkeys(("steps?", "first_step?", "attempts?", "wall_s?", "cpu_s?", "pack?"), _NUMBER),
    },
    FAILED_FILE: {"reason": str, "step?": _NUMBER, "at?": str},
    STOP_FILE: {"by?": str, "at?": str},
    LEASE_FILE: {"attempt": _NUMBER, "token": str, "attempts": [{"attempt": _NUMBER, "by": str, "at": str}]},
    PROGRESS_FILE: {
        "step": _NUMBER, "steps": _NUMBER, "at": _NUMBER, "losses?": dict, "grouping?": str,
        **dict.fromkeys(("words_per_s?", "samples_per_s?", "left_s?", "decisiveness?"), _NUMBER),
    },
    HOLDER_FILE: {"token": str, "by": str, "renewed": _NUMBER},
    CHECKPOINT_INDEX_FILE: {"checkpoints": [{"step": _NUMBER, "file": str, "sha256": str, "history?": dict}]},
    WORD_FACTS_FILE: {
        "classes": _NUMBER, "shape": [_NUMBER], "characters": dict, "characters_without_task": str, "device": str, "threads": _NUMBER,
        "reading_times": [{"words": _NUMBER, "cpu_s": _NUMBER, "wall_s": _NUMBER}],
    },
    END_TO_END_FILE: {
        "scenes": str, "images": _NUMBER, "words": _NUMBER, "detector?": dict,
        **dict.fromkeys(("precision", "recall", "f", "low?", "high?"), _NUMBER),
    },
    FEATURES_FILE: {"shape": [_NUMBER], "rows": _NUMBER, "shards": [{"rows": _NUMBER, "bytes": _NUMBER, "crc32": _NUMBER}]},
}  # fmt: skip
"""File -> its fields and their types. ``?`` marks a field that may be missing. A list gives the type of its items."""

_TRAIN_AGAIN = f"delete the trial's {DONE_FILE}, and the sweep's command trains it again"
_REMEDIES = {
    SWEEP_FILE: "the sweep's command writes it anew",
    CONFIG_FILE: f"the sweep's command writes it anew for a trial that is not done; else {_TRAIN_AGAIN}",
    DONE_FILE: _TRAIN_AGAIN,
    HISTORY_FILE: _TRAIN_AGAIN,
    TASK_EVIDENCE_FILE: _TRAIN_AGAIN,
    PREDICTIONS_FILE: _TRAIN_AGAIN,
    GROUP_READINGS_FILE: _TRAIN_AGAIN,
    WORD_FACTS_FILE: "delete it, and tables show '-' for what it held",
    END_TO_END_FILE: "delete it, and 'python -m raygroup.reproduce table5 --scenes FOLDER' makes it again",
    FAILED_FILE: "the sweep's command tries the trial again",
    STOP_FILE: "the sweep's command deletes it",
    LEASE_FILE: "the next attempt writes it anew",
    PROGRESS_FILE: "training writes it anew",
    HOLDER_FILE: "delete it if no other command works on this folder",
    CHECKPOINT_INDEX_FILE: "it counts as none, and checkpoints count by what they hold",
    FEATURES_FILE: "delete it, and the next run makes it again",
    STEP_TIMES_FILE: "delete it, and --calibrate measures again",
}
"""File -> the way out if it is damaged."""


def read_record(path: Place) -> dict[str, Any]:
    """Read a record. Raises DamagedFileError with the way out, also if it is missing, and ConfigError if it has another layout."""
    stored = read_record_if_exists(path)
    if not stored:
        raise DamagedFileError(with_remedy(path, f"{path}: no such file"))
    return stored


def read_record_if_exists(path: Place) -> dict[str, Any]:
    """Read a record like ``read_record``, or return an empty dictionary without one."""
    try:
        stored = read_json_if_exists(path)
        if stored:
            _require_fields(path, stored, _FIELDS.get(path.name, {}))
    except DamagedFileError as error:
        raise DamagedFileError(with_remedy(path, str(error))) from error
    return stored


def intact_record(path: Place) -> dict[str, Any]:
    """Return a record, or an empty dictionary if it is missing or damaged."""
    try:
        return read_record_if_exists(path)
    except DamagedFileError:
        return {}


def with_remedy(path: Place, message: str) -> str:
    """Return a message about a damaged file with the way out at its end."""
    remedy = _REMEDIES.get(path.name)
    return message if remedy is None or message.endswith(remedy) else f"{message}; {remedy}"


def _require_fields(path: Place, stored: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name in _wrong_fields(stored, fields):
        value = f"'{name}' is {repr(stored[name])[:60]}" if name in stored else f"it has no field '{name}'"
        raise DamagedFileError(f"{path}: damaged: {value}")


def _wrong_fields(stored: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of fields that are missing or of another type."""
    for key, kind in fields.items():
        name = key.rstrip("?")
        if not (_matches(stored[name], kind) if name in stored else key.endswith("?")):
            yield name


def _matches(value: Any, kind: Any) -> bool:
    if kind is _NUMBER:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if isinstance(kind, list):
        return isinstance(value, list) and all(_matches(item, kind[0]) for item in value)
    if isinstance(kind, dict):
        return isinstance(value, dict) and not any(_wrong_fields(value, kind))
    return isinstance(value, kind)
