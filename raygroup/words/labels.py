"""What a transcription says, apart from how it was typed: labels in NFC, and Arabic in the order in which it is seen."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import regex

LONGEST = 31
"""Characters a decoder reads at most: the released code's 32 steps less the end."""

_INVISIBLE = "\u00ad\u200c\u200d\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_PRESENTATION = "\ufb50-\ufdff\ufe70-\ufefe"
_INVISIBLE_SIGNS = re.compile(f"[{_INVISIBLE}]")
_PRESENTATION_FORMS = re.compile(f"[{_PRESENTATION}]")

_ARABIC_LETTER = regex.compile(r"[\p{Script=Arabic}&&\p{Letter}]", regex.V1)
_EXTENDING = r"[\p{GCB=Extend}\p{GCB=SpacingMark}]*+"
_BASE = r"[^\p{GCB=Extend}\p{GCB=SpacingMark}]"
_FORWARD = rf"(?:[\p{{bc=L}}\p{{bc=EN}}\p{{bc=AN}}--[\p{{GCB=Extend}}\p{{GCB=SpacingMark}}]]{_EXTENDING})"
_LEADING = regex.compile(_EXTENDING, regex.V1)
_UNITS = regex.compile(rf"{_FORWARD}++(?:[.,:/\-]{_EXTENDING}{_FORWARD}++)*+|{_BASE}{_EXTENDING}", regex.V1 | regex.DOTALL)


def normalise(text: str) -> str:
    """The label of a transcription: NFC, no invisible signs, no blanks at the ends, Arabic presentation forms as their letters.

    Never NFKC, which would merge signs that MLT19 tells apart (full-width letters, superscripts). Tatweel and harakat stay.
    """
    if not text.isascii():
        text = _INVISIBLE_SIGNS.sub("", text)
        text = unicodedata.normalize("NFC", _PRESENTATION_FORMS.sub(_letters_of_form, text))
    return text.strip()


def count_changes(texts: Iterable[str]) -> Counter[str]:
    """How many texts normalisation changed, by what it did; a text that changed in two ways counts in both."""
    changes: Counter[str] = Counter()
    for text in texts:
        if text != normalise(text):
            changes.update(_changes(text))
    return changes


def to_visual(label: str) -> str:
    """A label with Arabic letters from left to right as seen; any other label unchanged. For the model alone.

    Grapheme clusters are reversed, so that harakat stay after their letter; runs of digits and of left-to-right letters, with single
    ``. , : / -`` between them, keep their own order. It is its own inverse for every text: clusters are a base with the marks that
    extend it, whatever stands around them, and marks without a base stay in front. (The context rules of ``\\X`` matter only inside
    runs, whose order is kept.)
    """
    if label.isascii() or not _ARABIC_LETTER.search(label):
        return label
    start = _LEADING.match(label).end()
    return label[:start] + "".join(reversed(_UNITS.findall(label, start)))


def to_logical(visual: str) -> str:
    """The label that ``to_visual`` was given."""
    return to_visual(visual)


def _letters_of_form(form: re.Match[str]) -> str:
    """Isolated harakat decompose to a blank that carries them: it is dropped."""
    return unicodedata.normalize("NFKC", form.group()).lstrip()


def _changes(text: str) -> Iterable[str]:
    for sign in set(_INVISIBLE_SIGNS.findall(text)):
        yield f"U+{ord(sign):04X} {unicodedata.name(sign)} removed"
    visible = _INVISIBLE_SIGNS.sub("", text)
    folded = _PRESENTATION_FORMS.sub(_letters_of_form, visible)
    if folded != visible:
        yield "Arabic presentation forms folded"
    composed = unicodedata.normalize("NFC", folded)
    if composed != folded:
        yield "brought to NFC"
    if composed != composed.strip():
        yield "blanks at the ends removed"
