"""Checkpoints of a trial: safetensors files, each appearing whole, with a list of their checksums; the newest sound one counts."""

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.history.leftovers import CHECKPOINTS
from raygroup.runtime.ledger import read_if_there, write_json

if TYPE_CHECKING:
    from torch import Tensor

_KEEP = 2


def save_checkpoint(trial_folder: Path, step: int, tensors: "dict[str, Tensor]", about: dict[str, Any]) -> None:
    """Writes the state after ``step`` and drops all but the last two; ``about`` (JSON) goes into the file."""
    from safetensors.torch import save

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
    known = [entry for entry in _listed(trial_folder) if entry["step"] < step]
    kept = [*known, {"step": step, "file": path.name, "sha256": digest}][-_KEEP:]
    _keep(folder, kept)


def keep_last_checkpoint(trial_folder: Path) -> None:
    """Of a finished trial only the trained state is of use."""
    last = _listed(trial_folder)[-1:]
    if last:
        _keep(trial_folder / CHECKPOINTS, last)


def drop_checkpoints_after(trial_folder: Path, step: int) -> None:
    """Forgets checkpoints newer than the step a trial goes on from: a later attempt that went on from one would skip the steps between."""
    listed = _listed(trial_folder)
    kept = [entry for entry in listed if entry["step"] <= step]
    if len(kept) < len(listed):
        _keep(trial_folder / CHECKPOINTS, kept)


def listed_steps(trial_folder: Path) -> tuple[int, ...]:
    """The steps a trial has checkpoints of, sound or not, oldest first."""
    return tuple(int(entry["step"]) for entry in _listed(trial_folder))


def sound_steps(trial_folder: Path) -> set[int]:
    """The steps of the checkpoints whose bytes are those that were written."""
    folder = trial_folder / CHECKPOINTS
    return {int(entry["step"]) for entry in _listed(trial_folder) if _is_sound(folder / entry["file"], entry["sha256"])}


def load_checkpoint(trial_folder: Path, step: int) -> "tuple[dict[str, Tensor], dict[str, Any]]":
    """The tensors of a step, and what the file says of itself."""
    from safetensors import safe_open

    entry = next(entry for entry in _listed(trial_folder) if entry["step"] == step)
    with safe_open(trial_folder / CHECKPOINTS / entry["file"], "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
        return tensors, json.loads((file.metadata() or {})["raygroup"])


def _listed(trial_folder: Path) -> list[dict[str, Any]]:
    return list(read_if_there(trial_folder / CHECKPOINTS / "state.json").get("checkpoints", []))


def _keep(folder: Path, entries: list[dict[str, Any]]) -> None:
    """Lists these checkpoints, then deletes all others."""
    write_json(folder / "state.json", {"checkpoints": entries})
    for old in set(folder.glob("step-*.safetensors")) - {folder / entry["file"] for entry in entries}:
        old.unlink(missing_ok=True)


def _is_sound(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
