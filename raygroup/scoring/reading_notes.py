"""Note what the official scripts read in silence, though it is hardly what was meant.

Scores follow the scripts. The notes tell a user why a score is low.
"""

import re
from collections.abc import Iterable

from raygroup.scoring.archive_entries import ArchiveEntry

_LONE_CR = re.compile(rb"\r(?!\r*(?:\n|\Z))")

_LONE_CR_NOTE = "a CR without LF ends no line, and is dropped as by the official script"


def reading_notes(files: Iterable[ArchiveEntry]) -> tuple[str, ...]:
    """Return one note on files that are not UTF-8, and one on CRs that end no line."""
    entries = [*files]
    return (
        *_note([place for entry in entries if (place := _not_utf8(entry))], "not UTF-8, read with U+FFFD as the official script does"),
        *_note(
            [place for entry in entries if (place := _lone_cr(entry))],
            _LONE_CR_NOTE,
        ),
    )


def _not_utf8(entry: ArchiveEntry) -> str:
    try:
        entry.content.decode()
    except UnicodeDecodeError as error:
        return _place(entry, error.start)
    return ""


def _lone_cr(entry: ArchiveEntry) -> str:
    match = _LONE_CR.search(entry.content)
    return _place(entry, match.start()) if match else ""


def _place(entry: ArchiveEntry, at: int) -> str:
    line = entry.content.count(b"\n", 0, at) + 1
    return f"{entry.location}:{line}"


def _note(places: list[str], what: str) -> Iterable[str]:
    if places:
        yield f"{places[0]}: {what}{f' ({len(places)} files)' if len(places) > 1 else ''}"
