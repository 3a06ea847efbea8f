"""The words of many images, truth or detections, as columns: what the protocols score, whether it was read from files or made in memory."""

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
    """(points of all, 2)."""
    starts: Indices
    """(polygons + 1): where each begins in ``points``."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, polygon: int) -> Reals:
        return self.points[self.starts[polygon] : self.starts[polygon + 1]]

    @property
    def lengths(self) -> Indices:
        return np.diff(self.starts)

    def quads(self, rows: Indices) -> Reals:
        """(rows, 4, 2) of polygons that have four points."""
        quads: Reals = self.points[self.starts[rows][:, None] + np.arange(4)]
        return quads

    def boxes(self) -> Reals:
        """(polygons, 4): least x, least y, greatest x, greatest y."""
        if not len(self):
            return np.zeros((0, 4))
        least, greatest = (reduce.reduceat(self.points, self.starts[:-1]) for reduce in (np.minimum, np.maximum))
        return np.concatenate([least, greatest], axis=1)

    def shapes(self, rows: Indices) -> NDArray[np.object_]:
        """Shapely polygons of these rows; a broken one is not repaired."""
        if not len(rows):
            return np.zeros(0, dtype=object)
        lengths = self.lengths[rows]
        places = np.repeat(self.starts[rows] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        rings = shapely.linearrings(self.points[places], indices=np.repeat(np.arange(len(rows)), lengths))
        return np.asarray(shapely.polygons(rings), dtype=object)


def polygons(of: Sequence[ArrayLike]) -> Polygons:
    """Polygons given each as its points, (n, 2) with n >= 3."""
    each = [np.asarray(points, dtype=np.float64).reshape(-1, 2) for points in of]
    starts = np.cumsum([0, *(len(points) for points in each)], dtype=np.intp)
    return Polygons(np.concatenate(each) if each else np.zeros((0, 2)), starts)


def quadrilaterals(corners: NDArray[np.int64]) -> Polygons:
    """Polygons of (n, 8) coordinates."""
    return Polygons(corners.reshape(-1, 2).astype(np.float64), np.arange(0, 4 * len(corners) + 1, 4, dtype=np.intp))


class Places(Sequence[str]):
    """``file:line`` of words, written out when asked."""

    def __init__(self, lines: list[tuple[str, int]]) -> None:
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, word):  # type: ignore[no-untyped-def]
        file, line = self._lines[word]
        return f"{file}:{line}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotated:
    """Words in order of image and, within one, of file."""

    images: tuple[str, ...]
    """Of the ground truth, in its order; an image may have no word."""
    image: Indices
    """Place of each word's image in ``images``, never falling."""
    polygons: Polygons
    texts: Sequence[str] = ()
    """Empty where the protocol has none."""
    scripts: Sequence[str] = ()
    """As the files call them, such as ``Bangla``; empty where the protocol has none."""
    confidences: Reals | None = None
    ignored: Flags = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Of ground truth: words nobody has to find (don't care)."""
    answered: frozenset[str] | None = None
    """Of detections: the images that have a file, for a protocol that leaves the others out; None for all images."""
    places: Sequence[str] = ()
    """File and line of each word, for messages; empty for words made in memory."""

    def __len__(self) -> int:
        return len(self.image)

    def place(self, word: int) -> str:
        return self.places[word] if self.places else f"image {self.images[self.image[word]]}, word {word}"

    def text(self, word: int) -> str:
        return self.texts[word] if len(self.texts) else ""

    def script(self, word: int) -> str:
        return self.scripts[word] if len(self.scripts) else ""


@dataclass(frozen=True)
class Word:
    """One word made in memory, true or detected; what the protocol does not look at may be left out."""

    polygon: Sequence[tuple[float, float]]
    text: str = ""
    script: str = ""
    confidence: float = 1.0


def truths(words: Mapping[str, Sequence[Word]], ignored: str = "###") -> Annotated:
    """Ground truth made in memory, by image; words of the text ``ignored`` are nobody's to find."""
    made = _made(tuple(words), words)
    return replace(made, ignored=np.array([text == ignored for text in made.texts], np.bool_))


def detections(words: Mapping[str, Sequence[Word]], truth: Annotated) -> Annotated:
    """Detections made in memory, by image; raises ConfigError for an image that the ground truth does not have."""
    if foreign := words.keys() - set(truth.images):
        raise ConfigError(f"image {min(foreign)!r} is not among the {len(truth.images)} of the ground truth")
    sure = [word.confidence for image in truth.images for word in words.get(image, ())]
    return replace(_made(truth.images, words), confidences=np.array(sure, np.float64))


def _made(images: tuple[str, ...], words: Mapping[str, Sequence[Word]]) -> Annotated:
    every = [(place, word) for place, image in enumerate(images) for word in words.get(image, ())]
    return Annotated(
        images=images,
        image=np.array([place for place, _ in every], np.intp),
        polygons=polygons([word.polygon for _, word in every]),
        texts=[word.text for _, word in every],
        scripts=[word.script for _, word in every],
    )
