"""Name the files of the user's own folder of fonts that cannot be read."""

import functools
import struct
from collections.abc import Iterator
from pathlib import Path

import uharfbuzz as hb

from raygroup.errors import first_names

FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc"})
"""Suffixes of fonts that are read."""
OTHER_SUFFIXES = frozenset({".woff", ".woff2", ".otc", ".dfont", ".pfa", ".pfb", ".pcf", ".bdf", ".fon", ".eot"})
"""Suffixes of fonts of a kind that is not read."""
_SIGNS = {b"version ": "a Git LFS pointer: fetch the file itself", b"<": "a web page or XML, not a font", b"": "no font"}
_MAX_NAMED = 3


def unread_fonts(folder: Path) -> dict[str, str]:
    """Return the files below a folder that look like fonts and cannot be read, each with the reason."""
    suffixes = FONT_SUFFIXES | OTHER_SUFFIXES
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and not path.is_dir())
    return {str(path): reason for path in paths if (reason := _fault(path))}


def unread_font_lines(folder: Path | None) -> Iterator[str]:
    """Yield a line for the user for each file of the folder that looks like a font and cannot be read."""
    if folder is not None and folder.is_dir():
        for path, reason in unread_fonts(folder).items():
            yield f"--fonts {path}: looks like a font and cannot be read: {reason}"


def named_fonts(unread: dict[str, str]) -> str:
    """Return the names of the first files with the reasons, and the number of others."""
    return first_names((f"{Path(path).name} ({reason})" for path, reason in unread.items()), _MAX_NAMED)


@functools.lru_cache(None)
def _fault(path: Path) -> str:
    """Return why a file is no font that can be read, or an empty text."""
    if path.suffix.lower() in OTHER_SUFFIXES:
        return "of a kind that is not read: convert it to .ttf or .otf"
    if not path.is_file():
        return "not a file"
    try:
        with path.open("rb") as file:
            beginning = file.read(4096)
        if not beginning:
            return "the file is empty"
        if beginning[:4] not in (b"\0\1\0\0", b"OTTO", b"true", b"ttcf"):
            return next(reason for sign, reason in _SIGNS.items() if beginning.lstrip().startswith(sign))
        is_cut = beginning[:4] != b"ttcf" and _end_of_tables(beginning) > path.stat().st_size
        return "cut off" if is_cut else "" if hb.Face(hb.Blob.from_file_path(str(path))).unicodes else "it has no characters"
    except (hb.HarfBuzzError, OSError) as error:
        return str(error)


def _end_of_tables(beginning: bytes) -> int:
    """Return the number of bytes that a font's directory of tables asks for."""
    count = struct.unpack(">H", beginning[4:6])[0] if len(beginning) >= 6 else 0
    records = [beginning[start : start + 16] for start in range(12, 12 + 16 * count, 16)]
    return max((sum(struct.unpack(">II", record[8:])) for record in records if len(record) == 16), default=0)
