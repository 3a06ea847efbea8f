"""Words of many images as columns.

They are ground truth or detections, read from files or built in memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from raygroup.errors import ConfigError

Indices = NDArray[np.intp]
Reals = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons of any number of points each."""

    points: Reals
    """Points of all polygons, (points, 2)."""
    starts: Indices
    """Index in ``points`` at which each polygon begins, and the end, (polygons + 1)."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, polygon: int) -> Reals:
        return self.points[self.starts[polygon] : self.starts[polygon + 1]]

    @property
    def lengths(self) -> Indices:
        """Number of points of each polygon."""
        return np.diff(self.starts)

    def quads(self, rows: Indices) -> Reals:
        """Return polygons of four points as an array, (rows, 4, 2)."""
        quads: Reals = self.points[self.starts[rows][:, None] + np.arange(4)]
        return quads

    def boxes(self) -> Reals:
        """Return the bounding boxes, (polygons, 4).

        A box is least x, least y, greatest x, greatest y.
        """
        if not len(self):
            return np.zeros((0, 4))
        least, greatest = (reduce.reduceat(self.points, self.starts[:-1]) for reduce in (np.minimum, np.maximum))
        return np.concatenate([least, greatest], axis=1)

    def shapes(self, rows: Indices) -> NDArray[np.object_]:
        """Return shapely polygons of these rows. A broken one is not repaired."""
        if not len(rows):
            return np.zeros(0, dtype=object)
        lengths = self.lengths[rows]
        indices = np.repeat(self.starts[rows] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        rings = shapely.linearrings(self.points[indices], indices=np.repeat(np.arange(len(rows)), lengths))
        return np.asarray(shapely.polygons(rings), dtype=object)


def polygons(outlines: Sequence[ArrayLike]) -> Polygons:
    """Return polygons from their points, each (n, 2) with n >= 3."""
    arrays = [np.asarray(points, dtype=np.float64).reshape(-1, 2) for points in outlines]
    starts = np.cumsum([0, *(len(points) for points in arrays)], dtype=np.intp)
    return Polygons(np.concatenate(arrays) if arrays else np.zeros((0, 2)), starts)


def quadrilaterals(corners: NDArray[np.int64]) -> Polygons:
    """Return polygons from (n, 8) coordinates."""
    return Polygons(corners.reshape(-1, 2).astype(np.float64), np.arange(0, 4 * len(corners) + 1, 4, dtype=np.intp))


class Locations(Sequence[str]):
    """The ``file:line`` of each word. A string is built only when it is read, to save memory."""

    def __init__(self, lines: list[tuple[str, int]]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, word):  # type: ignore[no-untyped-def]
        file, line = self._lines[word]
        return f"{file}:{line}"


@dataclass(frozen=True, kw_only=True, eq=False)
class WordColumns:
    """Words ordered by image, and within an image as in its file."""

    images: tuple[str, ...]
    """The images of the ground truth, in its order. An image may have no word."""
    image: Indices
    """Index of each word's image in ``images``, never falling."""
    polygons: Polygons
    texts: Sequence[str] = ()
    """Empty if the protocol has no texts."""
    scripts: Sequence[str] = ()
    """Names as in the files, such as ``Bangla``. Empty if the protocol has no scripts."""
    confidences: Reals | None = None
    ignored: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Ground truth only: the words that no detection has to find (don't care)."""
    answered: frozenset[str] | None = None
    """Detections only: the images that have a file, for a protocol that leaves the others out.

    None means all images.
    """
    notes: tuple[str, ...] = ()
    """Remarks on the files, for whoever reads the scores."""
    locations: Sequence[str] = ()
    """File and line of each word, for messages. Empty for words built in memory."""

    def __len__(self) -> int:
        return len(self.image)

    def location(self, word: int) -> str:
        """Return where a word comes from, for messages."""
        return self.locations[word] if self.locations else f"image {self.images[self.image[word]]}, word {word}"

    def text(self, word: int) -> str:
        """Return a word's text, empty if there are no texts."""
        return self.texts[word] if len(self.texts) else ""

    def script(self, word: int) -> str:
        """Return a word's script, empty if there are no scripts."""
        return self.scripts[word] if len(self.scripts) else ""


@dataclass(frozen=True)
class Word:
    """One word built in memory, true or detected.

    Fields that the protocol does not use may be left out.
    """

    polygon: Sequence[tuple[float, float]]
    text: str = ""
    script: str = ""
    confidence: float = 1.0


def truth_columns(words: Mapping[str, Sequence[Word]], ignored: str = "###") -> WordColumns:
    """Return ground truth from words by image.

    Words whose text is ``ignored`` are don't-care words.
    """
    columns = _columns(tuple(words), words)
    return replace(columns, ignored=np.array([text == ignored for text in columns.texts], np.bool_))


def detection_columns(words: Mapping[str, Sequence[Word]], truth: WordColumns) -> WordColumns:
    """Return detections from words by image.

    Raises ConfigError for an image that is not in the ground truth.
    """
    if foreign := words.keys() - set(truth.images):
        raise ConfigError(f"image {min(foreign)!r} is not among the {len(truth.images)} of the ground truth")
    confidences = [word.confidence for image in truth.images for word in words.get(image, ())]
    return replace(_columns(truth.images, words), confidences=np.array(confidences, np.float64))


def _columns(images: tuple[str, ...], words: Mapping[str, Sequence[Word]]) -> WordColumns:
    indexed = [(index, word) for index, image in enumerate(images) for word in words.get(image, ())]
    return WordColumns(
        images=images,
        image=np.array([index for index, _ in indexed], np.intp),
        polygons=polygons([word.polygon for _, word in indexed]),
        texts=[word.text for _, word in indexed],
        scripts=[word.script for _, word in indexed],
    )
