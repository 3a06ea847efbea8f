"""Make backgrounds of rendered scenes.

They are drawn surfaces and streets, or parts of the user's images. Pictures are RGB, (height,
width, 3), uint8.
"""

import colorsys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError, ImageError, UnreadableFileError
from raygroup.images.pixels import decode
from raygroup.scenes.archives.bounded_reading import read_bounded, read_errors_as_unreadable
from raygroup.scenes.collection import IMAGE_SUFFIXES

Picture = NDArray[np.uint8]
Random = np.random.Generator
Colour = tuple[int, int, int]


def make_background(width: int, height: int, random: Random, folder: Path | None = None) -> Picture:
    """Draw a background, or take it from an image.

    With a folder, it is a part of one of the folder's images. Raises ConfigError if the folder has
    no images or an image cannot be read.
    """
    if folder is not None:
        return _cut_out(folder, width, height, random)
    kinds: tuple[Callable[[int, int, Random], Picture], ...] = (_gradient, _plaster, _planks, _bricks, _clutter, _street)
    return kinds[int(random.integers(len(kinds)))](width, height, random)


def random_colour(random: Random, least: float = 0.0, most: float = 1.0) -> Colour:
    """Return a mostly muted colour, like those of surfaces.

    Its brightness is between ``least`` and ``most``, 0 to 1.
    """
    hue, saturation, value = random.random(3)
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation**1.6 * 0.85, least + (most - least) * value)
    return int(255 * red), int(255 * green), int(255 * blue)


def image_files(folder: Path) -> tuple[Path, ...]:
    """Return every image below a folder, sorted by path.

    Raises ConfigError if there is none, or if one is a pipe or a device.
    """
    images = _images_below(folder) if folder.is_dir() else ()
    if not images:
        reason = "no image in this folder" if folder.is_dir() else "no such folder"
        raise ConfigError(f"--backgrounds {folder}: {reason}: give a folder with images")
    return images


def _images_below(folder: Path) -> tuple[Path, ...]:
    images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES and not path.is_dir())
    for path in images:
        if not path.is_file():
            raise ConfigError(f"--backgrounds {path}: is no file, must be an image")
    return tuple(images)


def _gradient(width: int, height: int, random: Random) -> Picture:
    """Draw one to nine colours that blend into each other."""
    first = np.array(random_colour(random))
    cells = first + random.normal(0, random.uniform(10, 70), (*random.integers(1, 4, 2).tolist(), 3))
    picture = _enlarge(np.clip(cells, 0, 255).astype(np.uint8), width, height)
    if random.random() < 0.5:
        return picture
    grain = np.clip(_noise_field(width, height, random, (2.0, 2.0)) * np.float32(random.uniform(2, 12)) + 128, 0, 255).astype(np.uint8)
    return np.asarray(cv2.addWeighted(picture, 1, cv2.merge([_enlarge(grain, width, height)] * 3), 0.5, -64), np.uint8)


def _plaster(width: int, height: int, random: Random) -> Picture:
    """Draw clouds of several sizes: walls, stone, asphalt, paper."""
    return _colour_field(_noise_field(width, height, random, (1.0, 1.0)), width, height, random)


