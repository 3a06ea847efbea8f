"""Make pixels opaque, with eight bits a channel.

Transparent pixels get a ground on which the text shows. Deep channels keep their contrast.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.images.header import Header

_WHITE = 255.0


def opaque_pixels(content: bytes, header: Header) -> NDArray[np.uint8] | None:
    """Return the pixels of a transparent or deep image as stored, (h, w) or (h, w, 3), blue first.

    Returns None for an image that any decoder reads alike: one without transparent pixels and with
    eight bits a channel.
    """
    if not (header.has_alpha or header.may_be_deep):
        return None
    try:
        stored = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if stored is None or stored.shape[:2] != (header.height, header.width):
        return None
    colours, alpha = _split_alpha(stored, header)
    if alpha is None and stored.dtype == np.uint8:
        return None
    return on_ground(eight_bits(colours, alpha), alpha)


def eight_bits(colours: NDArray[np.generic], alpha: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Scale colours to values from 0 to 255.

    The range of a type is 0 to its largest value, or 0 to 1 for floats. Values that span less than
    half of it are stretched to their own range: scanners and renderers store 10 or 12 bits in 16.
    Transparent pixels do not count.
    """
    if colours.dtype == np.uint8:
        return colours.astype(np.float32)
    values = colours.astype(np.float64)
    counted = np.isfinite(values)
    if alpha is not None:
        counted &= (alpha > 0).reshape(alpha.shape + (1,) * (values.ndim - 2))
    low, high = (float(values[counted].min()), float(values[counted].max())) if counted.any() else (0.0, 0.0)
    full = float(np.iinfo(colours.dtype).max) if np.issubdtype(colours.dtype, np.integer) else 1.0
    is_in_range = low >= 0 and high <= full
    if low < high and not (is_in_range and high - low >= full / 2):
        values, full = values - low, high - low
    # 65535 / 257 is 255. Decoders drop the lower byte, and so does this for 16 bits.
    scaled = values / 256 if full == 65535 else values * (_WHITE / full)
    return np.clip(np.nan_to_num(scaled, posinf=_WHITE, neginf=0.0), 0, _WHITE).astype(np.float32)


def on_ground(colours: NDArray[np.float32], alpha: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """Lay colours on a ground that differs from what can be seen of them.

    ``alpha`` is the opacity of each pixel, from 0 to 1. The ground is white for dark text and black
    for light text.
    """
    if alpha is not None:
        opacity = alpha.reshape(alpha.shape + (1,) * (colours.ndim - 2))
        mean = float((colours * opacity).sum() / max(float(np.broadcast_to(opacity, colours.shape).sum()), 1e-9))
        ground = 0.0 if mean > _WHITE / 2 else _WHITE
        colours = colours * opacity + ground * (1 - opacity)
        return np.asarray(np.rint(colours), np.uint8)
    return np.asarray(colours, np.uint8)


def _split_alpha(stored: NDArray[np.generic], header: Header) -> tuple[NDArray[np.generic], NDArray[np.float32] | None]:
    """Return colours and opacity. The opacity is None if every pixel is opaque."""
    if stored.ndim == 2 or stored.shape[2] != 4:
        return stored, None
    colours, alpha = stored[..., :3], stored[..., 3]
    full = float(np.iinfo(alpha.dtype).max) if np.issubdtype(alpha.dtype, np.integer) else 1.0
    opacity = np.clip(alpha.astype(np.float32) / np.float32(full), 0, 1)
    return colours, opacity if header.has_alpha and (opacity < 1).any() else None
