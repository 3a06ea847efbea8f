"""Where files lie: a folder of this machine or a network file system (``pathlib.Path``), or an object store (``Remote``).

``Remote`` has the part of pathlib's interface that raygroup uses, so that what reads a storage path reads it wherever it is.
"""

import argparse
import fnmatch
import functools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import parse_qs, urlsplit

from raygroup.errors import ConfigError

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

_ATTEMPTS = 8
"""Requests to an object store before one counts as failed; waits between them double."""


class Remote:
    """A name in an object store, such as ``s3://bucket/runs``; it may or may not be there."""

    __slots__ = ("_query", "_root", "path")

    def __init__(self, uri: str) -> None:
        """Raises ConfigError for a kind of store that is not known."""
        parts = urlsplit(uri)
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._query = parts.query
        self.path = PurePosixPath("/" + parts.path.strip("/"))
        if not parts.netloc or parts.scheme not in ("s3", "gs", "abfs", "abfss"):
            raise ConfigError(f"{uri}: a storage path is a folder, or s3://bucket/folder (gs:// and abfs:// likewise)")

    @property
    def files(self) -> "FileSystem":
        return _opened(self._root, self._query)

    @property
    def key(self) -> str:
        """What pyarrow calls it: bucket and key."""
        return (urlsplit(self._root).netloc + str(self.path)).rstrip("/")

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def suffix(self) -> str:
        return self.path.suffix

    @property
    def parent(self) -> "Remote":
        return self._at(self.path.parent)

    def with_name(self, name: str) -> "Remote":
        return self._at(self.path.with_name(name))

    def __truediv__(self, name: "str | PurePosixPath") -> "Remote":
        return self._at(self.path / name)

    def __str__(self) -> str:
        return self._root + str(self.path).rstrip("/")

    def __repr__(self) -> str:
        return f"Remote({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and str(self) == str(other)

    def __lt__(self, other: "Remote") -> bool:
        return str(self) < str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> tuple[type["Remote"], tuple[str]]:
        return Remote, (str(self) + (f"?{self._query}" if self._query else ""),)

    def relative_to(self, other: "Remote") -> PurePosixPath:
        """Raises ValueError where it does not lie below the other."""
        if self._root != other._root:
            raise ValueError(f"{self} is not below {other}")
        return self.path.relative_to(other.path)

    def absolute(self) -> "Remote":
        return self

    def exists(self) -> bool:
        return self._kind() != "NotFound"

    def is_file(self) -> bool:
        return self._kind() == "File"

    def is_dir(self) -> bool:
        return self._kind() == "Directory"

    def is_symlink(self) -> bool:
        return False

    def size(self) -> int:
        """Bytes of the object."""
        return int(self.files.get_file_info(self.key).size or 0)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Nothing: an object store has no folders, only names with slashes."""

    def read_bytes(self) -> bytes:
        """Raises FileNotFoundError, or OSError where the store does not answer."""
        with self.files.open_input_stream(self.key) as stream:
            return bytes(stream.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            self.files.delete_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def iterdir(self) -> Iterator["Remote"]:
        return (self / info.base_name for info in self.listed())

    def glob(self, pattern: str) -> Iterator["Remote"]:
        """Names that match, part by part: ``*/sweep.json`` asks for one name in each folder, all at once, and lists no further."""
        first, _, rest = pattern.partition("/")
        if not _is_pattern(first):
            found = [self / first]
        else:
            found = [self / info.base_name for info in self.listed() if fnmatch.fnmatchcase(info.base_name, first)]
        if _is_pattern(rest):
            return (below for place in found for below in place.glob(rest))
        named = [place / rest for place in found] if rest else found
        if rest or not _is_pattern(first):
            kinds = self.files.get_file_info([place.key for place in named])
            named = [place for place, info in zip(named, kinds, strict=True) if info.type.name != "NotFound"]
        return iter(named)

    def rglob(self, pattern: str) -> Iterator["Remote"]:
        """Names anywhere below whose last part matches, from one listing."""
        for info in self.listed(recursive=True):
            if fnmatch.fnmatchcase(info.base_name, pattern):
                yield self / PurePosixPath(info.path).relative_to(self.key)

    def _at(self, path: PurePosixPath) -> "Remote":
        made = object.__new__(Remote)
        made._root, made._query, made.path = self._root, self._query, path
        return made

    def _kind(self) -> str:
        return str(self.files.get_file_info(self.key).type.name)

    def listed(self, *, recursive: bool = False) -> "list[FileInfo]":
        """What lies in it, or with ``recursive`` anywhere below, by name; nothing where there is no such folder."""
        from pyarrow.fs import FileSelector

        found = self.files.get_file_info(FileSelector(self.key, recursive=recursive, allow_not_found=True))
        return sorted(found, key=lambda info: str(info.path))


Place = Union[Path, Remote]  # noqa: UP007 (a runtime alias of both)
"""Where something lies."""


def place(text: str | Path | Remote) -> Place:
    """What a user named: a folder, or a name in an object store."""
    if isinstance(text, Remote):
        return text
    return Remote(str(text)) if "://" in str(text) else Path(text)


def place_named(text: str) -> Place:
    """``place`` for flags of commands: it says what a storage path is where the text names none; argparse itself would only say that it
    does not."""
    try:
        return place(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def readable(path: Place) -> Any:
    """What pyarrow's readers take: a path, or an open object of which they fetch the parts they need."""
    return path.files.open_input_file(path.key) if isinstance(path, Remote) else path


