"""Count the contents of a data set before it is imported.

The counts cover scripts, characters, sizes, don't-cares and problems.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from raygroup.errors import ImageError, UnreadableFileError
from raygroup.images.header import read_header
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.cropping import reading_quad
from raygroup.scenes.formats.registry import Format
from raygroup.scenes.matched_scenes import matched_scenes
from raygroup.scenes.scene import Instance, Problems, Scene
from raygroup.tasks import PAPER_TASKS
from raygroup.words.coverage import task_shares
from raygroup.words.label_conflicts import contradiction_counts
from raygroup.words.labels import normalise

NO_SCRIPT = "(no label)"
"""Replaces the name of the script if the data set gives none."""
_QUANTILES = (0.05, 0.5, 0.95)
_BATCH_WORDS = 4096
_YIELD_EVERY = 256
Item = TypeVar("Item")


@dataclass
class ScriptCounts:
    """Counts of the instances of one script."""

    instances: int = 0
    dont_cares: int = 0
    length: int = 0
    """Number of characters of all texts together."""
    characters: Counter[str] = field(default_factory=Counter)


@dataclass
class Inspection:
    """The counts of a data set."""

    format: str
    unit: str
    scenes: int = 0
    by_script: defaultdict[str, ScriptCounts] = field(default_factory=lambda: defaultdict(ScriptCounts))
    by_task: Counter[str] = field(default_factory=Counter)
    """Words by task: as labelled, else divided by the shares of their characters (paper section 3)."""
    contradicting: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(labelled task, task of the characters) -> number of words."""
    corners: Counter[int] = field(default_factory=Counter)
    """Number of corners -> number of polygons."""
    heights: list[float] = field(default_factory=list)
    """Pixels of each instance's shortest side."""
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """(width, height) -> number of images, among those whose header was read."""
    problems: Problems = field(default_factory=Problems)
    sample: list[Scene] = field(default_factory=list)
    """A few scenes for pictures."""

    @property
    def instances(self) -> int:
        return sum(script.instances for script in self.by_script.values())

    @property
    def dont_cares(self) -> int:
        return sum(script.dont_cares for script in self.by_script.values())

    def height_quantiles(self) -> list[float]:
        """Return the 5, 50 and 95 % quantiles of ``heights``, in pixels."""
        return [round(float(value), 1) for value in np.quantile(self.heights, _QUANTILES)] if self.heights else []

    def to_json(self) -> dict[str, Any]:
        scripts = {
            name: {
                "instances": script.instances, "dont_cares": script.dont_cares, "characters": len(script.characters),
                "mean_length": round(script.length / max(script.instances - script.dont_cares, 1), 2),
                "most_frequent": "".join(character for character, _ in script.characters.most_common(20)),
            }
            for name, script in sorted(self.by_script.items(), key=lambda item: -item[1].instances)
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


def inspect(collection: Collection, label_format: Format, *, max_images: int | None = 500, num_samples: int = 12) -> Iterator[Inspection]:
    """Count every label and the sizes of some images.

    Yields the same object several times: now and then while it counts, and at the end. At most
    ``max_images`` images are read, evenly spaced; None reads all. Keeps ``num_samples`` scenes as
    the ``sample``.
    """
    inspection = Inspection(label_format.name, label_format.unit, problems=collection.problems)
    images, samples = _EvenSample[Member](max_images), _EvenSample[Scene](num_samples)
    words: list[Instance] = []
    for scene in matched_scenes(collection, label_format, max_undecided=None):
        inspection.scenes += 1
        samples.add(scene)
        if scene.image:
            images.add(scene.image)
        _count_instances(scene, inspection, words)
        # tasks are counted for many words at once
        if len(words) >= _BATCH_WORDS:
            _count_words(words, inspection)
            words.clear()
        if inspection.scenes % _YIELD_EVERY == 0:
            yield inspection
    _count_words(words, inspection)
    inspection.sample = samples.items()
    _count_sizes(images.items(), collection, inspection)
    yield inspection


def _count_instances(scene: Scene, inspection: Inspection, words: list[Instance]) -> None:
    """Count the instances of a scene, and append its words to ``words``.

    Every instance that is no don't-care is a word.
    """
    for instance in scene.instances:
        script = inspection.by_script[instance.script or NO_SCRIPT]
        script.instances += 1
        if instance.polygon is not None:
            inspection.corners[len(instance.polygon)] += 1
            quad = reading_quad(instance.polygon)
            inspection.heights.append(float(np.hypot(*(np.roll(quad, -1, axis=0) - quad).T).min()))
        if instance.dont_care:
            script.dont_cares += 1
            continue
        script.length += len(instance.text)
        script.characters.update(instance.text)
        words.append(instance)


def _count_words(words: Sequence[Instance], inspection: Inspection) -> None:
    """Count the tasks of words, and labels that contradict the characters."""
    labels, tasks = [normalise(word.text) for word in words], [word.task for word in words]
    inspection.contradicting.update(contradiction_counts(labels, tasks))
    inspection.by_task.update(task for task in tasks if task is not None)
    open_labels = [label for label, task in zip(labels, tasks, strict=True) if task is None]
    shares = task_shares(open_labels, PAPER_TASKS).sum(axis=0)
    for name, share in zip(PAPER_TASKS, shares.tolist(), strict=True):
        if share:
            inspection.by_task[name] += share


def _count_sizes(images: Iterable[Member], collection: Collection, inspection: Inspection) -> None:
    for image, content in collection.stream(images):
        try:
            if isinstance(content, UnreadableFileError):
                raise ImageError(str(content))
            header = read_header(content)
        except ImageError as error:
            inspection.problems.add("image unreadable", collection.place(image), str(error))
            continue
        inspection.sizes[header.width, header.height] += 1
        if header.remark:
            inspection.problems.add("image remarked on", collection.place(image), header.remark)


class _EvenSample(Generic[Item]):
    """Evenly spaced items of a stream of unknown length.

    ``size`` None keeps all items. Otherwise the list holds every ``step``-th item, and loses every
    second one when it gets too long.
    """

    def __init__(self, size: int | None) -> None:
        self.size, self.step = size, 1
        self.num_items = 0
        self._items: list[Item] = []

    def add(self, item: Item) -> None:
        if self.num_items % self.step == 0:
            self._items.append(item)
        self.num_items += 1
        if self.size is not None and len(self._items) > 2 * self.size:
            self._items = self._items[::2]
            self.step *= 2

    def items(self) -> list[Item]:
        """Return ``size`` items, or all if there are fewer."""
        if self.size is None or len(self._items) <= self.size:
            return self._items
        return [self._items[int(place)] for place in np.linspace(0, len(self._items) - 1, self.size)]
