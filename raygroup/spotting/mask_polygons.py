"""Turn the mask head's output into the outlines of words, as the released code does."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raygroup.scenes.scene import Polygon
from raygroup.spotting.rectangles import sorted_corners

MASK_THRESHOLD = 0.5
_KERNEL = np.ones((3, 3), np.uint8)
_BLUR = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class WordOutline:
    """The outline of one word, on whole pixels of the network's input."""

    polygon: Polygon
    """(n, 2)."""
    rectangle: Polygon
    """Corners (4, 2) of the smallest rectangle around it, without their fractions, from the top left."""


def mask_outline(mask: NDArray[np.floating], box: Sequence[float] | NDArray[np.floating]) -> WordOutline | None:
    """Return the outline of a word, or None if the mask shows nothing.

    ``mask`` holds probabilities, (size, size), within ``box``, whose coordinates lose their
    fractions.
    """
    left, top, right, bottom = (int(side) for side in box)
    size = (max(right - left, 1), max(bottom - top, 1))
    grays = np.asarray(mask * 255).astype(np.uint8)
    scaled = np.asarray(Image.fromarray(grays).resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    bitmap = (cv2.GaussianBlur(scaled, (3, 3), _BLUR) > MASK_THRESHOLD).astype(np.uint8)
    smooth = cv2.morphologyEx(cv2.dilate(cv2.erode(bitmap, _KERNEL), _KERNEL), cv2.MORPH_CLOSE, _KERNEL)
    contours, _ = cv2.findContours(smooth, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    contour = max(contours, key=cv2.contourArea)
    polygon = cv2.approxPolyDP(contour, 0.01 * cv2.arcLength(contour, True), True)[:, 0] + (left, top)
    rectangle = np.trunc(sorted_corners(cv2.minAreaRect(polygon.astype(np.int32))))
    return WordOutline(polygon.astype(np.float64), rectangle)
