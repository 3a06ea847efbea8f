"""Paint placed text into a picture.

Text gets a colour that contrasts with its background, and sometimes a panel, an outline or a
shadow. Then come the effects of a camera.
"""

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.rendering.backgrounds import Colour, Picture, Random, random_colour
from raygroup.scenes.rendering.placing import PlacedBlock
from raygroup.scenes.scene import Polygon
from raygroup.words.rendering.variation import CONTRAST_FLOOR, LUMA

_MIN_CONTRAST = CONTRAST_FLOOR + 15
"""Least difference in luma between a word and the mean of its background.

It holds before the ink becomes translucent and before uneven light is added."""
_BUSY = 28.0
"""Standard deviation of the background's luma from which text gets an outline."""
_FAINT = 0.13
"""Opacity of a faint word's ink."""
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256)], np.float32)
"""256 equally likely values of the normal distribution. Noise is looked up in this table."""


def paint(picture: Picture, placed: PlacedBlock, random: Random) -> None:
    """Paint a block into the picture, in place."""
    if placed.padding > 4 and random.random() < 0.75:
        _paint_panel(picture, placed.area(), random)
    width, height = placed.warp.size
    under = picture[placed.y : placed.y + height, placed.x : placed.x + width]
    ink = placed.warp.apply(placed.block.ink)
    mean, spread = _luma_under(under, ink)
    colour = _contrasting_colour(mean, _MIN_CONTRAST + min(spread, 50.0), random)
    if placed.illegible == "blurred":
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.16 * placed.block.em + 1), np.uint8)
    elif placed.illegible is None:
        _paint_outline_or_shadow(under, ink, placed, colour, spread, random)
    _blend(under, ink, colour, _FAINT if placed.illegible == "faint" else float(random.uniform(0.85, 1)))


def add_camera_effects(picture: Picture, random: Random) -> Picture:
    """Add uneven light, blur and noise, each to some pictures."""
    height, width = picture.shape[:2]
    if random.random() < 0.4:
        light = random.integers(180, 256, (2, 3), dtype=np.uint8)
        field = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
        picture = np.asarray(cv2.multiply(picture, cv2.merge([field] * 3), scale=1 / 230), np.uint8)
    if random.random() < 0.35:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 0.8)), np.uint8)
    if random.random() < 0.6:
        table = np.round(_NORMAL * np.float32(random.uniform(1, 9))).astype(np.int16)
        noise = table[random.integers(0, 256, (height, width), dtype=np.uint8)]
        picture = np.asarray(cv2.add(picture, cv2.merge([noise] * 3), dtype=cv2.CV_8U), np.uint8)
    return picture


def luma(pixels: NDArray[np.uint8] | Colour) -> NDArray[np.float32]:
    """Return the luma, 0 to 255.

    The last axis of the pixels is RGB.
    """
    return np.asarray(pixels, np.float32) @ LUMA


def _paint_panel(picture: Picture, area: Polygon, random: Random) -> None:
    """Paint a sign under the block, often with a rim."""
    corners = [np.round(area * 8).astype(np.int32)]
    cv2.fillPoly(picture, corners, random_colour(random), cv2.LINE_AA, 3)
    if random.random() < 0.4:
        cv2.polylines(picture, corners, True, random_colour(random), int(random.integers(1, 3)), cv2.LINE_AA, 3)


def _luma_under(under: Picture, ink: NDArray[np.uint8]) -> tuple[float, float]:
    """Return mean and standard deviation of luma under the ink."""
    gray = cv2.cvtColor(under, cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(gray, mask=ink)
    return float(mean[0, 0]), float(spread[0, 0])


def _contrasting_colour(from_luma: float, min_contrast: float, random: Random) -> Colour:
    """Return a random colour that contrasts with a luma.

    Their lumas differ by more than ``min_contrast``. If twelve attempts fail, it is black or white.
    """
    for _ in range(12):
        colour = random_colour(random)
        if abs(float(luma(colour)) - from_luma) > min_contrast:
            return colour
    return (0, 0, 0) if from_luma > 127 else (255, 255, 255)


def _paint_outline_or_shadow(
    under: Picture, ink: NDArray[np.uint8], placed: PlacedBlock, colour: Colour, spread: float, random: Random
) -> None:
    """Paint an outline or a shadow under the ink.

    Text on a busy background always gets an outline. Other text gets an outline, a shadow or
    nothing.
    """
    chance, reach = random.random(), max(placed.block.em // 16, 1)
    if spread > _BUSY or (chance < 0.1 and placed.block.em > 18):
        outline = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        _blend(under, np.asarray(outline, np.uint8), _contrasting_colour(float(luma(colour)), 1.5 * _MIN_CONTRAST, random), 1.0)
    elif chance < 0.25:
        move = np.array([[1, 0, reach], [0, 1, reach]], np.float32)
        shadow = cv2.warpAffine(ink, move, (ink.shape[1], ink.shape[0]))
        _blend(under, np.asarray(shadow, np.uint8), (20, 20, 20) if float(luma(colour)) > 100 else (235, 235, 235), 0.5)


def _blend(under: Picture, ink: NDArray[np.uint8], colour: Colour, opacity: float) -> None:
    """Blend ink of a colour into the picture, in place."""
    alpha = ink.astype(np.float32)[..., None] * np.float32(opacity / 255)
    background = under.astype(np.float32)
    under[:] = np.round(background + (np.array(colour, np.float32) - background) * alpha)
