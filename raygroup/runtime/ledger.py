"""The truth about trials on disk: what each is, which are done, who writes. Tune schedules; it is never asked what happened."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from raygroup.config import ConfigError
from raygroup.history.storage import LAYOUT, read_json

DONE, FAILED, CONFIG, SWEEP, PROGRESS = "DONE.json", "FAILED.json", "config.json", "sweep.json", "progress.json"


def write_json(path: Path, content: dict[str, Any], *, safe: bool = True) -> None:
    """The file appears whole or not at all; with ``safe`` it also survives a power cut."""
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}")
    with partial.open("w", encoding="utf-8") as file:
        json.dump({"layout": LAYOUT, **content}, file, ensure_ascii=False, indent=1)
        if safe:
            file.flush()
            os.fsync(file.fileno())
    os.replace(partial, path)


def read_if_there(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def is_done(folder: Path) -> bool:
    return (folder / DONE).is_file()


def writable(storage: Path) -> None:
    """Raises ConfigError where the storage path cannot be written, before any work is done."""
    probe = storage / f".probe-{os.getpid()}"
    try:
        storage.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"raygroup")
    except OSError as error:
        raise ConfigError(f"--storage-path {storage} cannot be written: {error.strerror}; name a folder that can") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


@contextlib.contextmanager
def held(folder: Path, what: str, patience_s: float = 0) -> Iterator[None]:
    """Holds a folder for one writer; the lock falls with its process, however that ends.

    Waits up to ``patience_s`` (a killed driver's workers end a moment after it), then raises ConfigError saying who holds it.
    """
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
                    raise ConfigError(f"{what} {folder} is being written by {holder}: wait for it or end it") from None
                time.sleep(0.2)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()} since {now()}".encode(), 0)
        yield
    finally:
        os.close(handle)
