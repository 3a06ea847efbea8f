"""Scene-like variation: a word's ink becomes a crop as a camera might see it. All draws come from the given generator."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
CONTRAST_FLOOR = 45
"""Least difference in luma, of 255, between the colours of ink and ground; ink then lets up to a quarter of the ground through."""


def scene(
    ink: NDArray[np.uint8], random: np.random.Generator, *, height: int = 32, width: int = 96, strength: float = 0.6, gray: bool = True
) -> NDArray[np.uint8]:
    """A crop (height, at most width) or (height, at most width, 3), uint8: perspective, colours, gradient, texture, shadow, blur, noise
    and JPEG, each stronger and more frequent with ``strength`` (0 gives plain ink on a plain ground)."""
    cv2.setNumThreads(1)
    mask = _warped(_padded(ink, random, strength), random, height, width, strength)
    dark, ground = _colours(random)
    second = np.clip(ground + random.normal(0, 25 * strength, 3), 0, 255).astype(np.float32)
    shade = random.integers(0, 256, 3).astype(np.float32)
    if gray:
        dark, ground, second, shade = (np.atleast_1d(colour @ LUMA) for colour in (dark, ground, second, shade))
    picture = _ground(mask.shape, ground, second, random, strength)
    if random.random() < 0.25 * strength:
        picture = _shadowed(picture, mask, ground, shade, random)
    picture += (dark - picture) * (mask * np.float32(random.uniform(0.75, 1)))[..., None]
    return _photographed(picture, random, strength)


def _padded(ink: NDArray[np.uint8], random: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    high = ink.shape[0]
    top, bottom = (int(high * share) for share in random.uniform(0.05, 0.1 + 0.15 * strength, 2))
    left, right = (int(high * share) for share in random.uniform(0.05, 0.1 + 0.3 * strength, 2))
    return cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)  # type: ignore[return-value]


def _warped(mask: NDArray[np.uint8], random: np.random.Generator, height: int, width: int, strength: float) -> Image:
    """Perspective, shear and rotation, scaled to the crop's height; values 0 to 1."""
    high, wide = mask.shape
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    jitter = random.uniform(-0.08, 0.08, (4, 2)) * strength * high
    shear = random.uniform(-0.25, 0.25) * strength * high
    turn = random.uniform(-0.08, 0.08) * strength * min(wide, 3 * high) * 0.5
    moved = corners + (jitter + [[shear, -turn], [shear, turn], [-shear, turn], [-shear, -turn]]).astype(np.float32)
    moved -= moved.min(0)
    full_width, full_height = moved.max(0) + 1
    scale = height / full_height
    out_width = int(np.clip(round(full_width * scale * random.uniform(1 - 0.25 * strength, 1 + 0.25 * strength)), 8, width))
    moved = moved * np.array([out_width / full_width, scale], np.float32)
    if scale < 0.8:
        mask = cv2.GaussianBlur(mask, (0, 0), 0.4 / scale)  # type: ignore[assignment]
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(mask, matrix, (out_width, height), flags=cv2.INTER_LINEAR).astype(np.float32) / np.float32(255)


def _colours(random: np.random.Generator) -> tuple[Image, Image]:
    while True:
        dark, ground = random.integers(0, 256, (2, 3)).astype(np.float32)
        if abs(dark @ LUMA - ground @ LUMA) > CONTRAST_FLOOR:
            return dark, ground


def _ground(shape: tuple[int, ...], colour: Image, second: Image, random: np.random.Generator, strength: float) -> Image:
    """A linear gradient between two colours and, sometimes, low-frequency texture: (height, width, channels)."""
    high, wide = shape
    across, down = random.uniform(-1, 1, 2).astype(np.float32)
    slope = np.linspace(0, across, wide, dtype=np.float32)[None, :] + np.linspace(0, down, high, dtype=np.float32)[:, None]
    picture = colour + (second - colour) * slope[..., None]
    if random.random() < 0.5 * strength:
        cells = random.standard_normal((int(random.integers(2, 8)), int(random.integers(2, 12))), dtype=np.float32)
        texture = cv2.resize(cells * np.float32(22 * strength), (wide, high), interpolation=cv2.INTER_CUBIC)
        picture += texture[..., None]
    return picture


def _shadowed(picture: Image, mask: Image, ground: Image, shade: Image, random: np.random.Generator) -> Image:
    grown = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    move = np.array([[1, 0, random.integers(-2, 3)], [0, 1, random.integers(-2, 3)]], np.float32)
    cast = cv2.warpAffine(grown, move, (mask.shape[1], mask.shape[0]))
    return picture + ((shade + ground) / 2 - picture) * (cast * np.float32(0.6))[..., None]


def _photographed(picture: Image, random: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    """Blur, motion, noise and JPEG, in the order a camera adds them."""
    chance = random.random()
    if chance < 0.35 * strength:
        picture = _kept(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.1)), picture)
    elif chance < 0.45 * strength:
        length = int(random.integers(2, 5))
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        picture = _kept(cv2.filter2D(picture, -1, kernel if random.random() < 0.5 else kernel.T), picture)
    if random.random() < 0.6 * strength:
        picture = picture + np.float32(random.uniform(1, 1 + 9 * strength)) * random.standard_normal(picture.shape, dtype=np.float32)
    finished = np.clip(picture, 0, 255).astype(np.uint8)
    if finished.shape[2] == 1:
        finished = finished[..., 0]
    if random.random() < 0.3 * strength:
        quality = int(random.integers(35, 90))
        coded = cv2.imencode(".jpg", finished, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        finished = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)  # type: ignore[assignment]
    return finished


def _kept(filtered: NDArray[Any], like: Image) -> Image:
    """OpenCV drops a channel axis of length one; this puts it back."""
    return np.asarray(filtered, np.float32).reshape(like.shape)
