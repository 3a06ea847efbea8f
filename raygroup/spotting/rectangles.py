"""Order the corners of rotated rectangles."""

from collections.abc import Sequence

import cv2
import numpy as np

from raygroup.spotting.outlines import Floats

RotatedRectangle = tuple[Sequence[float], Sequence[float], float]
"""Centre, sides and angle, as OpenCV gives them."""


def rectangle_corners(centres: Floats, sides: Floats, degrees: Floats) -> Floats:
    """Return the corners of rotated rectangles, (n, 4, 2).

    The first side is the one that points most to the right, and the corners run clockwise: an upright
    word begins at its top left.
    """
    quarters = np.round(degrees / 90)
    angles = np.radians(degrees - 90 * quarters)
    wide, high = np.where((quarters % 2 == 1)[:, None], sides[:, ::-1], sides).T / 2
    along = np.stack([np.cos(angles), np.sin(angles)], axis=1) * wide[:, None]
    down = np.stack([-np.sin(angles), np.cos(angles)], axis=1) * high[:, None]
    return np.stack([centres - along - down, centres + along - down, centres + along + down, centres - along + down], axis=1)


def sorted_corners(rectangle: RotatedRectangle) -> Floats:
    """Return the corners (4, 2) of one rectangle from the top left, as the released code orders them.

    The two leftmost corners are the left side, and of the corners of one side the higher comes first.
    """
    corners = sorted(cv2.boxPoints(rectangle).tolist(), key=lambda corner: corner[0])
    left, right = (sorted(side, key=lambda corner: corner[1]) for side in (corners[:2], corners[2:]))
    return np.array([left[0], right[0], right[1], left[1]])
