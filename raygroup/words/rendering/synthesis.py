"""The embedded default: rendered words of every task, planned from the settings, drawn crop by crop from keyed generators."""

import importlib.metadata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.config import RECIPE_VERSION, Words, fingerprint, result_fields
from raygroup.randomness import generator
from raygroup.words.rendering.fonts import FontFile, coverage, find_fonts, fonts_fingerprint
from raygroup.words.rendering.shaping import ink
from raygroup.words.rendering.variation import scene
from raygroup.words.rendering.word_lists import word_list

_SIZES = (26, 40)
"""Least pixels an em, and one more than the most, before the crop is scaled to its height."""
_DRAWING_LIBRARIES = ("uharfbuzz", "opencv-python-headless", "wordfreq", "numpy")


@dataclass(frozen=True)
class Order:
    """One crop to draw."""

    task: str
    text: str
    split: str
    number: int


def fonts_of(words: Words, folder: Path | None) -> dict[str, tuple[FontFile, ...]]:
    return {task: find_fonts(task, folder) for task in words.tasks}


def rendered_fingerprint(words: Words, fonts: dict[str, tuple[FontFile, ...]]) -> str:
    """What the pixels depend on: settings, font bytes, and the libraries that choose and draw the words."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in _DRAWING_LIBRARIES]
    return fingerprint(RECIPE_VERSION, result_fields(words), {task: fonts_fingerprint(found) for task, found in fonts.items()}, versions)


def plan(words: Words) -> list[Order]:
    """Every crop of a rendered data set: ``renders`` of each training word, one more held out, one of each unseen word."""
    orders = []
    for task, characters in zip(words.tasks, words.characters, strict=True):
        train, unseen = word_list(task, characters, words.words_per_task, words.unseen_per_task, words.max_characters)
        orders += [Order(task, text, "train", number) for text in train for number in range(words.renders)]
        orders += [Order(task, text, "new", words.renders) for text in train]
        orders += [Order(task, text, "unseen", 0) for text in unseen]
    return orders


def draw(order: Order, words: Words, fonts: Sequence[FontFile]) -> bytes | None:
    """The PNG of one crop, gray; None where no font of the task has all its glyphs. Same settings and fonts, same pixels."""
    crop = picture(order, words, fonts)
    return None if crop is None else cv2.imencode(".png", crop, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def picture(order: Order, words: Words, fonts: Sequence[FontFile], *, gray: bool = True) -> NDArray[np.uint8] | None:
    """The crop itself, as ``variation.scene`` gives it; None where no font of the task has all its glyphs."""
    random = generator(words.seed, "crop", order.task, order.text, order.split == "unseen", order.number)
    able = [font for font in fonts if set(map(ord, order.text)) <= coverage(font.path, font.index)]
    while able:
        font = _choice(able, random)
        mask, missing = ink(order.text, font, order.task, int(random.integers(*_SIZES)), _weight(font, random))
        if not missing:
            return scene(mask, random, height=words.height, width=words.width, strength=words.variation, gray=gray)
        able.remove(font)
    return None


def drawn(orders: Sequence[Order], words: Words, fonts: dict[str, tuple[FontFile, ...]]) -> tuple[list[Order], list[bytes], Counter[str]]:
    """The crops that could be drawn, and for each task how many words had a missing glyph in every font."""
    kept, images, dropped = [], [], Counter[str]()
    for order in orders:
        image = draw(order, words, fonts[order.task])
        if image is None:
            dropped[order.task] += 1
        else:
            kept.append(order)
            images.append(image)
    return kept, images, dropped


def chunks(orders: Sequence[Order], size: int = 2000) -> Iterator[Sequence[Order]]:
    for start in range(0, len(orders), size):
        yield orders[start : start + size]


def _choice(fonts: list[FontFile], random: np.random.Generator) -> FontFile:
    """A family first, then one of its files: five weights of one design must not outvote another design."""
    family = str(random.choice(sorted({font.family for font in fonts})))
    return [font for font in fonts if font.family == family][int(random.integers(sum(font.family == family for font in fonts)))]


def _weight(font: FontFile, random: np.random.Generator) -> float | None:
    return float(np.round(random.uniform(*font.weights), -2)) if font.weights else None
