"""Set words as a block of text.

It looks like a sign. Each line has one script and one font.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raygroup.scenes.rendering.warping import Box, Ink
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, code_points
from raygroup.words.rendering.shaping import ink


@dataclass(frozen=True)
class Block:
    """The flat ink of a few words."""

    ink: Ink
    """Ink of all words, cropped, (height, width)."""
    texts: tuple[str, ...]
    """Words in reading order."""
    tasks: tuple[str, ...]
    """Task of each word."""
    boxes: tuple[Box, ...]
    """Box around the ink of each word."""
    em: int
    """Pixels of one em."""
    is_vertical: bool = False
    """Whether the words run from top to bottom."""

    def ink_of_word(self, number: int) -> Ink:
        """Return the block's ink without the other words."""
        x0, y0, x1, y1 = self.boxes[number]
        word = np.zeros_like(self.ink)
        word[y0:y1, x0:x1] = self.ink[y0:y1, x0:x1]
        return word


@dataclass(frozen=True)
class _Line:
    ink: Ink
    texts: tuple[str, ...]
    task: str
    boxes: tuple[Box, ...]


def typeset(
    lines: Sequence[tuple[str, Sequence[str]]], fonts: Mapping[str, Sequence[FontFile]], em: int, random: np.random.Generator
) -> Block | None:
    """Return a block of lines, or None without a font.

    A line is a task and its words. Lines are flush left, centred or flush right. Each line needs
    one font that can draw all its words.
    """
    all_lines = [_set_line(task, words, fonts[task], em, random) for task, words in lines]
    gap = int(em * random.uniform(0.25, 0.6)) + 2
    flush = float(random.choice([0.0, 0.5, 0.5, 1.0]))
    drawn = [line for line in all_lines if line is not None]
    if len(drawn) < len(all_lines):
        return None
    width = max(line.ink.shape[1] for line in drawn)
    block = np.zeros((sum(line.ink.shape[0] for line in drawn) + gap * (len(drawn) - 1), width), np.uint8)
    boxes: list[Box] = []
    top = 0
    for line in drawn:
        high, wide = line.ink.shape
        left = int((width - wide) * flush)
        block[top : top + high, left : left + wide] = line.ink
        boxes += [(x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in line.boxes]
        top += high + gap
    texts = tuple(text for line in drawn for text in line.texts)
    return Block(block, texts, tuple(line.task for line in drawn for _ in line.texts), tuple(boxes), em)


def _set_line(task: str, texts: Sequence[str], fonts: Sequence[FontFile], em: int, random: np.random.Generator) -> _Line | None:
    """Draw a line of words, or return None without a font.

    All random numbers are drawn before the first return, so every case uses equally many.
    """
    font = choose_font(texts, fonts, random)
    weight = choose_weight(font, random)
    space = int(em * random.uniform(0.3, 0.6)) + 2
    if font is None:
        return None
    drawn = [ink(text, font, task, em, weight) for text in texts]
    if any(missing or picture.size == 1 for picture, missing in drawn):
        return None
    words = [picture for picture, _ in drawn]
    tops = _align_tops(words)
    starts = np.cumsum([0, *(word.shape[1] + space for word in words[:-1])]).tolist()
    width = starts[-1] + words[-1].shape[1]
    if TASKS[task].direction == "rtl":
        starts = [width - start - word.shape[1] for start, word in zip(starts, words, strict=True)]
    line = np.zeros((max(top + word.shape[0] for top, word in zip(tops, words, strict=True)), width), np.uint8)
    boxes = []
    for word, top, start in zip(words, tops, starts, strict=True):
        line[top : top + word.shape[0], start : start + word.shape[1]] = word
        boxes.append((start, top, start + word.shape[1], top + word.shape[0]))
    return _Line(line, tuple(texts), task, tuple(boxes))


def _align_tops(words: Sequence[Ink]) -> list[int]:
    """Return each word's top row in the line.

    The rows align the base lines. The ink is cropped, so its base line is unknown. But the rows
    with most ink agree if words are aligned: they are the x-height of letters, or the headline of
    Devanagari.
    """
    first = words[0].sum(axis=1, dtype=np.float64)
    tops = [0]
    for word in words[1:]:
        rows = word.sum(axis=1, dtype=np.float64)
        agreement = np.correlate(first / first.max(), rows / rows.max(), "full")
        tops.append(int(agreement.argmax()) - len(rows) + 1)
    return [top - min(tops) for top in tops]


def choose_font(texts: Sequence[str], fonts: Sequence[FontFile], random: np.random.Generator) -> FontFile | None:
    """Return a random font that has every character, or None.

    The family is chosen first and then one of its files. So a family with many weights is not
    chosen more often than others.
    """
    needed = set(map(ord, "".join(texts)))
    able = [font for font in fonts if needed <= code_points(font.path, font.index)]
    family_chance, file_chance = random.random(2)
    if not able:
        return None
    families = sorted({font.family for font in able})
    family = families[int(family_chance * len(families))]
    files = [font for font in able if font.family == family]
    return files[int(file_chance * len(files))]


def choose_weight(font: FontFile | None, random: np.random.Generator) -> float:
    """Return a random weight that the font has."""
    weight = float(np.round(random.uniform(300, 900), -2))
    return float(np.clip(weight, *font.weights)) if font and font.weights else weight
