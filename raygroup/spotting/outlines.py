"""Measure many polygons at once, and store them as one array of points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon

Floats = NDArray[np.float64]

_STEEPEST = float(np.tan(np.radians(60)))
"""Half of the sharpest turn that counts: a mitre of twice the offset."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlines:
    """The points of n polygons one after another."""

    points: Floats
    """(k, 2)."""
    starts: NDArray[np.intp]
    """The first point of each polygon, (n,)."""
    counts: NDArray[np.intp]
    """The number of points of each polygon, (n,), 1 or more."""

    @classmethod
    def of(cls, polygons: Sequence[Polygon]) -> "Outlines":
        counts = np.fromiter((len(polygon) for polygon in polygons), np.intp, len(polygons))
        points = np.concatenate(polygons).astype(np.float64) if len(polygons) else np.zeros((0, 2))
        return cls(points, np.cumsum(counts) - counts, counts)

    @property
    def owners(self) -> NDArray[np.intp]:
        """The polygon of each point, (k,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def following(self) -> NDArray[np.intp]:
        """Return the index of the point after each point. The last of a polygon is followed by its first."""
        after = np.arange(1, len(self.points) + 1)
        after[self.starts + self.counts - 1] = self.starts
        return after

    def total(self, values: Floats) -> Floats:
        """Return the sum over the points of each polygon, (n,)."""
        return np.add.reduceat(values, self.starts) if len(self.starts) else np.zeros(0)

    def measure(self) -> "Measures":
        """Return the area, perimeter and turns of every polygon."""
        edges, lengths = self._edges()
        half_turns = self._half_turns(edges, lengths)
        return Measures(abs(self.signed_areas()), self.total(lengths), self.total(np.clip(half_turns, -_STEEPEST, _STEEPEST)))

    def signed_areas(self) -> Floats:
        """Return the area of each polygon, (n,), positive if its points run clockwise on a screen."""
        # coordinates from a polygon's first point on: products of large coordinates lose digits
        local = self.points - np.repeat(self.points[self.starts], self.counts, axis=0)
        return self.total(_cross(local, self._edges()[0])) / 2

    def move(self, offsets: Floats) -> tuple["Outlines", NDArray[np.bool_]]:
        """Move all sides outwards, each polygon by its own offset, and test which results are sound, (n,).

        A result is not sound if a side has turned round, a corner is too sharp or a point stands twice.
        """
        edges, lengths = self._edges()
        half_turns = self._half_turns(edges, lengths)
        outward = np.sign(self.signed_areas())[self.owners, None] * np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        normals = outward / np.maximum(lengths, 1e-12)[:, None]
        after = self.following()
        both = normals + normals[after]
        corners = both * (offsets[self.owners] / np.maximum((normals * both).sum(axis=1), 1e-12))[:, None]
        points = np.empty_like(self.points)
        points[after] = self.points[after] + corners
        moved = Outlines(points, self.starts, self.counts)
        is_bad = ((moved._edges()[0] * edges).sum(axis=1) <= 0) | (abs(half_turns) >= _STEEPEST)
        return moved, self.total(is_bad.astype(np.float64)) == 0

    def split(self) -> list[Polygon]:
        """Return the polygons one by one."""
        return [self.points[start : start + count] for start, count in zip(self.starts.tolist(), self.counts.tolist(), strict=True)]

    def _edges(self) -> tuple[Floats, Floats]:
        """Return the side after each point, (k, 2), and its length, (k,)."""
        edges = self.points[self.following()] - self.points
        return edges, np.hypot(edges[:, 0], edges[:, 1])

    def _half_turns(self, edges: Floats, lengths: Floats) -> Floats:
        """Return the tangent of half of the angle at the end of each side, (k,), positive at convex corners."""
        after = self.following()
        turned = _cross(edges, edges[after]) * np.sign(self.signed_areas())[self.owners]
        straight = lengths * lengths[after] + (edges * edges[after]).sum(axis=1)
        return np.asarray(np.divide(turned, straight, out=np.full(len(edges), np.inf), where=straight > 0), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Areas, perimeters and turns of n polygons, each (n,).

    They say how a polygon grows: moved outwards by d, its perimeter is ``perimeters + 2 d turns``
    and its area ``areas + d perimeters + d^2 turns``.
    """

    areas: Floats
    perimeters: Floats
    turns: Floats
    """Sum of the tangents of half of the angle at each corner: 4 for a rectangle, pi for a circle."""

    def grow(self, offsets: Floats) -> "Measures":
        """Return the measures of the polygons moved outwards, each by its own offset."""
        areas = self.areas + offsets * self.perimeters + offsets**2 * self.turns
        return Measures(areas, self.perimeters + 2 * offsets * self.turns, self.turns)

    def offsets_to(self, areas: Floats) -> Floats:
        """Return how far the polygons must grow to have these areas, (n,). None shrinks."""
        missing = np.maximum(areas - self.areas, 0)
        root = np.sqrt(self.perimeters**2 + 4 * np.maximum(self.turns, 0) * missing)
        return np.asarray(2 * missing / np.maximum(self.perimeters + root, 1e-12), np.float64)


def _cross(one: Floats, other: Floats) -> Floats:
    return one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
