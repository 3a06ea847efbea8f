"""Find and read the images that a label file names."""

import errno
import os
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from raygroup.words.importing.reasons import MISSING, UNREADABLE


@dataclass(frozen=True, slots=True)
class NoImage:
    """The reason why a row has no image."""

    reason: str
    """``MISSING`` or ``UNREADABLE``. Reports count by it."""
    why: str = ""
    """What is wrong with this one image."""


class ImageFolder:
    """The images below a folder. Several threads may read them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listed: dict[Path, dict[str, str]] = {}
        self._lock = threading.Lock()

    def read(self, path: str) -> bytes | NoImage:
        """Return the bytes of an image, or why there are none.

        A path that is not there as it stands is tried without blanks at its ends, and then in the
        other Unicode forms: macOS writes names decomposed, and label files mostly name them composed.
        """
        if not path.strip():
            return NoImage(MISSING, "no path")
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            variant = self._variant(path.strip())
        except (OSError, ValueError) as error:
            return _fault(error)
        try:
            return variant.read_bytes()
        except FileNotFoundError:
            return NoImage(MISSING, self._hint(variant))
        except (OSError, ValueError) as error:
            return _fault(error)

    def _variant(self, path: str) -> Path:
        """Return a path with the names that its folders have in another Unicode form."""
        place = self.root
        for part in path.split("/"):
            place = place / (part if part.isascii() else self._names(place).get(_form(part), part))
        return place

    def _hint(self, path: Path) -> str:
        """Name a file that differs from a missing one in its case or its suffix alone."""
        near = self._names(path.parent).get(_near_form(path.name))
        return f"but {near!r} is there" if near else ""

    def _names(self, folder: Path) -> dict[str, str]:
        """Return the names in a folder by their usual form and by their near form."""
        with self._lock:
            if folder not in self._listed:
                names = _list_names(folder)
                self._listed[folder] = {_near_form(name): name for name in names} | {_form(name): name for name in names}
            return self._listed[folder]


def image_key(path: str) -> str:
    """Return a text that is the same for all spellings of one image's path."""
    if "./" in path or "//" in path or path != path.strip():
        path = os.path.normpath(path.strip())
    return path if path.isascii() else _form(path)


def _list_names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _near_form(name: str) -> str:
    """Return the stem of a name without regard to case. No name of a file contains the slash."""
    return "/" + os.path.splitext(_form(name))[0].casefold()


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _fault(error: OSError | ValueError) -> NoImage:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NoImage(MISSING)
    if isinstance(error, ValueError):
        return NoImage(MISSING, "no file can have this name")
    if error.errno == errno.ENAMETOOLONG:
        return NoImage(MISSING, "the name is too long")
    return NoImage(UNREADABLE, (error.strerror or str(error)).lower())
