"""Warp flat text so that it is rotated, tilted or curved.

The ink of a whole block is warped, never single letters. So letters of joined scripts stay joined,
and conjuncts stay whole.

Points are (x, y) with y down; the centre of a pixel has whole coordinates. A warp maps points of
the flat block to its patch, which is the smallest upright box around the warped block.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon

Ink = NDArray[np.uint8]
"""(height, width), 255 where a pixel is fully inked."""
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 of a part of a block; x1 and y1 are exclusive."""

_CURVE_STEP = 0.22
"""Radians between two corners of a curved polygon, approximately."""
_MAX_CORNERS = 8
"""Most corners on one edge of a curved polygon."""


class Warp(Protocol):
    """A map from a flat block to its patch."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the patch."""

    def outline(self, box: Box, margin: float) -> Polygon:
        """Return the polygon around a box of the block.

        The polygon is in the patch. The box first grows by ``margin``. The polygon follows its top
        edge from left to right, and its bottom edge back. So it runs clockwise as seen, from the
        top left corner of the upright text.
        """

    def apply(self, ink: Ink) -> Ink:
        """Return the block's ink in the patch."""


@dataclass(frozen=True)
class Homography:
    """A warp by a 3x3 matrix."""

    matrix: NDArray[np.float64]
    size: tuple[int, int]

    def outline(self, box: Box, margin: float) -> Polygon:
        return np.asarray(_map_by_matrix(self.matrix, _corners(box, margin)))

    def apply(self, ink: Ink) -> Ink:
        return np.asarray(cv2.warpPerspective(ink, self.matrix, self.size, flags=cv2.INTER_LINEAR), np.uint8)


def homography(size: tuple[int, int], margin: float, angle: float = 0.0, moves: NDArray[np.float64] | None = None) -> Homography:
    """Return the warp of a block of this width and height.

    First the block's corners (top left, then clockwise) move by ``moves`` pixels, (4, 2). Then the
    block rotates by ``angle`` radians, clockwise as seen. The patch leaves ``margin`` pixels around
    the block.
    """
    corners = _corners((0, 0, *size), 0)
    target = corners if moves is None else corners + moves
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    target = (target @ turn).astype(np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target), np.float64)
    # shift the warped block so that its patch begins at (0, 0)
    ends = _map_by_matrix(matrix, _corners((0, 0, *size), margin))
    low, high = np.floor(ends.min(axis=0)), np.ceil(ends.max(axis=0))
    shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
    return Homography(shift @ matrix, (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1))


@dataclass(frozen=True)
class Arc:
    """A warp along a circle.

    The block's middle line keeps its length.
    """

    width: int
    height: int
    """Height of the block."""
    radius: float
    """Radius of the middle line, in pixels.

    If positive, the letters stand outwards on top of the circle. If negative, they stand inside it."""
    tilt: float
    """Radians by which the whole is rotated clockwise as seen."""
    corner: tuple[float, float]
    """Top left corner of the patch, relative to the circle's centre."""
    size: tuple[int, int]

    def map_points(self, points: Polygon) -> Polygon:
        """Map points of the block to the patch, (n, 2)."""
        return _map_to_circle(points, self.width, self.height, self.radius, self.tilt) - self.corner

    def outline(self, box: Box, margin: float) -> Polygon:
        x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] - 1 + margin, box[3] - 1 + margin
        count = int(np.clip(math.ceil((x1 - x0) / abs(self.radius) / _CURVE_STEP) + 1, 4, _MAX_CORNERS))
        across = np.linspace(x0, x1, count)
        # the chords of a circle run inside it, so the outer edge moves out until they clear the ink
        half = (x1 - x0) / abs(self.radius) / (count - 1) / 2
        outer = abs(self.radius) + (self.height - 1) / 2 - (y0 if self.radius > 0 else self.height - 1 - y1)
        growth = outer * (1 / math.cos(half) - 1)
        y0, y1 = (y0 - growth, y1) if self.radius > 0 else (y0, y1 + growth)
        top, bottom = (np.stack([across, np.full(count, y)], axis=1) for y in (y0, y1))
        return self.map_points(np.concatenate([top, bottom[::-1]]))

    def apply(self, ink: Ink) -> Ink:
        # for each pixel of the patch, find the point of the block it comes from
        across = np.arange(self.size[0], dtype=np.float32) + np.float32(self.corner[0])
        down = np.arange(self.size[1], dtype=np.float32)[:, None] + np.float32(self.corner[1])
        sine, cosine = np.float32(math.sin(self.tilt)), np.float32(math.cos(self.tilt))
        x, y = across * cosine + down * sine, down * cosine - across * sine
        sign = np.float32(math.copysign(1, self.radius))
        distance, angle = cv2.cartToPolar(-y * sign, x)
        angle = np.where(angle > np.pi, angle - np.float32(2 * np.pi), angle)
        u = angle * np.float32(abs(self.radius)) + np.float32((self.width - 1) / 2)
        v = np.float32((self.height - 1) / 2) - (distance - np.float32(abs(self.radius))) * sign
        return np.asarray(cv2.remap(ink, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR), np.uint8)


def arc(size: tuple[int, int], margin: float, angle: float, tilt: float) -> Arc:
    """Return the warp of a block along a circle.

    The block takes up ``angle`` radians. ``size`` is the block's width and height. A positive angle
    is in the upper half of the circle, a negative one in the lower half. The patch leaves
    ``margin`` pixels around the block.
    """
    width, height = size
    radius = width / angle
    rim = np.linspace(-margin, width - 1 + margin, 64)
    edges = np.concatenate([np.stack([rim, np.full(64, y)], axis=1) for y in (-margin, height - 1 + margin)])
    ends = _map_to_circle(edges, width, height, radius, tilt)
    low, high = np.floor(ends.min(axis=0)) - 1, np.ceil(ends.max(axis=0)) + 1
    return Arc(width, height, radius, tilt, (float(low[0]), float(low[1])), (int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1))


def _map_to_circle(points: Polygon, width: int, height: int, radius: float, tilt: float) -> Polygon:
    """Map points of the block, relative to the circle's centre."""
    sign = math.copysign(1, radius)
    angle = (points[:, 0] - (width - 1) / 2) / abs(radius)
    distance = abs(radius) + ((height - 1) / 2 - points[:, 1]) * sign
    x, y = distance * np.sin(angle), -distance * np.cos(angle) * sign
    return np.stack([x * math.cos(tilt) - y * math.sin(tilt), x * math.sin(tilt) + y * math.cos(tilt)], axis=1)


def _corners(box: Box, margin: float) -> Polygon:
    """Return the centres of the box's corner pixels.

    The margin moves them out.
    """
    x0, y0, x1, y1 = box[0] - margin, box[1] - margin, box[2] - 1 + margin, box[3] - 1 + margin
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _map_by_matrix(matrix: NDArray[np.float64], points: Polygon) -> Polygon:
    lifted = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ matrix.T
    return np.asarray(lifted[:, :2] / lifted[:, 2:])
