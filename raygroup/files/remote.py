"""Names in an object store.

They have the part of pathlib's interface that raygroup uses. So the same code reads a storage path
wherever it is.
"""

import fnmatch
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from raygroup.errors import ConfigError
from raygroup.files.connections import Store, connect

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

KINDS_OF_PLACES = "a storage path is a folder, or s3://bucket/folder (gs:// and abfs:// likewise)"


class Remote:
    """A name in an object store, such as ``s3://bucket/runs``. It need not exist."""

    __slots__ = ("_query", "_root", "path")

    def __init__(self, uri: str) -> None:
        """Raises ConfigError for an unknown kind of store."""
        parts = urlsplit(uri)
        self._root = f"{parts.scheme}://{parts.netloc}"
        self._query = parts.query
        self.path = PurePosixPath("/" + parts.path.strip("/"))
        if not parts.netloc or parts.scheme not in ("s3", "gs", "abfs", "abfss"):
            raise ConfigError(f"{uri}: {KINDS_OF_PLACES}")
        if parts.password is not None or ("@" in parts.netloc and parts.scheme in ("s3", "gs")):
            # The text of a place goes into files and messages, so the message must not repeat it.
            raise ConfigError(f"{parts.scheme}://...@...: a storage path must hold no password; leave credentials to the store's own tools")

    @property
    def filesystem(self) -> Store:
        return connect(self._root, self._query)

    @property
    def key(self) -> str:
        """Bucket and key, as pyarrow expects them."""
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
        return self._with_path(self.path.parent)

    def with_name(self, name: str) -> "Remote":
        return self._with_path(self.path.with_name(name))

    def __truediv__(self, name: "str | PurePosixPath") -> "Remote":
        return self._with_path(self.path / name)

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
        """Return the path below ``other``. Raises ValueError if it does not lie below."""
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
        """Return the bytes of the object."""
        return int(self.filesystem.get_file_info(self.key).size or 0)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Do nothing: an object store has no folders, only names with slashes."""

    def read_bytes(self) -> bytes:
        """Read the object. Raises FileNotFoundError, or OSError if the store does not answer."""
        with self.filesystem.open_input_stream(self.key) as stream:
            return bytes(stream.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            self.filesystem.delete_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def iterdir(self) -> Iterator["Remote"]:
        return (self / info.base_name for info in self.infos())

    def glob(self, pattern: str) -> Iterator["Remote"]:
        """Return the names that match, part by part.

        A part without wildcards is not listed. So ``*/sweep.json`` asks for one name in each
        folder, and for all of them at once.
        """
        first, _, rest = pattern.partition("/")
        if not _is_pattern(first):
            children = [self / first]
        else:
            children = [self / info.base_name for info in self.infos() if fnmatch.fnmatchcase(info.base_name, first)]
        if _is_pattern(rest):
            return (match for child in children for match in child.glob(rest))
        places = [child / rest for child in children] if rest else children
        if rest or not _is_pattern(first):
            infos = self.filesystem.get_file_info([place.key for place in places])
            places = [place for place, info in zip(places, infos, strict=True) if info.type.name != "NotFound"]
        return iter(places)

    def rglob(self, pattern: str) -> Iterator["Remote"]:
        """Return the names at any depth whose last part matches. One listing finds them all."""
        for info in self.infos(recursive=True):
            if fnmatch.fnmatchcase(info.base_name, pattern):
                yield self / PurePosixPath(info.path).relative_to(self.key)

    def infos(self, *, recursive: bool = False) -> "list[FileInfo]":
        """List the entries of a folder by name, with ``recursive`` at any depth. A missing folder
        has none."""
        from pyarrow.fs import FileSelector

        infos = self.filesystem.get_file_info(FileSelector(self.key, recursive=recursive, allow_not_found=True))
        return sorted(infos, key=lambda info: str(info.path))

    def _with_path(self, path: PurePosixPath) -> "Remote":
        place = object.__new__(Remote)
        place._root, place._query, place.path = self._root, self._query, path
        return place

    def _kind(self) -> str:
        return str(self.filesystem.get_file_info(self.key).type.name)


def _is_pattern(name: str) -> bool:
    return bool(set("*?[") & set(name))
