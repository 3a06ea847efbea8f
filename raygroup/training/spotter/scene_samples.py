"""Draw training samples from scenes: a part of a scene, at a random scale, turned and recoloured.

Every draw comes from a generator that the caller passes, so a sample depends on its key alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.images.pixels import Pixels
from raygroup.scenes.scene import Polygon
from raygroup.spotter_config import Samples

GROUND = 118
"""Gray value of the area outside a scene. It is about the mean of photographs."""


@dataclass(frozen=True)
class SceneSample:
    """A square part of a scene with the words that it shows."""

    pixels: Pixels
    """(side, side, 3), blue first."""
    polygons: tuple[Polygon, ...]
    """The words that touch the sample, in its pixels. They may reach beyond it."""
    numbers: tuple[int, ...]
    """The number of each of these words in its scene."""
    matrix: NDArray[np.float64]
    """It maps the scene's pixels to the sample's, (2, 3)."""


def draw_sample(pixels: Pixels, polygons: Sequence[Polygon], settings: Samples, random: np.random.Generator) -> SceneSample:
    """Draw a sample of a scene with these words."""
    cv2.setNumThreads(1)
    matrix = _draw_transform(pixels.shape[:2], polygons, settings, random)
    zoom = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    if zoom < 0.8:  # a warp alone would skip pixels
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.4 / zoom), np.uint8)
    size = (settings.side, settings.side)
    part = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(GROUND,) * 3)
    moved = [polygon @ matrix[:, :2].T + matrix[:, 2] for polygon in polygons]
    numbers = tuple(number for number, polygon in enumerate(moved) if _touches(polygon, settings.side))
    coloured = _recolour(np.asarray(part, np.float32), settings.variation, random)
    return SceneSample(coloured, tuple(moved[number] for number in numbers), numbers, matrix)


def _draw_transform(
    size: tuple[int, ...], polygons: Sequence[Polygon], settings: Samples, random: np.random.Generator
) -> NDArray[np.float64]:  # fmt: skip
    """Return the (2, 3) matrix that maps a scene's pixels to the sample's."""
    zoom = math.exp(random.uniform(math.log(settings.smallest_zoom), math.log(settings.largest_zoom)))
    angle = math.radians(random.normal(0, settings.rotation)) if random.random() < 0.5 else 0.0
    stretch = math.exp(random.normal(0, settings.stretch))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.diag([zoom * stretch, zoom / stretch])
    middle = settings.side / 2
    centre = _draw_centre(size, polygons, settings, zoom, random)
    return np.column_stack([linear, middle - linear @ centre])


def _draw_centre(
    size: tuple[int, ...], polygons: Sequence[Polygon], settings: Samples, zoom: float, random: np.random.Generator
) -> NDArray[np.float64]:  # fmt: skip
    """Return the point of the scene, (x, y), that lies in the middle of the sample."""
    limits = np.array(size[::-1], np.float64)
    centre = random.uniform(0, limits)
    if polygons and random.random() < settings.around_words:
        centre = polygons[int(random.integers(len(polygons)))].mean(0)
    centre = centre + random.uniform(-0.35, 0.35, 2) * settings.side / zoom
    # Little of the sample lies outside the scene.
    reach = np.minimum(settings.side / 2 / zoom, limits / 2)
    return np.clip(centre, reach, limits - reach)


def _touches(polygon: Polygon, side: int) -> bool:
    return bool((polygon.max(0) >= 1).all() and (polygon.min(0) <= side - 1).all())


def _recolour(values: NDArray[np.float32], strength: float, random: np.random.Generator) -> Pixels:
    """Change colours, light, sharpness and noise, and code the sample as JPEG now and then."""
    chances = random.random(6)
    chances[chances >= strength] = 1  # the weaker, the fewer changes
    if chances[0] < 0.3:
        values = 255 - values
    if chances[1] < 0.3:
        values = np.repeat(values.mean(2, keepdims=True), 3, 2).astype(np.float32)
    gain = 1 + strength * (random.uniform(0.6, 1.3) * random.uniform(0.85, 1.15, 3) - 1)
    values = (values - GROUND) * gain.astype(np.float32) + np.float32(GROUND + strength * random.normal(0, 25))
    if chances[2] < 0.3:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), random.uniform(0.4, 1.3)), np.float32)
    if chances[3] < 0.3:
        values += random.uniform(2, 14) * random.standard_normal((*values.shape[:2], 1), dtype=np.float32)
    coloured = np.clip(values, 0, 255).astype(np.uint8)
    if chances[4] < 0.3:
        coded = cv2.imencode(".jpg", coloured, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(25, 80))])[1]
        coloured = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return coloured
