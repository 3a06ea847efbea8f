"""What a data set holds, looked at before it is taken in: scripts, characters, sizes, don't-cares and problems."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from raygroup.errors import ImageError
from raygroup.scenes.archives.sources import Member, UnreadableFileError
from raygroup.scenes.collection import Collection, each_once
from raygroup.scenes.cropping import reading_quad
from raygroup.scenes.formats.registry import Format
from raygroup.scenes.images import header
from raygroup.scenes.scene import Instance, Problems, Scene
from raygroup.tasks import PAPER_TASKS
from raygroup.words.coverage import task_shares
from raygroup.words.label_conflicts import contradiction_counts
from raygroup.words.labels import normalise

BY_CHARACTERS = "(no label)"
"""Stands for the script where the data set names none."""
_QUANTILES = (0.05, 0.5, 0.95)
_AT_A_TIME = 4096
Item = TypeVar("Item")


@dataclass
class Script:
    """The instances of one script."""

    instances: int = 0
    dont_cares: int = 0
    length: int = 0
    """Characters of all its texts."""
    characters: Counter[str] = field(default_factory=Counter)


@dataclass
class Inspection:
    """What was found; plain JSON with ``to_json``."""

    format: str
    unit: str
    scenes: int = 0
    by_script: defaultdict[str, Script] = field(default_factory=lambda: defaultdict(Script))
    by_task: Counter[str] = field(default_factory=Counter)
    """Words by task, as labelled, else by their characters' shares (paper section 3)."""
    contradicting: Counter[tuple[str, str]] = field(default_factory=Counter)
    corners: Counter[int] = field(default_factory=Counter)
    heights: list[float] = field(default_factory=list)
    """Pixels of each instance's shorter side."""
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Width and height of the images looked at."""
    problems: Problems = field(default_factory=Problems)
    shown: list[Scene] = field(default_factory=list)

    @property
    def instances(self) -> int:
        return sum(script.instances for script in self.by_script.values())

    @property
    def dont_cares(self) -> int:
        return sum(script.dont_cares for script in self.by_script.values())

    def height_quantiles(self) -> list[float]:
        """Pixels of the shorter side of 5 %, half and 95 % of the instances."""
        return [round(float(value), 1) for value in np.quantile(self.heights, _QUANTILES)] if self.heights else []

    def to_json(self) -> dict[str, Any]:
        scripts = {
            name: {
                "instances": found.instances, "dont_cares": found.dont_cares, "characters": len(found.characters),
                "mean_length": round(found.length / max(found.instances - found.dont_cares, 1), 2),
                "most_frequent": "".join(sign for sign, _ in found.characters.most_common(20)),
            }
            for name, found in sorted(self.by_script.items(), key=lambda item: -item[1].instances)
        }  # fmt: skip
        return {
            "format": self.format, "unit": self.unit, "scenes": self.scenes, "instances": self.instances, "dont_cares": self.dont_cares,
            "scripts": scripts, "tasks": {name: round(count, 1) for name, count in self.by_task.items()},
            "contradicting": {f"{labelled}/{seen}": count for (labelled, seen), count in self.contradicting.items()},
            "corners": {str(number): count for number, count in sorted(self.corners.items())},
            "heights": dict(zip(map(str, _QUANTILES), self.height_quantiles(), strict=False)),
            "image_sizes": {f"{width}x{height}": count for (width, height), count in self.sizes.most_common(20)},
            "problems": self.problems.to_json(),
        }  # fmt: skip


def inspect(collection: Collection, known: Format, *, images: int | None = 500, shown: int = 12) -> Iterator[Inspection]:
    """Looks at every label and at so many images, evenly chosen (None: all of them); yields what is found so far now and then,
    at the end the whole. So many scenes are kept to be ``shown``."""
    found = Inspection(known.name, known.unit, problems=collection.problems)
    looked_at, pictured = _Evenly[Member](images), _Evenly[Scene](shown)
    words: list[Instance] = []
    for scene in each_once(known.scenes(collection), collection):
        found.scenes += 1
        pictured.add(scene)
        if scene.image:
            looked_at.add(scene.image)
        _count(scene, found, words)
        if len(words) >= _AT_A_TIME:
            _count_words(words, found)
            words.clear()
        if found.scenes % 256 == 0:
            yield found
    _count_words(words, found)
    found.shown = pictured.chosen()
    _look_at_images(looked_at.chosen(), collection, found)
    yield found


def _count(scene: Scene, found: Inspection, words: list[Instance]) -> None:
    for instance in scene.instances:
        script = found.by_script[instance.script or BY_CHARACTERS]
        script.instances += 1
        if instance.polygon is not None:
            found.corners[len(instance.polygon)] += 1
            quad = reading_quad(instance.polygon)
            found.heights.append(float(np.hypot(*(np.roll(quad, -1, axis=0) - quad).T).min()))
        if instance.dont_care:
            script.dont_cares += 1
            continue
        script.length += len(instance.text)
        script.characters.update(instance.text)
        words.append(instance)


def _count_words(words: Sequence[Instance], found: Inspection) -> None:
    labels, tasks = [normalise(word.text) for word in words], [word.task for word in words]
    found.contradicting.update(contradiction_counts(labels, tasks))
    found.by_task.update(task for task in tasks if task is not None)
    open_labels = [label for label, task in zip(labels, tasks, strict=True) if task is None]
    shares = task_shares(open_labels, PAPER_TASKS).sum(axis=0)
    for name, share in zip(PAPER_TASKS, shares.tolist(), strict=True):
        if share:
            found.by_task[name] += share


def _look_at_images(images: Iterable[Member], collection: Collection, found: Inspection) -> None:
    for image, content in collection.stream(images):
        try:
            if isinstance(content, UnreadableFileError):
                raise ImageError(str(content))
            seen = header(content)
        except ImageError as error:
            found.problems.add("image unreadable", collection.place(image), str(error))
            continue
        found.sizes[seen.width, seen.height] += 1
        if seen.remark:
            found.problems.add("image remarked on", collection.place(image), seen.remark)


class _Evenly(Generic[Item]):
    """So many items of a stream of unknown length, evenly spaced; None: all."""

    def __init__(self, number: int | None) -> None:
        self.number, self.step, self.seen = number, 1, 0
        self.kept: list[Item] = []

    def add(self, item: Item) -> None:
        if self.seen % self.step == 0:
            self.kept.append(item)
        self.seen += 1
        if self.number is not None and len(self.kept) > 2 * self.number:
            self.kept = self.kept[::2]
            self.step *= 2

    def chosen(self) -> list[Item]:
        if self.number is None or len(self.kept) <= self.number:
            return self.kept
        return [self.kept[int(place)] for place in np.linspace(0, len(self.kept) - 1, self.number)]
