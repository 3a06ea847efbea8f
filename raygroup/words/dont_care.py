"""Recognise the marks that stand for a text nobody can read.

Data sets write ``###`` in place of such a text, and SynthTextMLT writes ``*``. Readers of words and
of scenes share this rule.
"""

import re
from collections.abc import Collection

from raygroup.words.labels import INVISIBLE

HASHES = "###"
STAR = "*"
ANY_MARK = (HASHES, STAR)
"""The marks of all data sets that raygroup reads. A folder of words may come from any of them."""

_QUOTES = "\"'`\u00ab\u00bb\u2018-\u201f\u2039\u203a\u300c-\u300f\uff02\uff07"
_AROUND = rf"[\s{_QUOTES}{INVISIBLE}]*+"
_MARK = re.compile(rf"{_AROUND}(?:(?P<hashes>[#\uff03\ufe5f]++)|[*\uff0a\ufe61]){_AROUND}")


def mark_of(text: str) -> str:
    """Return the hashes or the star that a text consists of, or "".

    Full-width signs become ASCII. Blanks, quotes and invisible signs around a mark do not count,
    because editors and spreadsheets leave them.
    """
    match = _MARK.fullmatch(text)
    if match is None:
        return ""
    return "#" * len(match["hashes"]) if match["hashes"] else STAR


def is_dont_care(text: str, marks: Collection[str] = (HASHES,)) -> bool:
    """Test if a text is only a don't-care mark. ``marks`` are those of the data set."""
    mark = mark_of(text)
    return mark != "" and mark in marks
