"""Paint clutter into a scene: objects that look a little like text and are none.

Detectors take fences, windows and shelves for text, because plain backgrounds do not show them. Clutter lies behind the text of a
scene and has no labels.
"""

import cv2
import numpy as np

from raygroup.scenes.rendering.backgrounds import Picture, Random
from raygroup.scenes.rendering.clutter.patterns import PATTERNS
from raygroup.scenes.rendering.clutter.sheet import DrawObject, Sheet
from raygroup.scenes.rendering.clutter.structures import STRUCTURES
from raygroup.scenes.rendering.warping import homography

OBJECTS: tuple[DrawObject, ...] = (*STRUCTURES, *PATTERNS)
_WHOLE_SCENE = 0.25
"""Share of the objects that are as large as the scene."""
_SIDE = (0.15, 0.75)
"""Least and largest side of the others, as a share of the scene's."""
_MIN_SIDE = 24
_UPRIGHT = 0.4
"""Share of the objects that are seen straight on."""


def add_clutter(picture: Picture, num_objects: int, random: Random) -> None:
    """Paint random objects into the picture, in place."""
    for _ in range(num_objects):
        draw_object = OBJECTS[int(random.integers(len(OBJECTS)))]
        width, height = _draw_size(picture, random)
        _paste(picture, draw_object(width, height, random), random)


def _draw_size(picture: Picture, random: Random) -> tuple[int, int]:
    high, wide = picture.shape[:2]
    if random.random() < _WHOLE_SCENE:
        return wide, high
    shares = random.uniform(*_SIDE, 2)
    return max(int(wide * shares[0]), _MIN_SIDE), max(int(high * shares[1]), _MIN_SIDE)


def _paste(picture: Picture, sheet: Sheet, random: Random) -> None:
    """Blend a warped sheet into the picture. Its middle lies in the picture, its edges may lie outside."""
    colour, ink = _warp(sheet, random)
    high, wide = picture.shape[:2]
    size = np.array([ink.shape[1], ink.shape[0]])
    x, y = (random.integers((0, 0), (wide, high)) - size // 2).tolist()
    if size[0] >= wide and size[1] >= high:
        x, y = ((np.array([wide, high]) - size) // 2).tolist()
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + size[0], wide), min(y + size[1], high)
    under = picture[y0:y1, x0:x1]
    part = slice(y0 - y, y1 - y), slice(x0 - x, x1 - x)
    opacity = ink[part] * np.float32(random.uniform(0.75, 1) / 255)
    under[:] = cv2.blendLinear(np.ascontiguousarray(colour[part]), under.copy(), opacity, 1 - opacity)


def _warp(sheet: Sheet, random: Random) -> tuple[Picture, Picture]:
    """Return a sheet as it is seen from its place: straight on, turned, or from the side."""
    if random.random() < _UPRIGHT:
        return sheet.colour, sheet.ink
    high, wide = sheet.ink.shape
    corners = random.uniform(-0.12, 0.12, (4, 2)) * (wide, high)
    warp = homography((wide, high), 1.0, float(random.normal(0, 0.15)), corners)
    colour = cv2.warpPerspective(sheet.colour, warp.matrix, warp.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(colour, np.uint8), warp.apply(sheet.ink)
