"""Rendered scenes: whole images of text in several scripts, with labels, for readers, detectors and evaluators without a download.

Scene ``number`` of some settings depends on nothing else: not on how many there are, nor on which were made before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.scenes.formats.script_names import MLT19_OF_TASK, task_of
from raygroup.scenes.rendering.backgrounds import Picture, background, image_files
from raygroup.scenes.rendering.painting import paint, photographed
from raygroup.scenes.rendering.placing import Placed, place
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene import Instance, Scene
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, find_fonts
from raygroup.words.rendering.word_lists import word_list

DONT_CARE = "###"
_QUALITY = (55, 96)
"""Of JPEG, least and one more than most."""


@dataclass(frozen=True)
class Materials:
    """What scenes are made of."""

    words: Mapping[str, Sequence[str]]
    fonts: Mapping[str, Sequence[FontFile]]


def gather(settings: SceneSettings, fonts: Path | None = None) -> Materials:
    """Words and fonts of every task; ``fonts`` is a folder of further ones. Raises ConfigError naming a task that has none, and for
    backgrounds that are not there."""
    if settings.backgrounds is not None:
        image_files(settings.backgrounds)
    found = {task: find_fonts(task, fonts) for task in settings.tasks}
    words = {task: _words(settings, task) for task in settings.tasks}
    if missing := [task for task, listed in words.items() if not listed]:
        raise ConfigError(
            f"scenes.characters is {settings.characters}: no {settings.split} word of {', '.join(missing)} with so few characters"
        )
    return Materials(words, found)


def lay_out(settings: SceneSettings, materials: Materials, number: int) -> list[Placed]:
    """Where the text of a scene stands."""
    return place(settings, materials.words, materials.fonts, _generator(settings, number))


def label(settings: SceneSettings, placed: Sequence[Placed], number: int) -> Scene:
    """The labels of a scene, without its image: corners in whole pixels."""
    told = [(block, word) for block in placed for word in range(len(block.block.texts))]
    instances = tuple(_instance(block, word, line) for line, (block, word) in enumerate(told, start=1))
    return Scene(f"scene_{number:05}", f"seed {settings.seed}, {settings.split}, scene {number}", None, instances)


def draw(settings: SceneSettings, placed: Sequence[Placed], number: int) -> Picture:
    """The pixels of a scene, RGB, before they are encoded."""
    cv2.setNumThreads(1)
    random = _generator(settings, number, "pixels")
    picture = background(settings.width, settings.height, random, settings.backgrounds)
    for block in placed:
        paint(picture, block, random)
    return photographed(picture, random)


def compose(settings: SceneSettings, materials: Materials, number: int) -> tuple[Scene, bytes]:
    """A scene and its image, a JPEG. Raises ConfigError for a background that cannot be read."""
    placed = lay_out(settings, materials, number)
    return label(settings, placed, number), encoded(settings, placed, number)


def encoded(settings: SceneSettings, placed: Sequence[Placed], number: int) -> bytes:
    """The image of a scene that was laid out, a JPEG."""
    quality = int(_generator(settings, number, "jpeg").integers(*_QUALITY))
    picture = cv2.cvtColor(draw(settings, placed, number), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def _generator(settings: SceneSettings, number: int, *purpose: str) -> np.random.Generator:
    split = () if settings.split == "train" else (settings.split,)
    return generator(settings.seed, "scene", number, *split, *purpose)


@lru_cache(64)
def _words(settings: SceneSettings, task: str) -> tuple[str, ...]:
    is_train = settings.split == "train"
    wanted = (settings.words_per_task, 0) if is_train else (0, settings.words_per_task)
    train, unseen = word_list(task, settings.characters, *wanted, settings.max_characters)
    return tuple(train if is_train else unseen)


def _instance(placed: Placed, word: int, line: int) -> Instance:
    """A word without a letter of its task is one of symbols, as MLT19 calls it; what cannot be read has no script."""
    text, task = placed.block.texts[word], placed.block.tasks[word]
    polygon = placed.polygon(word)
    if placed.illegible:
        return Instance(polygon, DONT_CARE, True, "None", None, line)
    script = MLT19_OF_TASK[task] if any(map(TASKS[task].has_letter, text)) else "Symbols"
    return Instance(polygon, text, False, script, task_of(script), line)
