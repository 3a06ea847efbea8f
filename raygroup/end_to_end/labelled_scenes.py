"""The labelled scenes on which whole spotters are scored."""

import functools
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError, ImageError
from raygroup.scenes.exporting import scenes_with_images
from raygroup.scenes.scene import Instance, Problems
from raygroup.scoring.word_columns import Word
from raygroup.spotting.photograph import Photograph, decode_photograph
from raygroup.spotting.scene_reading import true_words
from raygroup.spotting.threshold_choice import IGNORED

CHOOSING_SHARE = 4
"""One scene in so many chooses the thresholds. The others score."""
NO_TASK = "none"
"""Name of the words that belong to no task, such as numbers in MLT19's script Symbols."""


@dataclass(frozen=True)
class SceneLabels:
    """The true words of one scene."""

    name: str
    truths: tuple[Word, ...]
    """``script`` has the task of a word, or ``none``. A don't-care word has the text ``###``."""
    image: str
    """SHA-256 of the picture's file."""

    @property
    def chooses(self) -> bool:
        """True if the scene chooses thresholds, False if it scores. The picture decides."""
        return int(self.image[:8], 16) % CHOOSING_SHARE == 0


@dataclass(frozen=True, eq=False)
class LabelledScenes:
    """The scenes of a folder. Their pixels are read only when they are needed."""

    path: Path
    scenes: tuple[SceneLabels, ...]
    fingerprint: str
    """Hash of all pictures and labels in their order."""
    problems: Mapping[str, int]
    """Kind of problem -> number, of scenes and labels that were left out or changed."""

    @functools.cached_property
    def tasks(self) -> frozenset[str]:
        """The tasks of the words that count."""
        words = (word for scene in self.scenes for word in scene.truths)
        return frozenset(word.script for word in words if word.text != IGNORED) - {NO_TASK}

    def photographs(self) -> Iterator[Photograph]:
        """Yield the pictures in the order of the scenes. Raises ConfigError for one that cannot be read."""
        for scene, (_, image) in zip(self.scenes, scenes_with_images([self.path], Problems()), strict=True):
            try:
                yield decode_photograph(image, upright=False)
            except ImageError as error:
                advice = "'python -m raygroup.data import' leaves such scenes out"
                raise ConfigError(f"{self.path}: the picture of {scene.name} cannot be read: {error}; {advice}") from error


def open_labelled_scenes(path: Path) -> LabelledScenes:
    """Read the labels of scenes, and hash their pictures.

    ``path`` is an import of ``raygroup.data``, or a data set that it can import, such as what ``data render`` writes. Raises ConfigError
    if there are no labelled scenes, no words, or too few scenes both to choose thresholds and to score.
    """
    problems, names = Problems(), Counter[str]()
    scenes, evidence = [], []
    for scene, content in scenes_with_images([path], problems):
        names[scene.name] += 1
        name = scene.name if names[scene.name] == 1 else f"{scene.name} ({names[scene.name]})"
        image = hashlib.sha256(content).hexdigest()
        scenes.append(SceneLabels(name, _truths(scene.instances), image))
        evidence.append([image, _labels(scene.instances)])
    _require_usable(path, scenes)
    return LabelledScenes(path, tuple(scenes), fingerprint(*evidence), dict(problems.counts))


def _truths(instances: tuple[Instance, ...]) -> tuple[Word, ...]:
    return tuple(Word(word.polygon, word.text, word.script or NO_TASK) for word in true_words(instances))


def _labels(instances: tuple[Instance, ...]) -> list[list[object]]:
    """Return labels as JSON values. Corners that differ by less than a hundredth of a pixel are the same."""
    return [
        [None if instance.polygon is None else instance.polygon.round(2).tolist(), instance.text, instance.task, instance.dont_care]
        for instance in instances
    ]


def _require_usable(path: Path, scenes: list[SceneLabels]) -> None:
    num_choosing = sum(scene.chooses for scene in scenes)
    if not any(word.text != IGNORED for scene in scenes for word in scene.truths):
        raise ConfigError(f"{path}: none of its {len(scenes)} scenes has a labelled word with a polygon and a text: name labelled scenes")
    if num_choosing in (0, len(scenes)):
        raise ConfigError(
            f"{path}: {num_choosing} of its {len(scenes)} scenes would choose thresholds, and the others would score: name more scenes"
        )
