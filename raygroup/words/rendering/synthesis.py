"""Render words of every task, the data of a sweep without ``--words``.

The settings give a list of crops. Each crop has its own keyed generator, so it can be drawn alone.
"""

import importlib.metadata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.config import RECIPE_VERSION, Words
from raygroup.config_sections import fingerprint, result_fields
from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.tasks import TASKS, Task
from raygroup.words.rendering.fonts import FontFile, code_points, find_fonts, fonts_fingerprint
from raygroup.words.rendering.shaping import ink
from raygroup.words.rendering.variation import camera_crop
from raygroup.words.rendering.word_lists import ListedWords, deal_words

_SIZES = (26, 40)
"""Pixels per em before the crop is scaled: the smallest size, and one above the largest."""
_DRAWING_LIBRARIES = ("uharfbuzz", "opencv-python-headless", "wordfreq", "numpy")


@dataclass(frozen=True)
class CropOrder:
    """One crop to draw."""

    task: str
    text: str
    split: str
    number: int
    """Number of this render among those of the word."""


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """Crops to draw, and all that their pixels depend on."""

    orders: list[CropOrder]
    words: Words
    """Size, variation and seed of the crops."""
    fonts: Mapping[str, tuple[FontFile, ...]]
    tasks: Mapping[str, Task]
    """How the words of each task are written, by name."""
    fingerprint: str


def words_of_tasks(words: Words, tasks: Sequence[str]) -> Words:
    """Return the settings with these languages alone, each as one task.

    Each keeps its number of characters, and has as many words as the largest task. Raises ConfigError for an unknown language.
    """
    characters = dict(zip(words.tasks, words.characters, strict=True))
    count = max(words.words_of.values())
    kept = tuple(characters.get(task, 2) for task in tasks)
    return replace(words, tasks=tuple(tasks), characters=kept, parts=(), words_per_task=count)


def plan_rendering(words: Words, folder: Path | None) -> Rendering:
    """Return the rendering of the built-in word lists of a sweep. ``folder`` holds more fonts."""
    fonts = fonts_of(words, folder)
    tasks = {task: replace(TASKS[language], name=task) for language, parts in words.parts_of.items() for task in parts}
    return Rendering(orders=plan_crops(words), words=words, fonts=fonts, tasks=tasks, fingerprint=rendered_fingerprint(words, fonts))


def fonts_of(words: Words, folder: Path | None) -> dict[str, tuple[FontFile, ...]]:
    """Return the fonts of each task in the settings."""
    by_language = {language: find_fonts(language, folder) for language in words.tasks}
    return {task: by_language[language] for language, parts in words.parts_of.items() for task in parts}


def rendered_fingerprint(words: Words, fonts: dict[str, tuple[FontFile, ...]]) -> str:
    """Return a hash of all that the pixels depend on.

    These are the recipe version, the settings, the bytes of the fonts, and the versions of the
    libraries that choose and draw the words.
    """
    font_hashes = {task: fonts_fingerprint(task_fonts) for task, task_fonts in fonts.items()}
    return fingerprint(RECIPE_VERSION, result_fields(words), font_hashes, drawing_versions())


def drawing_versions() -> list[str]:
    """Return the versions of the libraries that choose and draw words."""
    return [f"{name} {importlib.metadata.version(name)}" for name in _DRAWING_LIBRARIES]


def plan_crops(words: Words) -> list[CropOrder]:
    """List every crop of a rendered data set.

    A training word has ``renders`` crops to train on and one more in the split ``new``. An unseen
    word has one. Raises ConfigError like ``listed_words``.
    """
    orders = []
    for task, listed in listed_words(words).items():
        orders += [CropOrder(task, text, "train", number) for text in listed.train for number in range(words.renders)]
        orders += [CropOrder(task, text, "new", words.renders) for text in listed.train]
        orders += [CropOrder(task, text, "unseen", 0) for text in listed.unseen]
    return orders


