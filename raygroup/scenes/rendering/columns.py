"""Set words as columns, as vertical signs in Chinese and Japanese have them.

Words run from top to bottom, and columns from right to left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raygroup.scenes.rendering.typesetting import Block, choose_font, choose_weight
from raygroup.scenes.rendering.warping import Box, Ink
from raygroup.words.rendering.fonts import FontFile
from raygroup.words.rendering.vertical_shaping import vertical_ink


@dataclass(frozen=True)
class _Column:
    ink: Ink
    texts: tuple[str, ...]
    task: str
    boxes: tuple[Box, ...]


def typeset_columns(
    columns: Sequence[tuple[str, Sequence[str]]], fonts: Mapping[str, Sequence[FontFile]], em: int, random: np.random.Generator
) -> Block | None:
    """Return a block of columns, or None without a font.

    A column is a task of ``VERTICAL_TASKS`` and its words. Columns begin at the same height, or are centred.
    """
    drawn = [_set_column(task, words, fonts[task], em, random) for task, words in columns]
    gap = int(em * random.uniform(0.25, 0.6)) + 2
    flush = float(random.choice([0.0, 0.0, 0.5]))
    whole = [column for column in drawn if column is not None]
    if len(whole) < len(drawn):
        return None
    height = max(column.ink.shape[0] for column in whole)
    block = np.zeros((height, sum(column.ink.shape[1] for column in whole) + gap * (len(whole) - 1)), np.uint8)
    boxes: list[Box] = []
    right = block.shape[1]
    for column in whole:
        high, wide = column.ink.shape
        left, top = right - wide, int((height - high) * flush)
        block[top : top + high, left:right] = column.ink
        boxes += [(x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in column.boxes]
        right = left - gap
    texts = tuple(text for column in whole for text in column.texts)
    return Block(block, texts, tuple(column.task for column in whole for _ in column.texts), tuple(boxes), em, is_vertical=True)


def _set_column(task: str, texts: Sequence[str], fonts: Sequence[FontFile], em: int, random: np.random.Generator) -> _Column | None:
    """Draw a column of words, or return None without a font."""
    font = choose_font(texts, fonts, random)
    weight, space = choose_weight(font, random), int(em * random.uniform(0.3, 0.6)) + 2
    if font is None:
        return None
    words = [vertical_ink(text, font, task, em, weight) for text in texts]
    if any(word.num_missing or word.ink.size == 1 for word in words):
        return None
    axis = max(0, *(word.axis for word in words))
    width = max(axis - word.axis + word.ink.shape[1] for word in words)
    tops = np.cumsum([0, *(word.ink.shape[0] + space for word in words[:-1])]).tolist()
    column = np.zeros((tops[-1] + words[-1].ink.shape[0], width), np.uint8)
    boxes = []
    for word, top in zip(words, tops, strict=True):
        left = axis - word.axis
        high, wide = word.ink.shape
        column[top : top + high, left : left + wide] = word.ink
        boxes.append((left, top, left + wide, top + high))
    first = min(left for left, *_ in boxes)
    return _Column(column[:, first:], tuple(texts), task, tuple((x0 - first, y0, x1 - first, y1) for x0, y0, x1, y1 in boxes))
