"""Normalise transcriptions to labels, and put Arabic into visual order."""

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

LONGEST = 31
"""Most characters a decoder reads. The released code takes 32 steps, and one is the end."""

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The characters without ink, as ranges for a regular expression.

Unicode calls them default-ignorable: joiners, direction marks, word joiners, fillers, variation
selectors, tags.
"""
_VARIATION_SELECTORS = frozenset(map(chr, (*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_TAGS = frozenset(map(chr, range(0xE0000, 0xE0080)))
_PRESENTATION = "\ufb50-\ufdff\ufe70-\ufefe"
_INVISIBLE_SIGNS = re.compile(f"[{INVISIBLE}]")
_PRESENTATION_FORMS = re.compile(f"[{_PRESENTATION}]")

_ARABIC_BLOCKS = re.compile("[\u0600-\u08ff\ufb50-\ufeff\U00010e60-\U0001eeff]")
"""Every Arabic letter matches, and some other characters do.

Most labels have no match. For those the package ``regex`` is not needed.
"""
_EXTENDING = r"[\p{GCB=Extend}\p{GCB=SpacingMark}]*+"
_BASE = r"[^\p{GCB=Extend}\p{GCB=SpacingMark}]"
_FORWARD = rf"(?:[\p{{bc=L}}\p{{bc=EN}}\p{{bc=AN}}--[\p{{GCB=Extend}}\p{{GCB=SpacingMark}}]]{_EXTENDING})"


def normalise(text: str) -> str:
    """Return the label of a transcription.

    A label is in NFC. It has no invisible signs and no blanks at its ends, and Arabic presentation
    forms are replaced by their letters. Tatweel and harakat stay. NFKC is not used, because it would
    merge signs that MLT19 tells apart, for example full-width letters and superscripts.
    """
    if not text.isascii():
        text = _INVISIBLE_SIGNS.sub("", text)
        text = unicodedata.normalize("NFC", _PRESENTATION_FORMS.sub(_letters_of_form, text))
    return text.strip()


def count_changes(texts: Iterable[str]) -> Counter[str]:
    """Count the texts that normalisation changed, by kind of change.

    A text that changed in two ways counts in both.
    """
    changes: Counter[str] = Counter()
    for text in texts:
        if text != normalise(text):
            changes.update(_changes(text))
    return changes


def to_visual(label: str) -> str:
    """Return a label in visual order, from left to right. Only the model reads this order.

    A label without Arabic letters is returned unchanged. Grapheme clusters are reversed, so that
    harakat stay after their letter. Runs of digits and of left-to-right letters, with single
    ``. , : / -`` between them, keep their order.

    The function is its own inverse for every text. A cluster is a base with the marks that extend
    it, whatever stands around it. Marks without a base stay in front. The context rules of ``\\X``
    matter only inside runs, and these keep their order.
    """
    if not _ARABIC_BLOCKS.search(label):
        return label
    patterns = _visual_order_patterns()
    if not patterns.arabic_letter.search(label):
        return label
    start = patterns.leading_marks.match(label).end()
    return label[:start] + "".join(reversed(patterns.units.findall(label, start)))


def to_logical(visual: str) -> str:
    """Return the label that ``to_visual`` turned into this text."""
    return to_visual(visual)


class _VisualOrderPatterns(NamedTuple):
    """Compiled patterns of the package ``regex``."""

    arabic_letter: Any
    leading_marks: Any
    """Marks before the first base."""
    units: Any
    """The parts of a label that change places: runs and clusters."""


@functools.cache
def _visual_order_patterns() -> _VisualOrderPatterns:
    import regex

    return _VisualOrderPatterns(
        arabic_letter=regex.compile(r"[\p{Script=Arabic}&&\p{Letter}]", regex.V1),
        leading_marks=regex.compile(_EXTENDING, regex.V1),
        units=regex.compile(rf"{_FORWARD}++(?:[.,:/\-]{_EXTENDING}{_FORWARD}++)*+|{_BASE}{_EXTENDING}", regex.V1 | regex.DOTALL),
    )


def _letters_of_form(form: re.Match[str]) -> str:
    """Return the letters of a presentation form.

    An isolated haraka decomposes to a blank and the haraka. The blank is removed.
    """
    return unicodedata.normalize("NFKC", form.group()).lstrip()


def _changes(text: str) -> Iterable[str]:
    """Name each kind of change that ``normalise`` makes to a text. Reports store these names."""
    yield from {_kind_of_sign(sign) for sign in _INVISIBLE_SIGNS.findall(text)}
    visible = _INVISIBLE_SIGNS.sub("", text)
    folded = _PRESENTATION_FORMS.sub(_letters_of_form, visible)
    if folded != visible:
        yield "Arabic presentation forms folded"
    composed = unicodedata.normalize("NFC", folded)
    if composed != folded:
        yield "brought to NFC"
    if composed != composed.strip():
        yield "blanks at the ends removed"


def _kind_of_sign(sign: str) -> str:
    if sign in _VARIATION_SELECTORS:
        return "variation selectors removed"
    if sign in _TAGS:
        return "tags (U+E0000 to U+E007F) removed"
    return f"U+{ord(sign):04X} {unicodedata.name(sign, 'without a name')} removed"