def opened(path: Place) -> Any:
    """A stream of its bytes, to be closed by a ``with``."""
    return path.files.open_input_stream(path.key) if isinstance(path, Remote) else path.open("rb")


def size_of(path: Place) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is none, also where it goes while this looks."""
    if isinstance(path, Remote):
        return sum(info.size or 0 for info in path.listed(recursive=True)) if path.is_dir() else path.size()
    try:
        return sum(size_of(below) for below in path.iterdir() if not below.is_symlink()) if path.is_dir() else path.stat().st_size
    except FileNotFoundError:
        return 0


def remove(path: Place) -> None:
    """Deletes a file, a link, or a folder with all below it; what has gone in the meantime is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=_unless_gone) if isinstance(path, Path) else path.files.delete_dir(path.key)
    else:
        path.unlink(missing_ok=True)


def _unless_gone(function: object, path: str, caught: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(caught[1], FileNotFoundError):
        raise caught[1]


def _is_pattern(name: str) -> bool:
    return bool(set("*?[") & set(name))


@functools.cache
def _opened(root: str, query: str) -> "FileSystem":
    """One connection a process and store."""
    from pyarrow import fs

    if not root.startswith("s3://"):
        return fs.FileSystem.from_uri(root + (f"?{query}" if query else ""))[0]
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    unknown = set(asked) - {"region", "endpoint_override", "scheme"}
    if unknown:
        raise ConfigError(f"{root}?{query}: {sorted(unknown)[0]} is no setting; there are region, endpoint_override and scheme")
    # Opened late, a small file is one request instead of three.
    patient = fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS)
    return fs.S3FileSystem(**_s3_settings(root, asked), retry_strategy=patient, allow_delayed_open=True)


def _s3_settings(root: str, asked: dict[str, str]) -> dict[str, Any]:
    """Endpoint and region, as the query or AWS's own environment variables say; credentials come from where AWS's tools look."""
    from pyarrow import fs

    endpoint = asked.get("endpoint_override") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = asked.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        scheme, _, host = endpoint.rpartition("://")
        return {"endpoint_override": host, "scheme": asked.get("scheme") or scheme or "https", "region": region or "us-east-1"}
    bucket = urlsplit(root).netloc
    try:
        return {"region": region or fs.resolve_s3_region(bucket)}
    except OSError as error:
        raise ConfigError(f"{root}: no such bucket, or it does not answer: {error}") from error
