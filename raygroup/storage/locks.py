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
from raygroup.files.atomic import write_bytes, write_json
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.files.retry import NO_RETRY, Retry
from raygroup.storage.layout import HOLDER_FILE, LOCK_FILE, now
from raygroup.storage.records import intact_record
from raygroup.terminal import print_warning

_RENEW_S = 15.0
"""Interval at which the holder renews a lock on an object store."""
_STALE_S = 90.0
"""Time after which a lock that was not renewed counts as released."""
_LONG_GONE_S = 3600.0
"""Clocks of machines that work differ by less. A lock that was renewed longer ago is not watched before it counts as released."""
CLOCK_TOLERANCE_S = 60.0
"""A time that lies further ahead than this comes from a clock that is wrong, and tells nothing."""
_POLL_S = 1.0


def require_writable(storage: Place, retry: Retry = NO_RETRY) -> None:
    """Raise ConfigError if the storage path cannot be written. Called before any work is done.

    ``retry`` counts for folders only. A store sends requests again by itself, and a bucket that does not exist looks like one that is away.
    """
    probe = storage / f".probe-{os.getpid()}"

    def write_probe() -> None:
        storage.mkdir(parents=True, exist_ok=True)
        write_bytes(probe, b"raygroup", durable=False)
        probe.unlink(missing_ok=True)

    try:
        write_probe() if isinstance(storage, Remote) else retry(write_probe)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"--storage-path {storage} cannot be written: {reason}; name a folder that can") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def lock_folder(folder: Place, kind: str, wait_s: float = 0, retry: Retry = NO_RETRY) -> contextlib.AbstractContextManager[None]:
    """Hold a folder for one writer during the block.

    On a file system the lock ends with its process, however that ends. On an object store the
    holder renews it, and it counts as released 90 seconds after the last renewal.

    If another process holds the folder, wait up to ``wait_s``, because the workers of a killed
    driver end a moment after it. Then raise ConfigError that names the holder. ``kind`` says in the
    message what the folder is, such as "sweep". ``retry`` repeats what fails while the lock is taken.
    """
    return _hold_by_renewal(folder, kind, wait_s, retry) if isinstance(folder, Remote) else _hold_by_flock(folder, kind, wait_s, retry)


@contextlib.contextmanager
def _hold_by_flock(folder: Path, kind: str, wait_s: float, retry: Retry) -> Iterator[None]:
    handle = retry(lambda: _take_flock(folder, kind, time.monotonic() + wait_s))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # nothing is written through this handle any more, and the lock ends with it
            os.close(handle)


def _take_flock(folder: Path, kind: str, deadline: float) -> int:
    """Return a handle that holds the lock. Raises OSError that names the file."""
    path = folder / LOCK_FILE
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _try_flock(handle):
            if time.monotonic() >= deadline:
                holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
                raise ConfigError(_locked_text(kind, folder, holder))
            time.sleep(0.2)
        os.ftruncate(handle, 0)
        os.pwrite(handle, _this_process().encode(), 0)
    except BaseException as error:
        os.close(handle)
        if isinstance(error, OSError) and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return handle


def _try_flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _hold_by_renewal(folder: Remote, kind: str, wait_s: float, retry: Retry) -> Iterator[None]:
    path, token, released = folder / HOLDER_FILE, uuid.uuid4().hex, threading.Event()
    deadline = time.monotonic() + wait_s
    while holder := retry(lambda: _living_holder(path)):
        if time.monotonic() >= deadline:
            raise ConfigError(f"{_locked_text(kind, folder, holder)}; if it is gone, delete {path}")
        time.sleep(_POLL_S)

    def write_holder() -> None:
        write_json(path, {"token": token, "by": _this_process(), "renewed": time.time()})

    def renew() -> None:
        while not released.wait(_RENEW_S):
            with contextlib.suppress(OSError):
                write_holder()

    retry(write_holder)
    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        released.set()
        thread.join()
        # Another process may hold the folder by now, if this one was stopped for longer than 90 seconds.
        with contextlib.suppress(OSError, ConfigError):
            if intact_record(path).get("token") == token:
                path.unlink(missing_ok=True)


def _living_holder(path: Remote) -> str | None:
    """Return the name of the process that holds a folder, or None.

    Clocks of machines differ. A time that is neither of the last 90 seconds nor long past is no sign of life or of death: then it counts
    whether the holder renews the file while this process looks.
    """
    stored = intact_record(path)
    age_s = time.time() - float(stored.get("renewed", time.time() + 2 * CLOCK_TOLERANCE_S))
    if -CLOCK_TOLERANCE_S <= age_s < _STALE_S:
        return str(stored["by"])
    if age_s > _LONG_GONE_S or not path.exists():
        return None
    watch_s = 2 * _RENEW_S
    print_warning(f"{path} says that another process works here, at a time that may be of a wrong clock; watching it for {watch_s:.0f} s")
    deadline = time.monotonic() + watch_s
    while time.monotonic() < deadline:
        time.sleep(_POLL_S)
        if (latest := intact_record(path)) and latest != stored:
            return str(latest["by"])
    return None


def _locked_text(kind: str, folder: Place, holder: str) -> str:
    return f"{kind} {folder} is being written by {holder}: wait for it or end it"


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} since {now()}"
