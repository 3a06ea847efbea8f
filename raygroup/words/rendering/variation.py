"""Turn a word's ink into a crop as from a camera.

All draws come from the generator that the caller passes.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.words.rendering.photographs import busy_ground, expose, frame

Image = NDArray[np.float32]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
CONTRAST_FLOOR = 45
"""Least difference in luma, out of 255, between the colours of ink and ground.

After that, up to a quarter of the ground shows through the ink.
"""


def camera_crop(
    ink: NDArray[np.uint8], random: np.random.Generator, *, height: int = 32, width: int = 96, strength: float = 0.6, gray: bool = True,
    photographs: float = 0.0,
) -> NDArray[np.uint8]:  # fmt: skip
    """Return a crop of the ink as a camera might see it.

    The crop is uint8, (height, w) or (height, w, 3), with w at most ``width``. It varies in
    perspective, colours, gradient, texture, shadow, blur, noise and JPEG quality. Each is stronger
    or more frequent with a higher ``strength``. A strength of 0 gives plain ink on a plain ground.
    ``photographs`` is the share of crops that look cut out of a photograph too.
    """
    cv2.setNumThreads(1)
    # A share of 0 draws nothing, so that older renderings keep their pixels.
    is_photograph = photographs > 0 and random.random() < photographs
    padded = frame(ink, random) if is_photograph else _pad(ink, random, strength)
    mask = _warp(padded, random, height, width, strength)
    ink_colour, ground = _draw_colours(random)
    second = np.clip(ground + random.normal(0, 25 * strength, 3), 0, 255).astype(np.float32)
    shade = random.integers(0, 256, 3).astype(np.float32)
    # All colours are drawn in RGB, so that gray and coloured crops use the same draws.
    if gray:
        ink_colour, ground, second, shade = (np.atleast_1d(colour @ LUMA) for colour in (ink_colour, ground, second, shade))
    picture = _draw_ground(mask.shape, ground, second, random, strength)
    if is_photograph:
        picture = busy_ground(picture, random)
    if random.random() < 0.25 * strength:
        picture = _cast_shadow(picture, mask, ground, shade, random)
    picture += (ink_colour - picture) * (mask * np.float32(random.uniform(0.75, 1)))[..., None]
    if is_photograph:
        picture = expose(picture, random)
    return _photograph(picture, random, strength)


def _pad(ink: NDArray[np.uint8], random: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    height = ink.shape[0]
    top, bottom = (int(height * share) for share in random.uniform(0.05, 0.1 + 0.15 * strength, 2))
    left, right = (int(height * share) for share in random.uniform(0.05, 0.1 + 0.3 * strength, 2))
    return cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)  # type: ignore[return-value]


def _warp(mask: NDArray[np.uint8], random: np.random.Generator, height: int, width: int, strength: float) -> Image:
    """Shear, rotate and tilt a mask.

    The result has the height of the crop, and values from 0 to 1.
    """
    mask_height, mask_width = mask.shape
    corners = np.array([[0, 0], [mask_width, 0], [mask_width, mask_height], [0, mask_height]], np.float32)
    jitter = random.uniform(-0.08, 0.08, (4, 2)) * strength * mask_height
    shear = random.uniform(-0.25, 0.25) * strength * mask_height
    turn = random.uniform(-0.08, 0.08) * strength * min(mask_width, 3 * mask_height) * 0.5
    target = corners + (jitter + [[shear, -turn], [shear, turn], [-shear, turn], [-shear, -turn]]).astype(np.float32)
    # The crop encloses all four corners, so no ink is cut off.
    target -= target.min(0)
    full_width, full_height = target.max(0) + 1
    scale = height / full_height
    out_width = int(np.clip(round(full_width * scale * random.uniform(1 - 0.25 * strength, 1 + 0.25 * strength)), 8, width))
    target = target * np.array([out_width / full_width, scale], np.float32)
    # Blur before shrinking: sampling alone would break thin strokes.
    if scale < 0.8:
        mask = cv2.GaussianBlur(mask, (0, 0), 0.4 / scale)  # type: ignore[assignment]
    matrix = cv2.getPerspectiveTransform(corners, target)
    return cv2.warpPerspective(mask, matrix, (out_width, height), flags=cv2.INTER_LINEAR).astype(np.float32) / np.float32(255)


def _draw_colours(random: np.random.Generator) -> tuple[Image, Image]:
    """Draw colours of ink and ground that differ enough in luma."""
    while True:
        ink_colour, ground = random.integers(0, 256, (2, 3)).astype(np.float32)
        if abs(ink_colour @ LUMA - ground @ LUMA) > CONTRAST_FLOOR:
            return ink_colour, ground


def _draw_ground(shape: tuple[int, ...], colour: Image, second: Image, random: np.random.Generator, strength: float) -> Image:
    """Return a linear gradient between two colours, (height, width, channels).

    Sometimes a coarse texture is added.
    """
    height, width = shape
    across, down = random.uniform(-1, 1, 2).astype(np.float32)
    slope = np.linspace(0, across, width, dtype=np.float32)[None, :] + np.linspace(0, down, height, dtype=np.float32)[:, None]
    picture = colour + (second - colour) * slope[..., None]
    if random.random() < 0.5 * strength:
        cells = random.standard_normal((int(random.integers(2, 8)), int(random.integers(2, 12))), dtype=np.float32)
        texture = cv2.resize(cells * np.float32(22 * strength), (width, height), interpolation=cv2.INTER_CUBIC)
        picture += texture[..., None]
    return picture


def _cast_shadow(picture: Image, mask: Image, ground: Image, shade: Image, random: np.random.Generator) -> Image:
    """Tint the ground under a thicker, shifted copy of the ink."""
    thick = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    shift = np.array([[1, 0, random.integers(-2, 3)], [0, 1, random.integers(-2, 3)]], np.float32)
    shadow = cv2.warpAffine(thick, shift, (mask.shape[1], mask.shape[0]))
    return picture + ((shade + ground) / 2 - picture) * (shadow * np.float32(0.6))[..., None]


def _photograph(picture: Image, random: np.random.Generator, strength: float) -> NDArray[np.uint8]:
    """Add blur, noise and JPEG artefacts in a camera's order.

    The blur may be that of motion.
    """
    chance = random.random()
    if chance < 0.35 * strength:
        picture = _restore_channels(cv2.GaussianBlur(picture, (0, 0), random.uniform(0.4, 1.1)), picture)
    elif chance < 0.45 * strength:
        length = int(random.integers(2, 5))
        kernel = np.zeros((length, length), np.float32)
        kernel[length // 2] = 1 / length
        picture = _restore_channels(cv2.filter2D(picture, -1, kernel if random.random() < 0.5 else kernel.T), picture)
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


def _restore_channels(filtered: NDArray[Any], like: Image) -> Image:
    """Restore a channel axis of length one, which OpenCV drops."""
    return np.asarray(filtered, np.float32).reshape(like.shape)