def _planks(width: int, height: int, random: Random) -> Picture:
    """Draw clouds stretched in one direction: wood, brushed metal, water."""
    stretch = (0.08, 2.0) if random.random() < 0.5 else (2.0, 0.08)
    picture = _colour_field(_noise_field(width, height, random, stretch), width, height, random)
    if random.random() < 0.5:
        step, seam = int(random.integers(height // 8 + 1, height // 3 + 2)), tuple(int(part * 0.6) for part in picture.mean((0, 1)))
        for place in range(step, width if stretch[0] > 1 else height, step):
            ends = ((place, 0), (place, height)) if stretch[0] > 1 else ((0, place), (width, place))
            cv2.line(picture, *ends, seam, int(random.integers(1, 4)))
    return picture


def _bricks(width: int, height: int, random: Random) -> Picture:
    """Draw bricks, tiles or panes in rows."""
    mortar, brick = random_colour(random, 0.2, 0.9), np.array(random_colour(random, 0.2, 0.95))
    picture = np.full((height, width, 3), mortar, np.uint8)
    high = int(random.integers(max(height // 20, 8), max(height // 5, 10)))
    wide, gap = int(high * random.uniform(1, 2.6)), int(random.integers(1, 4))
    shifted, spread = random.random() < 0.6, random.uniform(2, 18)
    rows, columns = height // high + 1, width // wide + 2
    shades = np.clip(brick + random.normal(0, spread, (rows, columns, 1)) + random.normal(0, 3, (rows, columns, 3)), 0, 255)
    for row in range(rows):
        left = -(wide // 2) * (shifted * row % 2)
        for column in range(columns):
            x, y = left + column * wide, row * high
            cv2.rectangle(picture, (x, y), (x + wide - gap - 1, y + high - gap - 1), shades[row, column].astype(int).tolist(), -1)
    return picture


def _clutter(width: int, height: int, random: Random) -> Picture:
    """Draw blurred shapes on a gradient."""
    picture = _gradient(width, height, random)
    for _ in range(int(random.integers(6, 30))):
        x, y = int(random.integers(width)), int(random.integers(height))
        size = random.integers(8, max(min(width, height) // 3, 10), 2).tolist()
        if random.random() < 0.5:
            cv2.ellipse(picture, (x, y), size, float(random.uniform(0, 180)), 0, 360, random_colour(random), -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints(((x, y), size, float(random.uniform(0, 90)))).astype(np.int32)
            cv2.fillPoly(picture, [corners], random_colour(random), cv2.LINE_AA)
    blurred = cv2.resize(cv2.GaussianBlur(_reduce(picture), (0, 0), random.uniform(0.3, 2)), (width, height))
    return np.asarray(blurred, np.uint8)


def _street(width: int, height: int, random: Random) -> Picture:
    """Draw sky, houses with rows of windows, and a road."""
    sky = np.array([random_colour(random, 0.5, 1.0), random_colour(random, 0.6, 1.0)], np.uint8)[:, None]
    picture = _enlarge(sky, width, height)
    road = int(height * random.uniform(0.75, 0.95))
    left = -int(random.integers(width // 6 + 1))
    while left < width:
        right, roof = left + int(width * random.uniform(0.15, 0.45)), int(height * random.uniform(0.02, 0.45))
        cv2.rectangle(picture, (left, roof), (right, road), random_colour(random, 0.2, 0.9), -1)
        pane, step = random_colour(random, 0.1, 0.9), int(random.integers(max(height // 14, 6), max(height // 6, 8)))
        for y in range(roof + step // 2, road - step // 2, step):
            for x in range(left + step // 3, right - step // 2, step):
                cv2.rectangle(picture, (x, y), (x + step // 2, y + int(step * 0.6)), pane, -1)
        left = right
    cv2.rectangle(picture, (0, road), (width, height), random_colour(random, 0.2, 0.6), -1)
    return picture


def _cut_out(folder: Path, width: int, height: int, random: Random) -> Picture:
    """Cut a part out of a random image and scale it.

    The part has the scene's shape. It has 60 to 100 % of the largest possible width and height.
    """
    files = _files(folder)
    path = files[int(random.integers(len(files)))]
    try:
        with read_errors_as_unreadable(), path.open("rb") as file:
            pixels = cv2.cvtColor(decode(read_bounded(file)), cv2.COLOR_BGR2RGB)
    except (UnreadableFileError, ImageError) as error:
        raise ConfigError(f"--backgrounds {path}: cannot be read as an image: {error}") from error
    high, wide = pixels.shape[:2]
    scale = min(wide / width, high / height) * random.uniform(0.6, 1)
    size = max(int(width * scale), 1), max(int(height * scale), 1)
    x, y = (int(part) for part in random.integers((0, 0), (wide - size[0] + 1, high - size[1] + 1)))
    interpolation = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels[y : y + size[1], x : x + size[0]], (width, height), interpolation=interpolation), np.uint8)


@lru_cache(4)
def _files(folder: Path) -> tuple[Path, ...]:
    return image_files(folder)


def _noise_field(width: int, height: int, random: Random, stretch: tuple[float, float]) -> NDArray[np.float32]:
    """Return noise of several wavelengths with mean 0.

    It has a quarter of the width and height.
    """
    size = max(width // 4, 1), max(height // 4, 1)
    field = np.zeros(size[::-1], np.float32)
    strength = np.float32(1)
    for cells in (3, 8, 24, 72):
        across, down = (int(np.clip(cells * part, 2, most)) for part, most in zip(stretch, size, strict=True))
        field += strength * cv2.resize(random.standard_normal((down, across), dtype=np.float32), size, interpolation=cv2.INTER_CUBIC)
        strength *= np.float32(random.uniform(0.3, 0.9))
    return field


def _colour_field(field: NDArray[np.float32], width: int, height: int, random: Random) -> Picture:
    """Blend two colours by a field, in full size."""
    first = np.array(random_colour(random), np.float32)
    second = np.clip(first + random.normal(0, 40, 3) * random.uniform(0.3, 1), 0, 255).astype(np.float32)
    spread = np.float32(2 * max(float(field.std()), 1e-3))
    share = np.clip(field / spread, -1, 1)[..., None] / 2 + np.float32(0.5)
    mixed = (first + (second - first) * share).astype(np.uint8)
    return _enlarge(mixed, width, height)


def _reduce(picture: Picture) -> Picture:
    size = max(picture.shape[1] // 4, 1), max(picture.shape[0] // 4, 1)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _enlarge(cells: Picture, width: int, height: int) -> Picture:
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
