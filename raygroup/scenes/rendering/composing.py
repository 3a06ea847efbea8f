"""Compose scenes: images of text with labels.

The text is in several scripts. Readers, detectors and evaluators can use them without a download. A
scene depends on the settings and its number only. It depends neither on how many scenes there are,
nor on which were rendered before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.scenes.formats.script_names import MLT19_OF_TASK, task_of
from raygroup.scenes.rendering.backgrounds import Picture, image_files, make_background
from raygroup.scenes.rendering.clutter.painting import add_clutter
from raygroup.scenes.rendering.painting import add_camera_effects, paint
from raygroup.scenes.rendering.placing import PlacedBlock, place_blocks
from raygroup.scenes.rendering.scene_words import words_of_task
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene import Instance, Scene
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, find_fonts

DONT_CARE = "###"
_QUALITY = (55, 96)
"""Range of the JPEG quality; the end is exclusive."""


@dataclass(frozen=True)
class Materials:
    """Words and fonts of every task."""

    words: Mapping[str, Sequence[str]]
    fonts: Mapping[str, Sequence[FontFile]]
    dropped: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Task -> reason -> number of the user's words that scenes cannot show. Only tasks with words of the user are in it."""


def load_materials(settings: SceneSettings, fonts: Path | None = None) -> Materials:
    """Return words and fonts of every task.

    ``fonts`` is a folder of further fonts. Raises ConfigError naming a task without words or fonts,
    and if the folder of backgrounds has no images.
    """
    if settings.backgrounds is not None:
        image_files(settings.backgrounds)
    task_fonts = {task: find_fonts(task, fonts) for task in settings.tasks}
    chosen = {task: words_of_task(settings, task, task_fonts[task]) for task in settings.tasks}
    for task, (words, dropped) in chosen.items():
        if not words:
            raise ConfigError(_no_words_message(settings, task, dropped))
    own = dict(settings.own_words)
    return Materials(
        {task: words for task, (words, _) in chosen.items()},
        task_fonts,
        {task: dropped for task, (_, dropped) in chosen.items() if task in own},
    )


def _no_words_message(settings: SceneSettings, task: str, dropped: Mapping[str, int]) -> str:
    if task in dict(settings.own_words):
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "about one word in eleven is of val and test"
        return f"scenes.own_words of {task}: no word for the split {settings.split} ({reasons}): give more words"
    count = settings.characters_for(task)
    name = "scenes.characters" if count == settings.characters else f"scenes.characters_of_task of {task}"
    return f"{name} is {count}: so few characters give no {settings.split} word of {task}"


def lay_out(settings: SceneSettings, materials: Materials, number: int) -> list[PlacedBlock]:
    """Return the text blocks of a scene with their places. Some scenes have none."""
    if settings.textless and _generator(settings, number, "textless").random() < settings.textless:
        return []
    return place_blocks(settings, materials.words, materials.fonts, _generator(settings, number))


def label(settings: SceneSettings, blocks: Sequence[PlacedBlock], number: int) -> Scene:
    """Return the labels of a scene, without its image.

    Corners are whole pixels.
    """
    words = [(placed, word) for placed in blocks for word in range(len(placed.block.texts))]
    instances = tuple(_instance(placed, word, line) for line, (placed, word) in enumerate(words, start=1))
    return Scene(f"scene_{number:05}", f"seed {settings.seed}, {settings.split}, scene {number}", None, instances)


def draw(settings: SceneSettings, blocks: Sequence[PlacedBlock], number: int) -> Picture:
    """Return the pixels of a scene, RGB and not encoded."""
    cv2.setNumThreads(1)
    random = _generator(settings, number, "pixels")
    picture = make_background(settings.width, settings.height, random, settings.backgrounds)
    if settings.clutter:
        clutter_random = _generator(settings, number, "clutter")
        if clutter_random.random() < settings.clutter:
            add_clutter(picture, int(clutter_random.integers(settings.clutter_objects[0], settings.clutter_objects[1] + 1)), clutter_random)
    for placed in blocks:
        paint(picture, placed, random)
    return add_camera_effects(picture, random)


def compose(settings: SceneSettings, materials: Materials, number: int) -> tuple[Scene, bytes]:
    """Return a scene and its image, a JPEG.

    Raises ConfigError if a background cannot be read.
    """
    blocks = lay_out(settings, materials, number)
    return label(settings, blocks, number), encode_image(settings, blocks, number)


def encode_image(settings: SceneSettings, blocks: Sequence[PlacedBlock], number: int) -> bytes:
    """Draw the image of a scene, as a JPEG."""
    quality = int(_generator(settings, number, "jpeg").integers(*_QUALITY))
    picture = cv2.cvtColor(draw(settings, blocks, number), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def _generator(settings: SceneSettings, number: int, *purpose: str) -> np.random.Generator:
    split = () if settings.split == "train" else (settings.split,)
    return generator(settings.seed, "scene", number, *split, *purpose)


def _instance(placed: PlacedBlock, word: int, line: int) -> Instance:
    """Return the label of one word.

    A word without a letter of its task has the script Symbols, as in MLT19. A word that cannot be
    read has the script None.
    """
    text, task = placed.block.texts[word], placed.block.tasks[word]
    polygon = placed.polygon(word)
    if placed.illegible:
        return Instance(polygon, DONT_CARE, True, "None", None, line)
    script = MLT19_OF_TASK[task] if any(map(TASKS[task].has_letter, text)) else "Symbols"
    return Instance(polygon, text, False, script, task_of(script), line)
