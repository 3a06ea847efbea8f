"""The truth about trials on disk: what each is, which are done, who writes. Tune schedules; it is never asked what happened."""

import contextlib
import fcntl
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.atomic import read_if_there, write_json, write_whole
from raygroup.files.places import Place, Remote

DONE, FAILED, CONFIG, SWEEP, PROGRESS, STOP = "DONE.json", "FAILED.json", "config.json", "sweep.json", "progress.json", "STOP.json"
_RENEWED_S, _STALE_S = 15.0, 90.0
"""How often a holder on an object store says that it lives, and how long after the last time it counts as gone."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def is_done(folder: Place) -> bool:
    return (folder / DONE).is_file()


def done_ids(sweep_folder: Place) -> set[str]:
    """The trials of a sweep that are done, from one look at its folder."""
    if isinstance(sweep_folder, Remote):
        return {path.parent.name for path in sweep_folder.rglob(DONE)}
    try:
        return {entry.name for entry in os.scandir(sweep_folder) if os.path.exists(os.path.join(entry.path, DONE))}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def writable(storage: Place) -> None:
    """Raises ConfigError where the storage path cannot be written, before any work is done."""
    probe = storage / f".probe-{os.getpid()}"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        write_whole(probe, b"raygroup", safe=False)
        probe.unlink()
    except OSError as error:
        said = error.strerror or str(error)
        raise ConfigError(f"--storage-path {storage} cannot be written: {said}; name a folder that can") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def held(folder: Place, what: str, patience_s: float = 0) -> contextlib.AbstractContextManager[None]:
    """Holds a folder for one writer. On a file system the lock falls with its process, however that ends; on an object store it
    must be renewed, and counts as given up ninety seconds after its holder last said so.

    Waits up to ``patience_s`` (a killed driver's workers end a moment after it), then raises ConfigError saying who holds it.
    """
    return _held_by_name(folder, what, patience_s) if isinstance(folder, Remote) else _held_by_lock(folder, what, patience_s)


@contextlib.contextmanager
def _held_by_lock(folder: Path, what: str, patience_s: float) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
                    raise _taken(what, folder, holder) from None
                time.sleep(0.2)
        os.ftruncate(handle, 0)
        os.pwrite(handle, _me().encode(), 0)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _held_by_name(folder: Remote, what: str, patience_s: float) -> Iterator[None]:
    path, token, ended = folder / "holder.json", uuid.uuid4().hex, threading.Event()
    deadline = time.monotonic() + patience_s
    while time.time() - float((stored := read_if_there(path)).get("renewed", 0)) < _STALE_S:
        if time.monotonic() >= deadline:
            raise _taken(what, folder, str(stored.get("by")))
        time.sleep(1)

    def say() -> None:
        write_json(path, {"token": token, "by": _me(), "renewed": time.time()})

    def renew() -> None:
        while not ended.wait(_RENEWED_S):
            with contextlib.suppress(OSError):
                say()

    say()
    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with contextlib.suppress(OSError, ConfigError):
            if read_if_there(path).get("token") == token:
                path.unlink(missing_ok=True)


def _taken(what: str, folder: Place, holder: str) -> ConfigError:
    return ConfigError(f"{what} {folder} is being written by {holder}: wait for it or end it")


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} since {now()}"
