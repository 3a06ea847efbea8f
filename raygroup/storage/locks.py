"""Locks on folders of a storage path. A locked folder has one writer."""

import contextlib
import fcntl
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json_if_exists, write_bytes, write_json
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.storage.layout import HOLDER_FILE, LOCK_FILE, now

_RENEW_S = 15.0
"""Interval at which the holder renews a lock on an object store."""
_STALE_S = 90.0
"""Time after which a lock that was not renewed counts as released."""


def require_writable(storage: Place) -> None:
    """Raise ConfigError if the storage path cannot be written. Called before any work is done."""
    probe = storage / f".probe-{os.getpid()}"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        write_bytes(probe, b"raygroup", durable=False)
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"--storage-path {storage} cannot be written: {reason}; name a folder that can") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def lock_folder(folder: Place, kind: str, wait_s: float = 0) -> contextlib.AbstractContextManager[None]:
    """Hold a folder for one writer during the block.

    On a file system the lock ends with its process, however that ends. On an object store the
    holder renews it, and it counts as released 90 seconds after the last renewal.

    If another process holds the folder, wait up to ``wait_s``, because the workers of a killed
    driver end a moment after it. Then raise ConfigError that names the holder. ``kind`` says in the
    message what the folder is, such as "sweep".
    """
    return _hold_by_renewal(folder, kind, wait_s) if isinstance(folder, Remote) else _hold_by_flock(folder, kind, wait_s)


@contextlib.contextmanager
def _hold_by_flock(folder: Path, kind: str, wait_s: float) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
                    raise _locked_error(kind, folder, holder) from None
                time.sleep(0.2)
        os.ftruncate(handle, 0)
        os.pwrite(handle, _this_process().encode(), 0)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _hold_by_renewal(folder: Remote, kind: str, wait_s: float) -> Iterator[None]:
    path, token, released = folder / HOLDER_FILE, uuid.uuid4().hex, threading.Event()
    deadline = time.monotonic() + wait_s
    while time.time() - float((stored := read_json_if_exists(path)).get("renewed", 0)) < _STALE_S:
        if time.monotonic() >= deadline:
            raise _locked_error(kind, folder, str(stored.get("by")))
        time.sleep(1)

    def write_holder() -> None:
        write_json(path, {"token": token, "by": _this_process(), "renewed": time.time()})

    def renew() -> None:
        while not released.wait(_RENEW_S):
            with contextlib.suppress(OSError):
                write_holder()

    write_holder()
    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        released.set()
        thread.join()
        # Another process may hold the folder by now, if this one was stopped for longer than 90 seconds.
        with contextlib.suppress(OSError, ConfigError):
            if read_json_if_exists(path).get("token") == token:
                path.unlink(missing_ok=True)


def _locked_error(kind: str, folder: Place, holder: str) -> ConfigError:
    return ConfigError(f"{kind} {folder} is being written by {holder}: wait for it or end it")


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} since {now()}"
