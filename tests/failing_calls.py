"""Let calls of the file system fail once, each with an error that goes away by itself."""

import contextlib
import errno
import fcntl
import io
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

_ON_PATHS = ((io, "open"), (os, "open"), (os, "mkdir"), (os, "replace"), (os, "unlink"))
_ON_HANDLES = ((os, "fsync"), (os, "pwrite"), (os, "ftruncate"), (fcntl, "flock"))
Call = tuple[str, str]
"""A function, and the file that it works on, without the numbers of processes and attempts."""


class FailingCalls:
    """The calls on files below a folder. ``fails(call, number)`` decides which of them fail."""

    def __init__(self, folder: Path, fails: Callable[[Call, int], bool]) -> None:
        self.folder, self.fails = str(folder), fails
        self.calls: list[Call] = []
        self.failed: list[Call] = []

    @contextlib.contextmanager
    def active(self) -> Iterator["FailingCalls"]:
        with pytest.MonkeyPatch.context() as patch:
            for module, name in _ON_PATHS:
                patch.setattr(module, name, self._wrap(name, getattr(module, name), os.fspath))
            for module, name in _ON_HANDLES:
                patch.setattr(module, name, self._wrap(name, getattr(module, name), lambda first: os.readlink(f"/proc/self/fd/{first}")))
            yield self

    def _wrap(self, name: str, function: Callable[..., Any], path_of: Callable[[Any], Any]) -> Callable[..., Any]:
        def call(first: Any, *arguments: Any, **options: Any) -> Any:
            path = str(path_of(first)) if not (name in ("open", "mkdir", "unlink") and isinstance(first, int)) else ""
            if path.startswith(self.folder):
                self._count(name, path)
            return function(first, *arguments, **options)

        return call

    def _count(self, name: str, path: str) -> None:
        target = re.sub(r"\.partial-.*|\.probe-\d+", "", path[len(self.folder) :])
        made = (name, re.sub(r"-\d+(?=\.(arrows|safetensors)$)", "", target))
        self.calls.append(made)
        if self.fails(made, len(self.calls)):
            self.failed.append(made)
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), path)
