"""Read an LMDB once in a process of its own, because its C library trusts the pages of the file.

A damaged page may end the process that reads it, or keep it reading forever.
"""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError

_READER = "raygroup.words.importing.formats.lmdb_database"
"""Run as a program, it asks for every key that the reader asks for."""
_LEAST_S = 60.0
_BYTES_PER_S = 5e6
"""A reading that is slower than this hangs."""


def require_readable(file: Path) -> None:
    """Raise ConfigError if the reading of a database ends its process, or does not end.

    An unchanged file is read once in this process's life. Other faults are left to the reader.
    """
    status = file.stat()
    fault = _fault(file, status.st_size, status.st_mtime_ns)
    if fault:
        raise ConfigError(f"{file}: damaged: {fault}; copy or make it again")


def require_whole(file: Path, database: Any) -> None:
    """Raise ConfigError if pages are missing at the end. Reading them would kill the process."""
    needed = (database.info()["last_pgno"] + 1) * database.stat()["psize"]
    size = file.stat().st_size
    if size < needed:
        raise ConfigError(f"{file}: cut off: it has {size:,} bytes of {needed:,}: copy it again")


@functools.cache
def _fault(file: Path, size: int, _: int) -> str:
    """Return what happens to a process that reads the database, or an empty text."""
    limit_s = _LEAST_S + size / _BYTES_PER_S
    try:
        code = subprocess.run([sys.executable, "-m", _READER, str(file)], capture_output=True, check=False, timeout=limit_s).returncode
    except subprocess.TimeoutExpired:
        return f"reading it did not end within {limit_s:.0f} s"
    return f"reading it ends the process by signal {-code}" if code < 0 else ""
