"""Font families for matplotlib, so that text of every script shows.

matplotlib shapes text itself. It takes each character from the first family of a list that has it,
so the list decides which shapes a word gets. Pass text in reading order: matplotlib would reverse
text that is already in visual order.
"""

import contextlib
import functools
from collections.abc import Mapping
from typing import Any

from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager, get_font

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS, find_task, language_of
from raygroup.words.rendering.fonts import find_fonts, package_fonts

DEFAULT = "DejaVu Sans"
"""The family that comes with matplotlib. It draws Latin in every figure."""
_REGULAR = 400
"""The weight of a font that is neither light nor bold."""
_PLACEHOLDERS = "Last Resort"
"""A font that comes with matplotlib and has a box for every character."""


def text_style(text: str, task: str | None = None) -> dict[str, Any]:
    """Return keyword arguments of a matplotlib ``Text`` that shows this text.

    Dollar signs stay dollar signs. The language tells a font that serves several languages which
    shapes to use.
    """
    style: dict[str, Any] = {"fontfamily": list(font_families(text, task)), "parse_math": False}
    known = find_task(task or "")
    return {**style, "language": known.language} if known else style


@functools.lru_cache(4096)
def font_families(text: str, task: str | None = None) -> tuple[str, ...]:
    """Return the font families for a text, the preferred one first.

    matplotlib looks for each character in this order. The task's own font comes first, so that
    Chinese and Japanese words get their own shapes. Then come the default family and the fonts of
    the other tasks, those that can spell most of the text first. If a character is still missing,
    any installed font that has it follows.
    """
    others = sorted(TASKS, key=lambda name: sum(map(TASKS[name].supports, text)), reverse=True)
    language = language_of(task or "")
    preferred = _task_families(language) if language in TASKS and language != "la" else ()
    families = list(dict.fromkeys([*preferred, DEFAULT, *(family for name in others for family in _task_families(name))]))
    missing = {ord(character) for character in text if character.isprintable()}.difference(*map(_coverage, families))
    return (*families, *_other_families(frozenset(missing)))


@functools.lru_cache(None)
def _task_families(task: str) -> tuple[str, ...]:
    """Register the task's first font with matplotlib and return its family.

    Return nothing if the machine has no font for the task.
    """
    try:
        path = find_fonts(task)[0].path
    except ConfigError:
        return ()
    fontManager.addfont(path)
    return (FontProperties(fname=path).get_name(),)


@functools.lru_cache(4096)
def _other_families(missing: frozenset[int]) -> tuple[str, ...]:
    """Return installed families that have these characters. A character that no font has shows as a box.

    Font packages come first, because opening all fonts of a system may take seconds.
    """
    families: list[str] = []
    for paths in (_package_paths, _system_paths):
        if missing:
            coverages = {family: _coverage_of_file(path) for family, path in _registered_files(paths()).items()}
            families += _covering_families(missing, coverages)
            missing = missing.difference(*(coverages[family] for family in families if family in coverages))
    return tuple(families)


def _covering_families(missing: frozenset[int], coverages: Mapping[str, frozenset[int]]) -> list[str]:
    """Return families that have these characters, as far as there are any.

    The family that has most of them comes first, so that a word is in one design. Of equal ones it is the smallest: a font made for
    the script, not one for all of Unicode.
    """
    families: list[str] = []
    while missing and coverages:
        family = max(coverages, key=lambda name: (len(missing & coverages[name]), -len(coverages[name]), name))
        if not missing & coverages[family]:
            break
        families.append(family)
        missing -= coverages[family]
    return families


def missing_characters(text: str) -> frozenset[str]:
    """Return the characters of a text that no installed font has. Figures show them as boxes."""
    families = font_families("".join(sorted(set(text))))
    return frozenset(filter(str.isprintable, text)) - set(map(chr, frozenset().union(*map(_coverage, families))))


def _registered_files(paths: frozenset[str]) -> dict[str, str]:
    """Return family -> file for some font files. matplotlib knows all of them afterwards."""
    for path in sorted(paths.difference(entry.fname for entry in fontManager.ttflist)):
        with contextlib.suppress(OSError, RuntimeError):  # FreeType cannot read it
            fontManager.addfont(path)
    entries = [entry for entry in fontManager.ttflist if entry.fname in paths]
    entries.sort(key=lambda entry: (entry.style != "normal", abs(_weight(entry.weight) - _REGULAR), entry.fname))
    return {entry.name: entry.fname for entry in reversed(entries) if not entry.name.startswith(_PLACEHOLDERS)}


@functools.cache
def _package_paths() -> frozenset[str]:
    return frozenset(font.path for font in package_fonts())


def _system_paths() -> frozenset[str]:
    """Return the font files of the system and those that matplotlib knows.

    matplotlib keeps a list of the system's fonts, which lacks those that were installed later.
    """
    return _system_font_files() | {entry.fname for entry in fontManager.ttflist}


@functools.cache
def _system_font_files() -> frozenset[str]:
    return frozenset(findSystemFonts())


def _weight(weight: str | int) -> int:
    return weight if isinstance(weight, int) else _REGULAR


def _coverage(family: str) -> frozenset[int]:
    """Return the code points for which a family has a glyph."""
    return _coverage_of_file(next(entry.fname for entry in fontManager.ttflist if entry.name == family))


@functools.cache
def _coverage_of_file(path: str) -> frozenset[int]:
    return frozenset(get_font(path).get_charmap())
