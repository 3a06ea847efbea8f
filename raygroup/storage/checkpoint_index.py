"""The list of a trial's checkpoints, and which of them are sound.

``checkpoints/state.json`` lists them with their checksums. A checkpoint vouches for the history up
to its step too, so it is sound only if every byte recorded until then is unchanged. A damaged list
counts as none: each checkpoint says itself what the list says of it.
"""

import functools
import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from raygroup.errors import DamagedFileError
from raygroup.files.atomic import write_bytes, write_json
from raygroup.files.places import Place
from raygroup.history.reader import is_unchanged, read_attempt_metadata
from raygroup.history.sinks import Checksums
from raygroup.storage.checkpoint_format import describe_checkpoint
from raygroup.storage.layout import CHECKPOINT_INDEX_FILE, CHECKPOINTS_FOLDER, CHECKPOINTS_GLOB, checkpoint_file, checkpoint_number
from raygroup.storage.records import read_record_if_exists
from raygroup.terminal import print_warning

_NUM_KEPT = 2


@dataclass(frozen=True)
class CheckpointEntry:
    """One checkpoint in the list, with its JSON keys as field names."""

    step: int
    file: str
    sha256: str
    history: Checksums
    """The files of the history that hold steps up to this one."""


def add_checkpoint(trial_folder: Place, step: int, attempt: int, content: bytes, history: Checksums) -> None:
    """Write a checkpoint and list it. Only the last two are kept."""
    folder = trial_folder / CHECKPOINTS_FOLDER
    folder.mkdir(exist_ok=True)
    name = checkpoint_file(step, attempt)
    write_bytes(folder / name, content)
    earlier = [entry for entry in _read_index(trial_folder) if entry.step < step]
    added = CheckpointEntry(step, name, hashlib.sha256(content).hexdigest(), history)
    _keep_only(trial_folder, [*earlier, added][-_NUM_KEPT:])


def read_checkpoint(trial_folder: Place, step: int) -> tuple[bytes, Checksums]:
    """Return a checkpoint's content and the checksums of its history."""
    entry = next(entry for entry in _read_index(trial_folder) if entry.step == step)
    return (trial_folder / CHECKPOINTS_FOLDER / entry.file).read_bytes(), entry.history


def read_last_checkpoint(trial_folder: Place) -> bytes | None:
    """Return the content of the last listed checkpoint, or None if none is listed or its file is gone.

    Raises DamagedFileError if its bytes have changed. Unlike ``sound_steps`` this asks nothing of the
    history, which a finished trial has sealed.
    """
    for entry in _read_index(trial_folder)[-1:]:
        path = trial_folder / CHECKPOINTS_FOLDER / entry.file
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            raise DamagedFileError(f"{path}: damaged: its checksum is not the listed one")
        return content
    return None


def keep_last_checkpoint(trial_folder: Place) -> None:
    """Delete all checkpoints but the last. A finished trial needs no other."""
    last = _read_index(trial_folder)[-1:]
    if last:
        _keep_only(trial_folder, last)


def drop_checkpoints_after(trial_folder: Place, step: int) -> None:
    """Delete the checkpoints after the step from which a trial resumes.

    If a later attempt resumed from one of them, the history would lack the steps between.
    """
    entries, damage = _load_index(trial_folder)
    remaining = [entry for entry in entries if entry.step <= step]
    if damage or len(remaining) < len(entries):
        _keep_only(trial_folder, remaining)


def listed_steps(trial_folder: Place) -> tuple[int, ...]:
    """Return the steps of all listed checkpoints, sound or not, oldest first."""
    return tuple(entry.step for entry in _read_index(trial_folder))


def sound_steps(trial_folder: Place) -> set[int]:
    """Return the steps of the sound checkpoints. Their bytes and their history are unchanged."""
    return {entry.step for entry in _read_index(trial_folder) if _is_sound(trial_folder, entry)}


def checkpoint_files(trial_folder: Place) -> list[Place]:
    """Return the paths of all checkpoints, by step and attempt. They need not be listed."""
    numbered = [(checkpoint_number(path.name), path) for path in (trial_folder / CHECKPOINTS_FOLDER).glob("*")]
    return [path for _, path in sorted(((number, path) for number, path in numbered if number), key=lambda pair: (pair[0], str(pair[1])))]


def _read_index(trial_folder: Place) -> list[CheckpointEntry]:
    entries, damage = _load_index(trial_folder)
    if damage:
        _warn_once(f"{damage}: {', '.join(f'step {entry.step}' for entry in entries) or 'none is left, and the trial begins anew'}")
    return entries


def _load_index(trial_folder: Place) -> tuple[list[CheckpointEntry], str | None]:
    """Return the listed checkpoints. If the list is damaged, return those that describe themselves, and what is damaged."""
    path = trial_folder / CHECKPOINTS_FOLDER / CHECKPOINT_INDEX_FILE
    try:
        stored = read_record_if_exists(path)
        return [_entry(path, item) for item in stored.get("checkpoints", [])], None
    except DamagedFileError as error:
        return _described_entries(trial_folder), str(error)


def _entry(path: Place, item: dict[str, Any]) -> CheckpointEntry:
    number = checkpoint_number(item["file"])
    try:
        history = {name: (int(size), int(crc)) for name, (size, crc) in item.get("history", {}).items()}
    except (TypeError, ValueError) as error:
        raise DamagedFileError(f"{path}: damaged: 'history' is {repr(item['history'])[:60]}") from error
    if number is None or number[0] != item["step"]:
        raise DamagedFileError(f"{path}: damaged: {item['file']!r} is no checkpoint of step {item['step']}")
    return CheckpointEntry(number[0], item["file"], item["sha256"], history)


def _described_entries(trial_folder: Place) -> list[CheckpointEntry]:
    """Return the checkpoints that are there and whole, by what they hold, oldest first.

    One that a later attempt has left behind does not count: that attempt began before its step, so the history would have a gap.
    """
    starts = {attempt: int(metadata.get("from_step", 0)) for attempt, metadata in read_attempt_metadata(trial_folder).items()}
    entries: dict[int, CheckpointEntry] = {}
    for path in checkpoint_files(trial_folder):
        step, attempt = checkpoint_number(path.name) or (0, 0)
        content = path.read_bytes()
        description = describe_checkpoint(content)
        was_left_behind = any(later > attempt and start < step for later, start in starts.items())
        if description and description.step == step and not was_left_behind:
            entries[step] = CheckpointEntry(step, path.name, hashlib.sha256(content).hexdigest(), description.history)
    return [entries[step] for step in sorted(entries)]


@functools.cache
def _warn_once(text: str) -> None:
    print_warning(text)


def _keep_only(trial_folder: Place, entries: list[CheckpointEntry]) -> None:
    """List these checkpoints, then delete all others."""
    folder = trial_folder / CHECKPOINTS_FOLDER
    write_json(folder / CHECKPOINT_INDEX_FILE, {"checkpoints": [asdict(entry) for entry in entries]})
    names = {entry.file for entry in entries}
    for path in [path for path in folder.glob(CHECKPOINTS_GLOB) if path.name not in names]:
        path.unlink(missing_ok=True)


def _is_sound(trial_folder: Place, entry: CheckpointEntry) -> bool:
    try:
        content = (trial_folder / CHECKPOINTS_FOLDER / entry.file).read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content).hexdigest() == entry.sha256 and is_unchanged(trial_folder, entry.history)
