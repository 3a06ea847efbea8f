"""Font families for matplotlib, so that text of every script shows.

matplotlib shapes text itself. It takes each character from the first family of a list that has it,
so the list decides which shapes a word gets. Pass text in reading order: matplotlib would reverse
text that is already in visual order.
"""

import functools
from typing import Any

from matplotlib.font_manager import FontProperties, fontManager, get_font

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import find_fonts

DEFAULT = "DejaVu Sans"
"""The family that comes with matplotlib. It draws Latin in every figure."""
_PLACEHOLDERS = "Last Resort"
"""A font that comes with matplotlib and has a box for every character."""


def text_style(text: str, task: str | None = None) -> dict[str, Any]:
    """Return keyword arguments of a matplotlib ``Text`` that shows this text.

    Dollar signs stay dollar signs. The language tells a font that serves several languages which
    shapes to use.
    """
    style: dict[str, Any] = {"fontfamily": list(font_families(text, task)), "parse_math": False}
    return {**style, "language": TASKS[task].language} if task in TASKS else style


@functools.lru_cache(4096)
def font_families(text: str, task: str | None = None) -> tuple[str, ...]:
    """Return the font families for a text, the preferred one first.

    matplotlib looks for each character in this order. The task's own font comes first, so that
    Chinese and Japanese words get their own shapes. Then come the default family and the fonts of
    the other tasks, those that can spell most of the text first. If a character is still missing,
    any installed font that has it follows.
    """
    others = sorted(TASKS, key=lambda name: sum(map(TASKS[name].supports, text)), reverse=True)
    preferred = _task_families(task) if task in TASKS and task != "la" else ()
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


@functools.lru_cache(256)
def _other_families(missing: frozenset[int]) -> tuple[str, ...]:
    """Return installed families that have these characters.

    A character that no font has shows as a box.
    """
    families: list[str] = []
    for family in sorted({entry.name for entry in fontManager.ttflist} if missing else ()):
        if not family.startswith(_PLACEHOLDERS) and missing & _coverage(family):
            families.append(family)
            missing -= _coverage(family)
    return tuple(families)


@functools.lru_cache(None)
def _coverage(family: str) -> frozenset[int]:
    """Return the code points for which a family has a glyph."""
    path = next(entry.fname for entry in fontManager.ttflist if entry.name == family)
    return frozenset(get_font(path).get_charmap())
