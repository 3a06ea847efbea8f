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
    quads = [reading_quad(np.asarray(polygon, np.float64)) for polygon in polygons]
    grown = add_margin(np.stack(quads), margin) if quads else np.zeros((0, 4, 2))
    # only the pixels around a word: OpenCV warps no image of more than 32,767 pixels a side
    starts = np.maximum(np.floor(grown.min(axis=1)).astype(np.int64) - 1, 0)
    ends = np.maximum(np.ceil(grown.max(axis=1)).astype(np.int64) + 2, 0)
    crops, words = [], []
    for place, (quad, (left, top), (right, bottom)) in enumerate(zip(grown - starts[:, None], starts, ends, strict=True)):
        part = gray[top:bottom, left:right]
        word = crop(part, quad, height, turn_vertical=turn_vertical) if part.size else None
        if word is not None:
            crops.append(fit(word, height, width))
            words.append(place)
    return WordCrops(np.stack(crops) if crops else np.zeros((0, *size), np.uint8), np.array(words, np.intp))
