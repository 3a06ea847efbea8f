"""The private folder of a Ray that a run starts for itself.

Ray opens its own folders to every user of the machine. So they lie in a folder that only this user
can enter.
"""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError

_PREFIX = "rg-ray-"
_RANDOM_CHARACTERS = 8
"""Characters that ``tempfile.mkdtemp`` adds."""
_RAY_FOLDER = "r"
"""Ray's own part of the folder. A short name leaves room for the paths of its sockets."""
_LOCK_FILE = "lock"
_SOCKET_PATH = "/session_2026-11-28_21-10-51_753870_4194304/sockets/dash_MetricsHead"
"""The longest path of a socket below Ray's part of the folder."""
_MAX_SOCKET_BYTES = 103 if sys.platform == "darwin" else 107
_MAX_BASE_BYTES = _MAX_SOCKET_BYTES - len(_SOCKET_PATH) - len(f"/{_RAY_FOLDER}") - len(f"/{_PREFIX}") - _RANDOM_CHARACTERS
_MIN_FREE_BYTES = 100_000_000
"""Free space that Ray's logs and objects need."""
_OBJECT_STORE_BYTES = 80_000_000
"""A small object store. Ray refuses one below 75 MB."""
_SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"))
_KEEP_S = 24 * 3600.0
"""Time for which the folder of a run that failed or was killed stays."""


def temporary_base() -> Path:
    """Return the folder for temporary files in which Ray can run.

    A folder that the user chose for Ray (``RAY_TMPDIR``) must do. Otherwise a short one replaces one whose name is too long for sockets.
    Raises ConfigError that says what to change.
    """
    configured = os.environ.get("RAY_TMPDIR")
    candidates = [Path(configured).absolute()] if configured else [*_default_folder(), *_SHORT_FOLDERS]
    reasons = [_unusable(folder) for folder in candidates]
    usable = [folder for folder, reason in zip(candidates, reasons, strict=True) if not reason]
    if usable:
        return usable[0]
    name = "RAY_TMPDIR" if configured else "TMPDIR"
    raise ConfigError(f"Ray cannot run in {candidates[0]}: {reasons[0]}; set {name} to another folder, or use --local")


def make_session_folder() -> Path:
    """Make a private folder. Those that killed runs of this user left a day ago are removed."""
    base = temporary_base()
    _remove_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    (folder / _LOCK_FILE).touch(mode=0o600)
    return folder


@contextlib.contextmanager
def use_session_folder(folder: Path) -> Iterator[None]:
    """Keep a folder from being removed by other runs during the block."""
    with (folder / _LOCK_FILE).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_session_folder(folder: Path | None) -> None:
    """Remove a folder. It is no error if processes of Ray still end in it."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def ray_options(folder: Path, shared_memory: Path = Path("/dev/shm")) -> dict[str, Any]:
    """Return the arguments of ``ray.init`` that keep all files in a folder.

    Objects lie in shared memory. If there is none, or too little, they lie in the folder too.
    """
    options: dict[str, Any] = {"_temp_dir": str(folder / _RAY_FOLDER)}
    if sys.platform != "darwin" and _unwritable(shared_memory):
        options |= {"_plasma_directory": str(folder), "object_store_memory": _OBJECT_STORE_BYTES}
    return options


def shorten_temporary_folder(folder: Path) -> None:
    """Let Ray's processes keep temporary files in ``folder`` if the name of the usual place is too long.

    The dashboard of Ray makes sockets among them.
    """
    if any(_name_is_too_long(usual) for usual in _default_folder()):
        os.environ["TMPDIR"] = str(folder)
        tempfile.tempdir = None


def ray_logs(folder: Path) -> Path:
    """Return the folder of Ray's logs in a folder."""
    return folder / _RAY_FOLDER / "session_latest" / "logs"


def _default_folder() -> list[Path]:
    try:
        return [Path(tempfile.gettempdir()).absolute()]
    except FileNotFoundError:
        return []


def _unusable(folder: Path) -> str:
    """Return why Ray cannot run in a folder for temporary files, or an empty text."""
    if _name_is_too_long(folder):
        return f"its name has {len(os.fsencode(folder))} bytes, and the paths of sockets leave room for {_MAX_BASE_BYTES}"
    return _unwritable(folder)


def _name_is_too_long(folder: Path) -> bool:
    return len(os.fsencode(folder)) > _MAX_BASE_BYTES


def _unwritable(folder: Path) -> str:
    if not folder.is_dir():
        return "there is no such folder"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "it cannot be written"
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    return f"it has only {free_mb} MB free, and Ray needs {_MIN_FREE_BYTES // 1_000_000}" if free_mb * 1_000_000 < _MIN_FREE_BYTES else ""


def _remove_abandoned(base: Path) -> None:
    for lock in base.glob(f"{_PREFIX}*/{_LOCK_FILE}"):
        with contextlib.suppress(OSError):
            status = lock.parent.lstat()
            if status.st_uid != os.getuid() or time.time() - lock.stat().st_mtime < _KEEP_S:
                continue
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_session_folder(lock.parent)
