"""A user's data set in an object store, brought to this machine, where readers of words look."""

import hashlib
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.local_copies import copies_folder, exclusive_lock, fetch
from raygroup.files.places import Place
from raygroup.files.remote import Remote


def brought_here(data: Place) -> Path:
    """A folder or file of this machine itself; the copy of a Parquet file, or of a folder's Parquet files, from an object store.

    Another size or time of a file there makes another copy, since a user may change what a name stands for.
    """
    if isinstance(data, Path):
        return data
    found = list(data.glob("*.parquet")) if data.is_dir() else [data] if data.is_file() else []
    if not found:
        raise ConfigError(f"{data}: no Parquet file there; images with a label file must lie in a folder of this machine")
    infos = [data.filesystem.get_file_info(file.key) for file in found]
    version = hashlib.sha256(repr([(str(data), info.path, info.size, info.mtime_ns) for info in infos]).encode()).hexdigest()
    folder = copies_folder() / f"given-{version[:24]}"
    with exclusive_lock(folder):
        for file, info in zip(found, infos, strict=True):
            _bring(file, folder / file.name, info.size)
    return folder if data.is_dir() else folder / data.name


def _bring(source: Remote, target: Path, size: int) -> None:
    if not target.is_file() or target.stat().st_size != size:
        fetch(source, target)
