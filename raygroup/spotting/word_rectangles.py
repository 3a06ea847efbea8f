"""The place of words for RoI features: boxes, hard masks and rectangles in reading order.

A rectangle is cut as ``word_crops`` cuts a crop, so that a column of RoI features shows the same part
of a word as a column of its crop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.cropping import add_margin, quad_size, reading_quad, turned_upright
from raygroup.scenes.scene import Polygon
from raygroup.spotting.outlines import Floats
from raygroup.spotting.regions import upright_boxes
from raygroup.spotting.roi_masks import roi_masks
from raygroup.spotting.word_crops import MARGIN
from raygroup.trunks import CROP_SIZE


@dataclass(frozen=True, slots=True, eq=False)
class WordRegions:
    """The n words of one image."""

    boxes: NDArray[np.float32]
    """Upright boxes in pixels of the image, (n, 4)."""
    masks: NDArray[np.uint8]
    """Hard masks of the boxes, (n, size, size)."""
    in_image: NDArray[np.float32]
    """Rectangles in reading order, in shares of the image, (n, 4, 2)."""
    in_box: NDArray[np.float32]
    """The same rectangles in shares of the boxes. They may reach over the boxes' edges."""
    filled: NDArray[np.float32]
    """Share of a crop's width that each word fills, (n,)."""


def reading_rectangles(polygons: Sequence[Polygon], margin: float = MARGIN) -> tuple[Floats, Floats]:
    """Return the corners (n, 4, 2) that crops of words have in the image, and the share of their width that words fill."""
    if not polygons:
        return np.zeros((0, 4, 2)), np.zeros(0)
    grown = add_margin(np.stack([reading_quad(np.asarray(polygon, np.float64)) for polygon in polygons]), margin)
    rectangles = np.stack([turned_upright(corners) for corners in grown])
    ratios = [wide / max(high, 1e-6) for wide, high in map(quad_size, rectangles)]
    return rectangles, np.minimum(np.array(ratios) * CROP_SIZE[0] / CROP_SIZE[1], 1)


def word_regions(polygons: Sequence[Polygon], rectangles: Floats, filled: Floats, shape: tuple[int, int], mask_size: int) -> WordRegions:
    """Return the regions of words in an image of ``shape``, height and width."""
    height, width = shape
    boxes = upright_boxes(tuple(polygons), shape)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    in_box = (rectangles - boxes[:, None, :2]) / sides[:, None]
    return WordRegions(
        boxes, roi_masks(polygons, boxes, mask_size), np.asarray(rectangles / (width, height), np.float32), np.asarray(in_box, np.float32),
        np.asarray(filled, np.float32),
    )  # fmt: skip