def require_full_parts(words: Words) -> None:
    """Raise ConfigError if a language lacks training words for one of its parts."""
    if words.parts:
        listed_words(replace(words, unseen_per_task=0))  # unseen words take most of the time


def listed_words(words: Words) -> dict[str, ListedWords]:
    """Return the words of each task.

    Raises ConfigError if a language lacks training words for one of its parts. A language that is one task may have fewer words.
    """
    listed: dict[str, ListedWords] = {}
    for (language, tasks), characters in zip(words.parts_of.items(), words.characters, strict=True):
        counts = [words.words_of[task] for task in tasks]
        dealt = deal_words(language, characters, counts, words.unseen_per_task, words.max_characters)
        for task, count, part in zip(tasks, counts, dealt, strict=True):
            if len(tasks) > 1 and len(part.train) < count:
                raise ConfigError(
                    f"words.parts is {words.parts}: {task} has {len(part.train)} of its {count} training words in the {characters} "
                    f"characters of {language}; give {language} fewer parts, fewer words or more characters"
                )
            listed[task] = part
    return listed


def draw_png(order: CropOrder, words: Words, fonts: Sequence[FontFile], task: Task | None = None) -> bytes | None:
    """Return one gray crop as a PNG.

    ``task`` says how the word is written. It is the order's task in ``TASKS`` by default. Returns None
    if no font has all glyphs of the word. The same settings and fonts give the same pixels.
    """
    crop = draw_pixels(order, words, fonts, task)
    return None if crop is None else cv2.imencode(".png", crop, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def draw_pixels(
    order: CropOrder, words: Words, fonts: Sequence[FontFile], task: Task | None = None, *, gray: bool = True
) -> NDArray[np.uint8] | None:  # fmt: skip
    """Return the pixels of one crop, in the shape of ``camera_crop``.

    Returns None if no font has all glyphs of the word.
    """
    random = generator(words.seed, "crop", order.task, order.text, order.split == "unseen", order.number)
    candidates = [font for font in fonts if set(map(ord, order.text)) <= code_points(font.path, font.index)]
    # A font may map every character and still lack a glyph after shaping. Then another font is tried.
    while candidates:
        font = _choose_font(candidates, random)
        mask, num_missing = ink(order.text, font, task or order.task, int(random.integers(*_SIZES)), _draw_weight(font, random))
        if not num_missing:
            return camera_crop(
                mask, random, height=words.height, width=words.width, strength=words.variation, gray=gray, photographs=words.photographs
            )
        candidates.remove(font)
    return None


def draw_crops(
    orders: Sequence[CropOrder], words: Words, fonts: Mapping[str, tuple[FontFile, ...]], tasks: Mapping[str, Task] = TASKS
) -> tuple[list[CropOrder], list[bytes], Counter[str]]:
    """Draw crops as PNG images.

    ``tasks`` says how the words of each task are written. Returns the crops that could be drawn and
    their images. The counter gives, for each task, the number of crops that were dropped because
    every font lacked a glyph.
    """
    drawable: list[CropOrder] = []
    images = []
    dropped = Counter[str]()
    for order in orders:
        image = draw_png(order, words, fonts[order.task], tasks[order.task])
        if image is None:
            dropped[order.task] += 1
        else:
            drawable.append(order)
            images.append(image)
    return drawable, images, dropped


def chunks(orders: Sequence[CropOrder], size: int = 2000) -> Iterator[Sequence[CropOrder]]:
    for start in range(0, len(orders), size):
        yield orders[start : start + size]


def _choose_font(fonts: list[FontFile], random: np.random.Generator) -> FontFile:
    """Draw a family first, then one of its files.

    Otherwise a design with five weights would outvote a design with one.
    """
    family = str(random.choice(sorted({font.family for font in fonts})))
    members = [font for font in fonts if font.family == family]
    return members[int(random.integers(len(members)))]


def _draw_weight(font: FontFile, random: np.random.Generator) -> float | None:
    return float(np.round(random.uniform(*font.weights), -2)) if font.weights else None
