"""Download a user's words from an object store.

Readers of words need local files.
"""

import hashlib
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.local_copies import copies_folder, exclusive_lock, fetch
from raygroup.files.places import Place
from raygroup.files.remote import Remote


def download_words(data: Place) -> Path:
    """Return a user's words as a local file or folder.

    A local path is returned as it is. From an object store it copies a Parquet file, or the Parquet
    files of a folder. If a file's size or time there has changed, it makes a new copy, because a
    user may replace a file under the same name. Raises ConfigError if there is no Parquet file.
    """
    if isinstance(data, Path):
        return data
    files = list(data.glob("*.parquet")) if data.is_dir() else [data] if data.is_file() else []
    if not files:
        raise ConfigError(f"{data}: no Parquet file here; {_hint(data)}")
    infos = [data.filesystem.get_file_info(file.key) for file in files]
    version = hashlib.sha256(repr([(str(data), info.path, info.size, info.mtime_ns) for info in infos]).encode()).hexdigest()
    folder = copies_folder() / f"given-{version[:24]}"
    with exclusive_lock(folder):
        for file, info in zip(files, infos, strict=True):
            _fetch_if_missing(file, folder / file.name, info.size)
    return folder if data.is_dir() else folder / data.name


def _fetch_if_missing(source: Remote, target: Path, size: int) -> None:
    if not target.is_file() or target.stat().st_size != size:
        fetch(source, target)


def _hint(data: Remote) -> str:
    """Name the folders below that hold Parquet files, as data set libraries lay them out."""
    folders = sorted({str(file.parent) for file in data.rglob("*.parquet")})
    if folders:
        return f"Parquet files lie in {' and '.join(folders[:3])}: give that folder"
    return "put images with a label file into a folder of this machine"
