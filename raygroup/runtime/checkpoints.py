"""Checkpoints of a trial: safetensors files, each appearing whole, with a list of their checksums; the newest sound one counts."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from raygroup.history.leftovers import CHECKPOINTS
from raygroup.runtime.ledger import read_if_there, write_json

_KEEP = 2


def save_checkpoint(trial_folder: Path, step: int, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Writes the state after ``step`` and drops all but the last two; ``about`` (JSON) goes into the file."""
    folder = trial_folder / CHECKPOINTS
    folder.mkdir(exist_ok=True)
    path = folder / f"step-{step:06d}.safetensors"
    partial = path.with_suffix(".partial")
    stored = save({name: value.cpu() for name, value in tensors.items()}, {"raygroup": json.dumps({"step": step, **about})})
    with partial.open("wb") as file:
        file.write(stored)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    digest = hashlib.sha256(stored).hexdigest()
    known = [entry for entry in read_if_there(folder / "state.json").get("checkpoints", []) if entry["step"] < step]
    kept = [*known, {"step": step, "file": path.name, "sha256": digest}][-_KEEP:]
    _keep(folder, kept)


def keep_last_checkpoint(trial_folder: Path) -> None:
    """Of a finished trial only the trained state is of use."""
    folder = trial_folder / CHECKPOINTS
    last = read_if_there(folder / "state.json").get("checkpoints", [])[-1:]
    if last:
        _keep(folder, last)


def load_checkpoint(trial_folder: Path) -> tuple[int, dict[str, Tensor]] | None:
    """(step, tensors) of the newest checkpoint whose bytes are those that were written; None where there is none."""
    folder = trial_folder / CHECKPOINTS
    for entry in reversed(read_if_there(folder / "state.json").get("checkpoints", [])):
        path = folder / entry["file"]
        if path.is_file() and _digest(path) == entry["sha256"]:
            with safe_open(path, "pt") as file:
                return int(entry["step"]), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    return None


def _keep(folder: Path, entries: list[dict[str, Any]]) -> None:
    """Lists these checkpoints, then deletes all others."""
    write_json(folder / "state.json", {"checkpoints": entries})
    for old in set(folder.glob("step-*.safetensors")) - {folder / entry["file"] for entry in entries}:
        old.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
