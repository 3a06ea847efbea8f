"""Words become a block of text: lines of one script each, in one font a line, as on a sign."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raygroup.scenes.rendering.warping import Box, Coverage
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, code_points
from raygroup.words.rendering.shaping import ink


@dataclass(frozen=True)
class Block:
    """Ink of some words, flat."""

    ink: Coverage
    """(height, width), cropped."""
    texts: tuple[str, ...]
    """In reading order."""
    tasks: tuple[str, ...]
    """Of each word."""
    boxes: tuple[Box, ...]
    """Of each word's ink."""
    em: int
    """Pixels an em."""

    def alone(self, number: int) -> Coverage:
        """The ink of one word, the others left out."""
        x0, y0, x1, y1 = self.boxes[number]
        kept = np.zeros_like(self.ink)
        kept[y0:y1, x0:x1] = self.ink[y0:y1, x0:x1]
        return kept


@dataclass(frozen=True)
class _Line:
    ink: Coverage
    texts: tuple[str, ...]
    task: str
    boxes: tuple[Box, ...]


def typeset(
    lines: Sequence[tuple[str, Sequence[str]]], fonts: Mapping[str, Sequence[FontFile]], em: int, random: np.random.Generator
) -> Block | None:
    """A block of lines, each a task and its words, flush left, centred or flush right; None where a line's words have no font."""
    made = [_line(task, words, fonts[task], em, random) for task, words in lines]
    gap = int(em * random.uniform(0.25, 0.6)) + 2
    flush = float(random.choice([0.0, 0.5, 0.5, 1.0]))
    kept = [line for line in made if line is not None]
    if len(kept) < len(made):
        return None
    width = max(line.ink.shape[1] for line in kept)
    block = np.zeros((sum(line.ink.shape[0] for line in kept) + gap * (len(kept) - 1), width), np.uint8)
    boxes: list[Box] = []
    top = 0
    for line in kept:
        high, wide = line.ink.shape
        left = int((width - wide) * flush)
        block[top : top + high, left : left + wide] = line.ink
        boxes += [(x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in line.boxes]
        top += high + gap
    texts = tuple(text for line in kept for text in line.texts)
    return Block(block, texts, tuple(line.task for line in kept for _ in line.texts), tuple(boxes), em)


def _line(task: str, texts: Sequence[str], fonts: Sequence[FontFile], em: int, random: np.random.Generator) -> _Line | None:
    font = _font(texts, fonts, random)
    weight = float(np.round(random.uniform(300, 900), -2))
    space = int(em * random.uniform(0.3, 0.6)) + 2
    if font is None:
        return None
    weight = float(np.clip(weight, *font.weights)) if font.weights else weight
    drawn = [ink(text, font, task, em, weight) for text in texts]
    if any(missing or picture.size == 1 for picture, missing in drawn):
        return None
    words = [picture for picture, _ in drawn]
    tops = _tops(words)
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


def _tops(words: Sequence[Coverage]) -> list[int]:
    """Rows at which the words of a line begin. Cropped ink has lost its base line, but the rows with most ink, the x-height of letters
    or the headline of Devanagari, agree where words stand as they should."""
    first = words[0].sum(axis=1, dtype=np.float64)
    tops = [0]
    for word in words[1:]:
        rows = word.sum(axis=1, dtype=np.float64)
        agreement = np.correlate(first / first.max(), rows / rows.max(), "full")
        tops.append(int(agreement.argmax()) - len(rows) + 1)
    return [top - min(tops) for top in tops]


def _font(texts: Sequence[str], fonts: Sequence[FontFile], random: np.random.Generator) -> FontFile | None:
    """One that has every character: a family first, then one of its files, so that many weights do not outvote another design."""
    needed = set(map(ord, "".join(texts)))
    able = [font for font in fonts if needed <= code_points(font.path, font.index)]
    chance, second = random.random(2)
    if not able:
        return None
    families = sorted({font.family for font in able})
    family = families[int(chance * len(families))]
    files = [font for font in able if font.family == family]
    return files[int(second * len(files))]
