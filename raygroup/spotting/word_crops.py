"""Cut detected words out of a photograph, as the word trunk reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.images.pixels import Gray
from raygroup.scenes.cropping import add_margin, crop, reading_quad
from raygroup.scenes.scene import Polygon
from raygroup.trunks import CROP_SIZE
from raygroup.words.crops import fit

MARGIN = 0.1
"""Air around a word, as a share of its height: readers are trained with some."""


@dataclass(frozen=True, slots=True, eq=False)
class WordCrops:
    """The words of a photograph that can be read."""

    crops: NDArray[np.uint8]
    """(n, height, width), gray."""
    words: NDArray[np.intp]
    """The place of each crop's word among the polygons, (n,). Words of less than two pixels are left out."""


def word_crops(
    gray: Gray, polygons: Sequence[Polygon], *, size: tuple[int, int] = CROP_SIZE, margin: float = MARGIN, turn_vertical: bool = True
) -> WordCrops:
    """Cut out words, upright, with a margin of air.

    Polygons are in pixels of the photograph. A word that is much higher than wide is turned a quarter
    to the left, so that it is read from top to bottom.
    """
    height, width = size
    cut = [_cut(gray, polygon, height, margin, turn_vertical) for polygon in polygons]
    words = np.array([place for place, word in enumerate(cut) if word is not None], np.intp)
    crops = np.empty((len(words), height, width), np.uint8)
    for place, word in enumerate(word for word in cut if word is not None):
        crops[place] = fit(word, height, width)
    return WordCrops(crops, words)


def _cut(gray: Gray, polygon: Polygon, height: int, margin: float, turn_vertical: bool) -> Gray | None:
    """Return the upright pixels of one word, or None if it is too small or outside."""
    quad = add_margin(reading_quad(np.asarray(polygon, np.float64))[None], margin)[0]
    # only the pixels around the word: OpenCV warps no image of more than 32,767 pixels a side
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.maximum(np.ceil(quad.max(axis=0)).astype(int) + 2, 0)
    part = gray[top:bottom, left:right]
    return crop(part, quad - (left, top), height, turn_vertical=turn_vertical) if part.size else None
