"""Placed text becomes pixels: panels, colours that stand out from what is under them, outlines and shadows, then what a camera does."""

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.rendering.backgrounds import Colour, Picture, Random, colour
from raygroup.scenes.rendering.placing import Placed
from raygroup.scenes.scene import Polygon
from raygroup.words.rendering.variation import CONTRAST_FLOOR, LUMA

_FLOOR = CONTRAST_FLOOR + 15
"""Least difference in luma between a word and the mean of its ground, before ink lets some of the ground through and light falls."""
_BUSY = 28.0
"""Standard deviation of the luma of a ground that text needs an outline on."""
_FAINT = 0.13
"""Share of the ink of a faint word."""
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256)], np.float32)
"""Of 256 equally likely steps: noise by table."""


def paint(picture: Picture, placed: Placed, random: Random) -> None:
    """Writes the block into the picture."""
    if placed.room > 4 and random.random() < 0.75:
        _panel(picture, placed.area(), random)
    width, height = placed.warp.size
    under = picture[placed.y : placed.y + height, placed.x : placed.x + width]
    ink = placed.warp.warped(placed.block.ink)
    mean, spread = _ground(under, ink)
    shown = _standing_out(mean, _FLOOR + min(spread, 50.0), random)
    if placed.illegible == "blurred":
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), 0.16 * placed.block.em + 1), np.uint8)
    elif placed.illegible is None:
        _around(under, ink, placed, shown, spread, random)
    _lay(under, ink, shown, _FAINT if placed.illegible == "faint" else float(random.uniform(0.85, 1)))


def photographed(picture: Picture, random: Random) -> Picture:
    """Light that falls unevenly, blur and noise."""
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
    """Of RGB in the last axis, 0 to 255."""
    return np.asarray(pixels, np.float32) @ LUMA


def _panel(picture: Picture, area: Polygon, random: Random) -> None:
    """A sign under the block, often with a rim."""
    corners = [np.round(area * 8).astype(np.int32)]
    cv2.fillPoly(picture, corners, colour(random), cv2.LINE_AA, 3)
    if random.random() < 0.4:
        cv2.polylines(picture, corners, True, colour(random), int(random.integers(1, 3)), cv2.LINE_AA, 3)


def _ground(under: Picture, ink: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation of the luma under the ink."""
    gray = cv2.cvtColor(under, cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(gray, mask=ink)
    return float(mean[0, 0]), float(spread[0, 0])


def _standing_out(from_luma: float, floor: float, random: Random) -> Colour:
    """A colour whose luma differs by the floor at least; where chance finds none, black or white."""
    for _ in range(12):
        tried = colour(random)
        if abs(float(luma(tried)) - from_luma) > floor:
            return tried
    return (0, 0, 0) if from_luma > 127 else (255, 255, 255)


def _around(under: Picture, ink: NDArray[np.uint8], placed: Placed, shown: Colour, spread: float, random: Random) -> None:
    """An outline or a shadow under the ink: always on a busy ground, else now and then."""
    chance, reach = random.random(), max(placed.block.em // 16, 1)
    if spread > _BUSY or (chance < 0.1 and placed.block.em > 18):
        grown = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        _lay(under, np.asarray(grown, np.uint8), _standing_out(float(luma(shown)), 1.5 * _FLOOR, random), 1.0)
    elif chance < 0.25:
        move = np.array([[1, 0, reach], [0, 1, reach]], np.float32)
        cast = cv2.warpAffine(ink, move, (ink.shape[1], ink.shape[0]))
        _lay(under, np.asarray(cast, np.uint8), (20, 20, 20) if float(luma(shown)) > 100 else (235, 235, 235), 0.5)


def _lay(under: Picture, ink: NDArray[np.uint8], shown: Colour, share: float) -> None:
    """Ink in a colour over what is there; ``share`` is how much of it covers."""
    cover = ink.astype(np.float32)[..., None] * np.float32(share / 255)
    ground = under.astype(np.float32)
    under[:] = np.round(ground + (np.array(shown, np.float32) - ground) * cover)
