"""Make pixels opaque, with eight bits a channel.

Transparent pixels get a ground on which the text shows. Deep channels keep their contrast.
"""

import io
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raygroup.images.header import Header

_WHITE = 255.0
_PIXELS_PER_BLOCK = 1 << 20
"""Pixels that are converted at a time, so that floats of a whole photograph are never in memory."""


def opaque_pixels(content: bytes, header: Header) -> NDArray[np.uint8] | None:
    """Return the pixels of a transparent or deep image as stored, (h, w) or (h, w, 3), blue first.

    Returns None for an image that any decoder reads alike: one without transparent pixels and with
    eight bits a channel.
    """
    if not (header.has_alpha or header.may_be_deep):
        return None
    stored = _stored_pixels(content, header.kind)
    if stored is None or stored.shape[:2] != (header.height, header.width):
        return None
    has_alpha = stored.ndim == 3 and stored.shape[2] == 4
    alpha = stored[..., 3] if has_alpha and header.has_alpha and (stored[..., 3] < _full(stored)).any() else None
    if alpha is None and stored.dtype == np.uint8:
        return None
    return make_opaque(stored[..., :3] if has_alpha else stored, alpha)


def _stored_pixels(content: bytes, kind: str) -> NDArray[Any] | None:
    """Return the pixels with their opacity, blue first, or None. OpenCV 4.11 loses the opacity of GIFs."""
    try:
        if kind == "GIF":
            with Image.open(io.BytesIO(content), formats=[kind]) as image:
                return np.asarray(image.convert("RGBA"), np.uint8)[..., [2, 1, 0, 3]]
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except (cv2.error, OSError, SyntaxError, ValueError):
        return None


def make_opaque(colours: NDArray[Any], alpha: NDArray[Any] | None = None) -> NDArray[np.uint8]:
    """Lay colours on a ground that differs from what can be seen of them, in eight bits.

    ``alpha`` is the opacity of each pixel, in the type of the colours. The ground is white for dark
    text and black for light text. Deep values that span less than half of their type's range are
    stretched to their own: scanners and renderers store 10 or 12 bits in 16, and floats of any range.
    """
    low, scale = _scaling(colours, alpha)
    ground = 0.0 if alpha is not None and _visible_mean(colours, alpha, low, scale) > _WHITE / 2 else _WHITE
    pixels = np.empty(colours.shape, np.uint8)
    for block in _row_blocks(colours):
        values = _scaled(colours[block], low, scale)
        if alpha is not None:
            opacity = _opacity(alpha[block], values.ndim)
            values = np.rint(values * opacity + ground * (1 - opacity))
        pixels[block] = values
    return pixels


def _scaling(colours: NDArray[Any], alpha: NDArray[Any] | None) -> tuple[float, float]:
    """Return the value that becomes 0, and the factor that brings the others to 0 to 255."""
    full = _full(colours)
    # Decoders drop the lower byte of 16 bits. This factor does the same.
    usual = 1 / 256 if full == 65535 else _WHITE / full
    if colours.dtype == np.uint8:
        return 0.0, usual
    low, high = np.inf, -np.inf
    for block in _row_blocks(colours):
        values = colours[block] if alpha is None else colours[block][alpha[block] > 0]
        values = values[np.isfinite(values)].astype(np.float64)
        low, high = min(low, float(values.min(initial=np.inf))), max(high, float(values.max(initial=-np.inf)))
    fills_range = low >= 0 and high <= full and high - low >= full / 2
    return (0.0, usual) if fills_range or low >= high else (low, _WHITE / (high - low))


def _visible_mean(colours: NDArray[Any], alpha: NDArray[Any], low: float, scale: float) -> float:
    total, weight = 0.0, 0.0
    for block in _row_blocks(colours):
        values = _scaled(colours[block], low, scale)
        opacity = np.broadcast_to(_opacity(alpha[block], values.ndim), values.shape)
        total, weight = total + float((values * opacity).sum()), weight + float(opacity.sum())
    return total / weight if weight else 0.0


def _scaled(values: NDArray[Any], low: float, scale: float) -> NDArray[np.float64]:
    scaled = (values.astype(np.float64) - low) * scale
    return np.clip(np.nan_to_num(scaled, nan=0.0, posinf=_WHITE, neginf=0.0), 0, _WHITE)


def _opacity(alpha: NDArray[Any], num_axes: int) -> NDArray[np.float64]:
    """Return opacities from 0 to 1 that fit the axes of colours."""
    opacity = np.clip(alpha.astype(np.float64) / _full(alpha), 0, 1)
    return opacity.reshape(opacity.shape + (1,) * (num_axes - 2))


def _full(values: NDArray[Any]) -> float:
    """Return the largest value of an integer type, or 1 for floats."""
    return float(np.iinfo(values.dtype).max) if np.issubdtype(values.dtype, np.integer) else 1.0


def _row_blocks(pixels: NDArray[Any]) -> Iterator[slice]:
    rows = max(_PIXELS_PER_BLOCK // max(pixels.shape[1], 1), 1)
    return (slice(start, start + rows) for start in range(0, len(pixels), rows))
