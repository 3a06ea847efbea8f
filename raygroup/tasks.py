"""Define the tasks T_i: names, shaping and supported characters (paper section 3)."""

import functools
import re
from dataclasses import dataclass, replace

Ranges = tuple[tuple[int, int], ...]

HAN: Ranges = ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))
SHARED: Ranges = ((0x21, 0x40), (0x5B, 0x60), (0x7B, 0x7E))
"""Digits and punctuation, which every task supports.

Eight of them are in all seven public character maps.
"""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A language set L_i, and how to write its words."""

    name: str
    title: str
    initial: str
    """The letter of the paper's Table 2."""
    script: str
    """ISO 15924 code, for HarfBuzz."""
    language: str
    """BCP 47 tag, for HarfBuzz. Without it, a pan-CJK font draws Chinese words with Japanese shapes."""
    direction: str
    word_lists: tuple[str, ...]
    """Languages in wordfreq that the words come from."""
    probe: str
    """Letters that a font must have to write the task."""
    opentype_language: str = ""
    """OpenType language system with the right shapes.

    It is set for Han, whose languages share code points but differ in shapes.
    """
    letters: Ranges
    """Unicode ranges of the letters and signs that belong to this task."""

    def has_letter(self, character: str) -> bool:
        point = ord(character)
        return any(first <= point <= last for first, last in self.letters)

    def supports(self, character: str) -> bool:
        """Test if the task can spell a character.

        It can spell its own letters, and the digits and punctuation that all tasks share.
        """
        return self.has_letter(character) or is_shared(character)


_ALL = (
    Task(
        name="ar", title="Arabic", initial="A", script="Arab", language="ar", direction="rtl", word_lists=("ar",),
        probe="ابتم",
        letters=((0x0600, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
    ),
    Task(
        name="bn", title="Bengali", initial="B", script="Beng", language="bn", direction="ltr", word_lists=("bn",),
        probe="কখগমর",
        letters=((0x0964, 0x0965), (0x0980, 0x09FF)),
    ),
    Task(
        name="zh", title="Chinese", initial="C", script="Hani", language="zh-Hans", direction="ltr", word_lists=("zh",),
        probe="们这说", opentype_language="ZHS",
        letters=HAN,
    ),
    Task(
        name="hi", title="Hindi", initial="H", script="Deva", language="hi", direction="ltr", word_lists=("hi",),
        probe="कखगमर",
        letters=((0x0900, 0x097F), (0xA8E0, 0xA8FF)),
    ),
    Task(
        name="ja", title="Japanese", initial="J", script="Kana", language="ja", direction="ltr", word_lists=("ja",),
        probe="込働のア", opentype_language="JAN",
        letters=((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F), *HAN),
    ),
    Task(
        name="ko", title="Korean", initial="K", script="Hang", language="ko", direction="ltr", word_lists=("ko",),
        probe="가각한글", opentype_language="KOR",
        letters=((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF)),
    ),
    Task(
        name="la", title="Latin", initial="L", script="Latn", language="en", direction="ltr",
        word_lists=("en", "fr", "de", "it"),
        probe="AZazéàüßñç",
        letters=((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x24F), (0x1E00, 0x1EFF)),
    ),
)  # fmt: skip

TASKS: dict[str, Task] = {task.name: task for task in _ALL}
"""Tasks that raygroup can render and recognise by characters, in the paper's order.

Add a language here. Words of the user may be in other scripts (``words/scripts.py``).
"""

PAPER_TASKS: tuple[str, ...] = tuple(TASKS)

_PART = re.compile(rf"(?P<language>{'|'.join(TASKS)})-(?P<number>[1-9][0-9]{{0,5}})")
"""The name of a part of a language's words (``words.parts``)."""


def is_shared(character: str) -> bool:
    """Test if every task can spell a character: a digit or a punctuation mark of ASCII."""
    return any(first <= ord(character) <= last for first, last in SHARED)


def part_names(language: str, parts: int) -> tuple[str, ...]:
    """Return the names of a language's parts, such as ``zh-1`` and ``zh-2``. A language with one part keeps its name."""
    return (language,) if parts == 1 else tuple(f"{language}-{number}" for number in range(1, parts + 1))


def language_of(task: str) -> str:
    """Return the language of a task: ``zh`` for its part ``zh-2``. Every other task is its own language."""
    match = _PART.fullmatch(task)
    return match["language"] if match else task


@functools.cache
def find_task(name: str) -> Task | None:
    """Return how the words of a task are written. A part is written as its language. None if raygroup does not know it."""
    known, number = TASKS.get(language_of(name)), part_number(name)
    if known is None or not number:
        return known
    return replace(known, name=name, title=f"{known.title} {number}", initial=f"{known.initial}{number}")


def part_number(task: str) -> int:
    """Return the number of a part, from 1, or 0 for a task that is no part."""
    match = _PART.fullmatch(task)
    return int(match["number"]) if match else 0


def by_paper_order(names: set[str]) -> tuple[str, ...]:
    """Return known tasks in the paper's order, each language's parts by number, then the others by name."""
    known = {name for name in names if language_of(name) in TASKS}
    places = {name: place for place, name in enumerate(TASKS)}
    return (*sorted(known, key=lambda name: (places[language_of(name)], part_number(name))), *sorted(names - known))
