"""Find the words of a photograph and read them.

The map of text gives regions. Each region is cut out of the photograph, upright and with some air
around it, and a package of ``raygroup.export`` reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.reading.package import Package, WordReading
from raygroup.scenes.scene import Polygon
from raygroup.spotting.network_input import COMPACT, InputSettings, NetworkInput, prepare_input
from raygroup.spotting.outlines import Floats
from raygroup.spotting.photograph import Photograph
from raygroup.spotting.regions import Regions, RegionSettings, find_regions
from raygroup.spotting.word_crops import MARGIN, word_crops

PURPOSES = ("detection", "end-to-end")
"""The scores that thresholds serve: tasks 1 and 3 of MLT19, and its task 4."""


class MapBackend(Protocol):
    """It computes the map of text."""

    name: str

    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of text (n, h, w) of normalised images (n, 3, h, w)."""


@dataclass(frozen=True, kw_only=True)
class SpottingThresholds:
    """Confidences below which a word is dropped, for one purpose."""

    detection: float = 0.0
    """Least mean probability of a region."""
    reading: float = 0.0
    """Least mean probability of a word's characters."""
    chosen_on: str = "nothing"
    """The scenes on which they were chosen."""

    def keeps(self, word: "SpottedWord") -> bool:
        return word.detection >= self.detection and word.confidence >= self.reading


@dataclass(frozen=True, kw_only=True)
class SpotterSettings:
    """All choices between the network and the words. They are stored with the network."""

    input: InputSettings = COMPACT
    regions: RegionSettings = RegionSettings()
    margin: float = MARGIN
    """Space around a word in its crop, as a share of the word's short side."""
    thresholds: Mapping[str, SpottingThresholds] = field(default_factory=lambda: {name: SpottingThresholds() for name in PURPOSES})


@dataclass(frozen=True)
class SpottedWord:
    """A word of a photograph."""

    polygon: Polygon
    """Corners (n, 2) in pixels of the photograph."""
    detection: float
    """Mean probability of text in the word's region."""
    text: str
    task: str
    head: str
    confidence: float
    """Mean probability of the characters and the end."""
    unsure: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "polygon": np.round(self.polygon, 1).tolist()}


@dataclass(frozen=True)
class FoundWords:
    """The words of a photograph that a detector found, and that can be read. They are n, the surest first."""

    polygons: tuple[Polygon, ...]
    """In pixels of the photograph."""
    scores: Floats
    """Mean probability of text in each word's region, (n,)."""
    crops: NDArray[np.uint8]
    """(n, height, width), gray."""


@dataclass(frozen=True)
class WordFinder:
    """A detector with its settings. It finds words and cuts them out."""

    backend: MapBackend
    settings: SpotterSettings

    def find(self, photograph: Photograph) -> tuple[Regions, NetworkInput]:
        """Return the regions of text, in pixels of the network's input, and that input."""
        prepared = prepare_input(photograph, self.settings.input)
        probabilities = self.backend.maps(prepared.tensor[None])[0]
        return find_regions(probabilities[: prepared.height, : prepared.width], self.settings.regions), prepared

    def cut(self, photograph: Photograph, regions: Regions, prepared: NetworkInput) -> FoundWords:
        """Cut the words of regions out of the photograph. Words of less than two pixels are left out."""
        gray = np.asarray(cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), np.uint8)
        cut = word_crops(gray, [prepared.to_photograph(corners) for corners in regions.rectangles], margin=self.settings.margin)
        polygons = tuple(prepared.to_photograph(regions.polygons[word]) for word in cut.words)
        return FoundWords(polygons, regions.scores[cut.words], cut.crops)

    def words(self, photograph: Photograph) -> FoundWords:
        """Find the words of a photograph, and cut them out."""
        return self.cut(photograph, *self.find(photograph))


@dataclass(frozen=True)
class Spotter:
    """A detector and a reader of words. ``raygroup.load_spotter`` opens one."""

    backend: MapBackend
    reader: Package
    settings: SpotterSettings

    def spot(self, photograph: Photograph, purpose: str = "end-to-end", beams: int = 1) -> list[SpottedWord]:
        """Return the words of a photograph (height, width, 3), red first, the surest detection first.

        ``purpose`` chooses the thresholds. A photograph without text has none. Raises ConfigError for
        another purpose.
        """
        if purpose not in self.settings.thresholds:
            raise ConfigError(f"purpose is {purpose!r}: it must be one of {', '.join(self.settings.thresholds)}")
        thresholds = self.settings.thresholds[purpose]
        return [word for word in self.candidates(photograph, beams) if thresholds.keeps(word)]

    def candidates(self, photograph: Photograph, beams: int = 1) -> list[SpottedWord]:
        """Return all words, without thresholds on their confidence."""
        return self.read_regions(photograph, *self.find(photograph), beams)

    @property
    def finder(self) -> WordFinder:
        """The part that finds words."""
        return WordFinder(self.backend, self.settings)

    def find(self, photograph: Photograph) -> tuple[Regions, NetworkInput]:
        """Return the regions of text, in pixels of the network's input, and that input."""
        return self.finder.find(photograph)

    def read_regions(self, photograph: Photograph, regions: Regions, prepared: NetworkInput, beams: int = 1) -> list[SpottedWord]:
        """Read the words of regions."""
        found = self.finder.cut(photograph, regions, prepared)
        return spotted_words(found.polygons, found.scores, self.reader.read(list(found.crops), beams))


def spotted_words(polygons: Sequence[Polygon], scores: Floats, readings: Sequence[WordReading]) -> list[SpottedWord]:
    """Join the regions of words, the scores of their regions, and their readings."""
    return [_word(*word) for word in zip(polygons, scores.tolist(), readings, strict=True)]


def _word(polygon: Polygon, detection: float, reading: WordReading) -> SpottedWord:
    return SpottedWord(
        polygon, detection, reading.text, reading.task or "", reading.head or "", reading.confidence or 0.0, bool(reading.unsure)
    )  # fmt: skip
