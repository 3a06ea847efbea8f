"""Read the labelled words of photographs, from a data set or a scene store."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from raygroup.errors import ConfigError, ImageError
from raygroup.images.header import Header, read_header
from raygroup.images.pixels import turn_points_upright
from raygroup.scenes.archives.members import fold_name
from raygroup.scenes.collection import Collection
from raygroup.scenes.exporting import is_scene_store
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.scene import Instance, Problems
from raygroup.scenes.scene_store import StoredScene, read_scenes
from raygroup.scoring.word_columns import Word
from raygroup.spotting.scene_reading import true_words

_Labels = tuple[str, Path | None, tuple[Instance, ...]]
"""The name of labels, their photograph or None, and their words."""


@dataclass(frozen=True, kw_only=True)
class GroundTruth:
    """The labelled words of photographs."""

    words: Mapping[Path, tuple[Word, ...]]
    """Words of each photograph that has labels. ``script`` is a task, and don't-care words read ``###``.

    Polygons are in pixels of the upright photograph.
    """
    unlabelled: tuple[Path, ...]
    """Photographs without labels."""
    without_photograph: Mapping[str, int]
    """Labels of other photographs -> number of their words."""
    without_polygon: int
    """Words that say only that they are somewhere in their photograph. They are left out."""
    problems: Problems
    """Labels that could not be used unchanged."""

    @property
    def num_words(self) -> int:
        """Return the number of all words that were read."""
        return sum(map(len, self.words.values())) + sum(self.without_photograph.values()) + self.without_polygon


def read_ground_truth(source: Path, photographs: Sequence[Path], format_name: str | None = None) -> GroundTruth:
    """Read the words of photographs.

    ``source`` is a folder, an archive or a label file of any layout that ``raygroup.data`` reads, or a
    scene store. Labels and photographs belong together by name. ``format_name`` is the layout, and
    None recognises it. Raises ConfigError if no photograph has labels.
    """
    problems = Problems()
    photographs = [*dict.fromkeys(photographs)]
    labels = _stored(source, photographs, problems) if is_scene_store(source) else _labelled(source, photographs, problems, format_name)
    words: dict[Path, tuple[Word, ...]] = {}
    others: dict[str, int] = {}
    without_polygon = 0
    for name, photograph, instances in labels:
        if photograph is None or photograph in words:
            others[name] = len(instances)
            if photograph is not None:
                problems.add("two labels", name, f"{photograph} has labels already; the first are taken")
            continue
        truths = _upright(true_words(instances), photograph)
        without_polygon += len(instances) - len(truths)
        words[photograph] = truths
    if not words:
        raise ConfigError(_no_labels_message(source, photographs, others))
    unlabelled = tuple(path for path in photographs if path not in words)
    ordered = {path: words[path] for path in photographs if path in words}
    return GroundTruth(
        words=ordered, unlabelled=unlabelled, without_photograph=others, without_polygon=without_polygon, problems=problems
    )  # fmt: skip


def _labelled(source: Path, photographs: Sequence[Path], problems: Problems, format_name: str | None) -> Iterator[_Labels]:
    collection = Collection([source], problems, images=photographs)
    for scene in format_of(collection, format_name).scenes(collection):
        yield scene.labels, None if scene.image is None else collection.image_file(scene.image), scene.instances


def _stored(source: Path, photographs: Sequence[Path], problems: Problems) -> Iterator[_Labels]:
    by_name = defaultdict(list)
    for path in photographs:
        by_name[fold_name(path.stem)].append(path)
    for scene in read_scenes(source):
        paths = by_name.get(fold_name(PurePosixPath(scene.name).name), [])
        same = [path for path in paths if _has_size_of(path, scene)]
        if paths and not same:
            problems.add("photograph of another size", scene.name, f"{paths[0]} is not {scene.width} x {scene.height} pixels")
        yield scene.name, same[0] if same else None, scene.instances


def _has_size_of(path: Path, scene: StoredScene) -> bool:
    header = _header(path)
    return header is not None and (header.width, header.height) == (scene.width, scene.height)


def _upright(words: Sequence[Word], photograph: Path) -> tuple[Word, ...]:
    """Return words whose polygons refer to the upright photograph. Labels refer to the stored pixels."""
    header = _header(photograph)
    if header is None or header.orientation == 1:
        return tuple(words)
    turned = [turn_points_upright(np.array(word.polygon, np.float64), header) for word in words]
    return tuple(replace(word, polygon=[(x, y) for x, y in points.tolist()]) for word, points in zip(words, turned, strict=True))


def _header(photograph: Path) -> Header | None:
    """Return the header of a photograph, or None. Reading its pixels gives the reason."""
    try:
        return read_header(photograph.read_bytes())
    except (OSError, ImageError):
        return None


def _no_labels_message(source: Path, photographs: Sequence[Path], others: Mapping[str, int]) -> str:
    labels = f"{len(others)} images are labelled, such as {next(iter(others))}" if others else "nothing is labelled there"
    return f"{source}: no labels for any of the {len(photographs)} photographs, such as {photographs[0]}: {labels}"
