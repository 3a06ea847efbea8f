"""Draw on a sheet: the colours of an object, and where it covers what is behind it."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from raygroup.scenes.rendering.backgrounds import Colour, Picture, Random


@dataclass(frozen=True)
class Sheet:
    """A flat object."""

    colour: Picture
    """(height, width, 3)."""
    ink: Picture
    """(height, width), 255 where the object covers what is behind it."""

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height."""
        return self.ink.shape[1], self.ink.shape[0]

    def fill(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Fill a rectangle. x1 and y1 are exclusive."""
        area = slice(max(round(y0), 0), max(round(y1), 0)), slice(max(round(x0), 0), max(round(x1), 0))
        self.colour[area], self.ink[area] = colour, 255

    def fill_polygon(self, corners: ArrayLike, colour: Colour) -> None:
        """Fill a polygon, (n, 2)."""
        whole = [np.round(np.asarray(corners)).astype(np.int32)]
        cv2.fillPoly(self.colour, whole, colour, cv2.LINE_AA)
        cv2.fillPoly(self.ink, whole, 255, cv2.LINE_AA)

    def draw_line(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, thickness: int) -> None:
        ends = (round(start[0]), round(start[1])), (round(end[0]), round(end[1]))
        cv2.line(self.colour, *ends, colour, thickness, cv2.LINE_AA)
        cv2.line(self.ink, *ends, 255, thickness, cv2.LINE_AA)

    def draw_ellipse(
        self, centre: tuple[float, float], radii: tuple[float, float], angle: float, colour: Colour, thickness: int = -1
    ) -> None:
        """Draw an ellipse, or fill it. ``angle`` is in degrees."""
        middle, axes = (round(centre[0]), round(centre[1])), (max(round(radii[0]), 1), max(round(radii[1]), 1))
        cv2.ellipse(self.colour, middle, axes, angle, 0, 360, colour, thickness, cv2.LINE_AA)
        cv2.ellipse(self.ink, middle, axes, angle, 0, 360, 255, thickness, cv2.LINE_AA)


DrawObject = Callable[[int, int, Random], Sheet]
"""Takes a width, a height and a generator, and draws an object of that size."""


def empty_sheet(width: int, height: int, colour: Colour) -> Sheet:
    """Return a sheet that covers nothing.

    Its colour shows at the edges of what is drawn, so it should be the colour of that.
    """
    return Sheet(np.full((height, width, 3), colour, np.uint8), np.zeros((height, width), np.uint8))


def full_sheet(width: int, height: int, colour: Colour) -> Sheet:
    """Return a sheet of one colour."""
    return Sheet(np.full((height, width, 3), colour, np.uint8), np.full((height, width), 255, np.uint8))


def vary(colour: Colour, spread: float, random: Random) -> Colour:
    """Return a colour near to another."""
    red, green, blue = np.clip(np.array(colour) + random.normal(0, spread) + random.normal(0, spread / 4, 3), 0, 255).astype(int).tolist()
    return red, green, blue


def draw_step(least: float, most: float, side: int, random: Random) -> int:
    """Return a random distance between equal parts, from shares of a side. Small distances are likelier."""
    return max(int(side * least * (most / least) ** random.random()), 4)
