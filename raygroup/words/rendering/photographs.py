"""Make a rendered crop look cut out of a photograph.

The frame is loose or cuts the ink, other text stands beside the word, the ground is busy, the light is uneven, and contrast and
sharpness are low. All draws come from the generator that the caller passes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
_LOOSE = 0.5
"""Largest margin, as a share of the height of the ink."""
_CUT = 0.06
"""Largest part of the ink's height that the frame cuts off at one side."""
_FEWEST_PIXELS = 0.3
"""Smallest height of the crop before it is enlarged, as a share of its final height."""


def frame(ink: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Return the ink in a frame that may be loose, or may cut off its edges.

    A loose frame may show parts of other words.
    """
    height, width = ink.shape
    top, bottom, left, right = (int(share * height) for share in random.uniform(-_CUT, _LOOSE, 4) * random.uniform(0.2, 1))
    canvas = np.zeros((height + max(top, 0) + max(bottom, 0), width + max(left, 0) + max(right, 0)), np.uint8)
    canvas[max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width] = ink
    if random.random() < 0.3:
        _add_neighbours(canvas, ink, top, bottom, random)
    cut = canvas[max(-top, 0) : len(canvas) - max(-bottom, 0), max(-left, 0) : canvas.shape[1] - max(-right, 0)]
    return np.ascontiguousarray(cut) if cut.size else canvas


def _add_neighbours(canvas: NDArray[np.uint8], ink: NDArray[np.uint8], top: int, bottom: int, random: np.random.Generator) -> None:
    """Show the edges of lines above and below. They are pieces of the same ink, moved along the line."""
    gap = max(2, len(ink) // 10)
    moved = np.roll(ink, int(random.integers(ink.shape[1])), axis=1)[:, : canvas.shape[1]]
    if top > gap:
        rows = min(top - gap, len(ink))
        canvas[:rows, : moved.shape[1]] = moved[len(ink) - rows :]
    if bottom > gap:
        rows = min(bottom - gap, len(ink))
        canvas[len(canvas) - rows :, : moved.shape[1]] = moved[:rows]


def busy_ground(picture: Image, random: np.random.Generator) -> Image:
    """Draw bars, edges and spots of other colours on a ground, (height, width, channels)."""
    height, width, channels = picture.shape
    picture = np.ascontiguousarray(picture)
    spread = random.uniform(8, 40)
    for _ in range(int(random.integers(1, 7))):
        colour = (picture[int(random.integers(height)), int(random.integers(width))] + random.normal(0, spread, channels)).tolist()
        ends = random.integers((-width // 4, -height // 2), (width * 5 // 4 + 1, height * 3 // 2 + 1), (2, 2)).tolist()
        if random.random() < 0.6:
            cv2.line(picture, ends[0], ends[1], colour, int(random.integers(1, max(height // 2, 2))))
        else:
            axes = random.integers(1, max(height, 2), 2).tolist()
            cv2.ellipse(picture, ends[0], axes, float(random.uniform(0, 180)), 0, 360, colour, -1)
    return picture


def expose(picture: Image, random: np.random.Generator) -> Image:
    """Return the picture under uneven light, with less contrast and fewer pixels, each by chance."""
    height, width, channels = picture.shape
    if random.random() < 0.5:
        light = cv2.resize(random.uniform(0.45, 1.3, (2, 3)).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        picture = picture * np.asarray(light, np.float32)[..., None]
    if random.random() < 0.5:
        middle = picture.mean((0, 1), keepdims=True)
        picture = middle + (picture - middle) * np.float32(random.uniform(0.3, 1))
    if random.random() < 0.6:
        scale = random.uniform(_FEWEST_PIXELS, 1)
        few = cv2.resize(picture, (max(round(width * scale), 4), max(round(height * scale), 4)), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(picture, np.float32).reshape(height, width, channels)
