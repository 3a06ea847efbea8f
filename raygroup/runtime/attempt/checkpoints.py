"""Checkpoints of a trial: safetensors files, each appearing whole, with a list of their checksums; the newest sound one counts.

A checkpoint vouches for the history up to its step too: it is of use only while every byte recorded until then is as it was.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from raygroup.files.atomic import read_if_there, write_json, write_whole
from raygroup.files.places import Place
from raygroup.history.reader import unchanged
from raygroup.history.sinks import Marks
from raygroup.storage.cleanup import CHECKPOINTS

if TYPE_CHECKING:
    from torch import Tensor

_KEEP = 2


def save_checkpoint(
    trial_folder: Place, step: int, tensors: "dict[str, Tensor]", about: dict[str, Any], attempt: int = 0, history: Marks | None = None
) -> None:
    """Writes the state after ``step`` and drops all but the last two; ``about`` (JSON) goes into the file. ``history`` are the marks of
    every file of the history that holds steps up to this one."""
    from safetensors.torch import save

    folder = trial_folder / CHECKPOINTS
    folder.mkdir(exist_ok=True)
    path = folder / f"step-{step:06d}-{attempt}.safetensors"
    stored = save({name: value.cpu() for name, value in tensors.items()}, {"raygroup": json.dumps({"step": step, **about})})
    write_whole(path, stored)
    known = [entry for entry in _listed(trial_folder) if entry["step"] < step]
    made = {"step": step, "file": path.name, "sha256": hashlib.sha256(stored).hexdigest(), "history": history or {}}
    _keep(folder, [*known, made][-_KEEP:])


def keep_last_checkpoint(trial_folder: Place) -> None:
    """Of a finished trial only the trained state is of use."""
    last = _listed(trial_folder)[-1:]
    if last:
        _keep(trial_folder / CHECKPOINTS, last)


def drop_checkpoints_after(trial_folder: Place, step: int) -> None:
    """Forgets checkpoints newer than the step a trial goes on from: a later attempt that went on from one would skip the steps between."""
    listed = _listed(trial_folder)
    kept = [entry for entry in listed if entry["step"] <= step]
    if len(kept) < len(listed):
        _keep(trial_folder / CHECKPOINTS, kept)


def listed_steps(trial_folder: Place) -> tuple[int, ...]:
    """The steps a trial has checkpoints of, sound or not, oldest first."""
    return tuple(int(entry["step"]) for entry in _listed(trial_folder))


def sound_steps(trial_folder: Place) -> set[int]:
    """The steps of the checkpoints whose bytes, and whose history's, are those that were written."""
    return {int(entry["step"]) for entry in _listed(trial_folder) if _is_sound(trial_folder, entry)}


def load_checkpoint(trial_folder: Place, step: int) -> "tuple[dict[str, Tensor], dict[str, Any], Marks]":
    """The tensors of a step, what the file says of itself, and the history it goes on from."""
    from safetensors.torch import load

    entry = next(entry for entry in _listed(trial_folder) if entry["step"] == step)
    content = (trial_folder / CHECKPOINTS / entry["file"]).read_bytes()
    return load(content), json.loads(_metadata(content)["raygroup"]), {name: tuple(mark) for name, mark in entry["history"].items()}


def _metadata(content: bytes) -> dict[str, str]:
    """The string table of a safetensors file: its header is eight bytes of length and JSON."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__", {}))


def _listed(trial_folder: Place) -> list[dict[str, Any]]:
    return list(read_if_there(trial_folder / CHECKPOINTS / "state.json").get("checkpoints", []))


def _keep(folder: Place, entries: list[dict[str, Any]]) -> None:
    """Lists these checkpoints, then deletes all others."""
    write_json(folder / "state.json", {"checkpoints": entries})
    kept = {entry["file"] for entry in entries}
    for old in [path for path in folder.glob("step-*.safetensors") if path.name not in kept]:
        old.unlink(missing_ok=True)


def _is_sound(trial_folder: Place, entry: dict[str, Any]) -> bool:
    try:
        content = (trial_folder / CHECKPOINTS / entry["file"]).read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content).hexdigest() == entry["sha256"] and unchanged(trial_folder, entry.get("history", {}))
