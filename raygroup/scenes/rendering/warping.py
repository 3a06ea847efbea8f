"""Flat text becomes turned, tilted or curved text: the ink of whole blocks is warped, never letter by letter, so that joined scripts
stay joined and conjuncts whole.

Places are (x, y) with y down; a pixel's centre has whole coordinates. A warp takes places of the flat block to its patch, the smallest
upright box around the warped block.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon

Coverage = NDArray[np.uint8]
"""(height, width), 255 where inked."""
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 of a block; the last two are the first beyond it."""

_CURVE_STEP = 0.22
"""Radians between two corners of a curved polygon, about."""
_MOST_CORNERS = 8
"""Of one edge of a curved polygon."""


class Warp(Protocol):
    """From a flat block to its patch."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the patch."""

    def outline(self, box: Box, margin: float) -> Polygon:
        """The polygon in the patch around a box of the block, grown by ``margin``: along its top edge from left to right, back along
        its bottom edge; so clockwise as seen and from the corner that is top left when the text stands upright."""

    def warped(self, block: Coverage) -> Coverage:
        """The block's ink in the patch."""


@dataclass(frozen=True)
class Flat:
    """By a homography (3, 3)."""

    matrix: NDArray[np.float64]
    size: tuple[int, int]

    def outline(self, box: Box, margin: float) -> Polygon:
        return np.asarray(_mapped(self.matrix, _corners(box, margin)))

    def warped(self, block: Coverage) -> Coverage:
        return np.asarray(cv2.warpPerspective(block, self.matrix, self.size, flags=cv2.INTER_LINEAR), np.uint8)


def flat(size: tuple[int, int], margin: float, angle: float = 0.0, moved: NDArray[np.float64] | None = None) -> Flat:
    """For a block of this width and height: its corners (top left, then clockwise) ``moved`` by so many pixels (4, 2), then turned
    clockwise as seen by ``angle``; ``margin`` pixels of room around it."""
    corners = _corners((0, 0, *size), 0)
    target = corners if moved is None else corners + moved
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    target = (target @ turn).astype(np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target), np.float64)
    ends = _mapped(matrix, _corners((0, 0, *size), margin))
    low, high = np.floor(ends.min(axis=0)), np.ceil(ends.max(axis=0))
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    return Flat(shift @ matrix, (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1))


@dataclass(frozen=True)
class Arc:
    """Along a circle whose length is kept at the block's middle line."""

    width: int
    height: int
    """Of the block."""
    radius: float
    """Of the middle line, in pixels; positive where letters stand outwards on top of the circle, negative where they stand in it."""
    tilt: float
    """Radians by which the whole is turned clockwise as seen."""
    corner: tuple[float, float]
    """Of the patch, as seen from the circle's centre."""
    size: tuple[int, int]

    def places(self, flat: Polygon) -> Polygon:
        """(n, 2) places of the block in the patch."""
        return _on_circle(flat, self.width, self.height, self.radius, self.tilt) - self.corner

    def outline(self, box: Box, margin: float) -> Polygon:
        x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] - 1 + margin, box[3] - 1 + margin
        count = int(np.clip(math.ceil((x1 - x0) / abs(self.radius) / _CURVE_STEP) + 1, 4, _MOST_CORNERS))
        across = np.linspace(x0, x1, count)
        half = (x1 - x0) / abs(self.radius) / (count - 1) / 2
        outer = abs(self.radius) + (self.height - 1) / 2 - (y0 if self.radius > 0 else self.height - 1 - y1)
        grown = outer * (1 / math.cos(half) - 1)
        y0, y1 = (y0 - grown, y1) if self.radius > 0 else (y0, y1 + grown)
        top, bottom = (np.stack([across, np.full(count, y)], axis=1) for y in (y0, y1))
        return self.places(np.concatenate([top, bottom[::-1]]))

    def warped(self, block: Coverage) -> Coverage:
        across = np.arange(self.size[0], dtype=np.float32) + np.float32(self.corner[0])
        down = np.arange(self.size[1], dtype=np.float32)[:, None] + np.float32(self.corner[1])
        sine, cosine = np.float32(math.sin(self.tilt)), np.float32(math.cos(self.tilt))
        x, y = across * cosine + down * sine, down * cosine - across * sine
        sign = np.float32(math.copysign(1, self.radius))
        distance, angle = cv2.cartToPolar(-y * sign, x)
        angle = np.where(angle > np.pi, angle - np.float32(2 * np.pi), angle)
        u = angle * np.float32(abs(self.radius)) + np.float32((self.width - 1) / 2)
        v = np.float32((self.height - 1) / 2) - (distance - np.float32(abs(self.radius))) * sign
        return np.asarray(cv2.remap(block, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR), np.uint8)


def arc(size: tuple[int, int], margin: float, angle: float, tilt: float) -> Arc:
    """For a block of this width and height along ``angle`` radians of a circle, in its upper half where positive, in its lower half
    where negative; ``margin`` pixels of room around it."""
    width, height = size
    radius = width / angle
    rim = np.linspace(-margin, width - 1 + margin, 64)
    edges = np.concatenate([np.stack([rim, np.full(64, y)], axis=1) for y in (-margin, height - 1 + margin)])
    ends = _on_circle(edges, width, height, radius, tilt)
    low, high = np.floor(ends.min(axis=0)) - 1, np.ceil(ends.max(axis=0)) + 1
    return Arc(width, height, radius, tilt, (float(low[0]), float(low[1])), (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1))


def _on_circle(places: Polygon, width: int, height: int, radius: float, tilt: float) -> Polygon:
    """Places of the flat block as seen from the circle's centre."""
    sign = math.copysign(1, radius)
    angle = (places[:, 0] - (width - 1) / 2) / abs(radius)
    distance = abs(radius) + ((height - 1) / 2 - places[:, 1]) * sign
    x, y = distance * np.sin(angle), -distance * np.cos(angle) * sign
    return np.stack([x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)], axis=1)


def _corners(box: Box, margin: float) -> Polygon:
    """Of the centres of the box's outermost pixels, grown by the margin."""
    x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] - 1 + margin, box[3] - 1 + margin
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _mapped(matrix: NDArray[np.float64], places: Polygon) -> Polygon:
    lifted = np.concatenate([places, np.ones((len(places), 1))], axis=1) @ matrix.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:])
