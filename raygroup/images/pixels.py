"""Decode images.

Scenes are read in colour as they are stored, because polygons refer to the stored pixels. Words are
read in gray and turned as their EXIF data says.
"""

import io
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raygroup.errors import ImageError
from raygroup.images.header import KINDS, Header, error_text, read_header
from raygroup.images.opaque import opaque_pixels

Pixels = NDArray[np.uint8]
"""(height, width, 3), blue first."""
Gray = NDArray[np.uint8]
"""(height, width)."""

_END_OF_JPEG = b"\xff\xd9"
_SILENT = 0
_set_log_level = cv2.utils.logging.setLogLevel if hasattr(cv2.utils, "logging") else cv2.setLogLevel  # type: ignore[attr-defined]
"""OpenCV 5 has moved this function."""


def decode(content: bytes, header: Header | None = None) -> Pixels:
    """Return the stored pixels in colour, with eight bits a channel.

    Of an animation it returns the first frame. Raises ImageError for an image that cannot be read
    completely. ``header`` saves reading the header again.
    """
    header = header or read_header(content)
    if header.kind == "JPEG" and _END_OF_JPEG not in content[-1024:]:
        _require_complete(content)
    opaque = opaque_pixels(content, header)
    if opaque is not None:
        return opaque if opaque.ndim == 3 else np.asarray(cv2.cvtColor(opaque, cv2.COLOR_GRAY2BGR), np.uint8)
    pixels = _decode_with_opencv(content, header, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        pixels = _decode_with_pillow(content)
    return pixels


def decode_gray(content: bytes) -> Gray:
    """Return the gray pixels of a word.

    The image is turned as its EXIF data says. Raises ImageError with the reason if it cannot be
    read.
    """
    header = read_header(content)
    opaque = opaque_pixels(content, header)
    if opaque is not None:
        gray = opaque if opaque.ndim == 2 else to_gray(opaque)
        return turn_upright(gray, header.orientation)
    pixels = _decode_with_opencv(content, header, cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        colours = _decode_with_pillow(content)
        return turn_upright(to_gray(colours), header.orientation)
    return pixels


def to_gray(colours: Pixels) -> Gray:
    """Return the gray values of colours, blue first."""
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY), np.uint8)


def _decode_with_opencv(content: bytes, header: Header, flags: int) -> NDArray[np.uint8] | None:
    _set_log_level(_SILENT)  # the error has the text that OpenCV would print
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f"{header.kind} of {header.width} x {header.height} pixels cannot be decoded: {error_text(error)}") from error
    return None if pixels is None else np.asarray(pixels, np.uint8)


def _require_complete(content: bytes) -> None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception as error:
        raise ImageError(f"JPEG without an end: {error_text(error)}") from error


def _decode_with_pillow(content: bytes) -> Pixels:
    """Decode an image that OpenCV cannot read, for example some GIFs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=KINDS) as image:
                return np.asarray(image.convert("RGB"), np.uint8)[..., ::-1]
    except Exception as error:
        raise ImageError(f"cannot be decoded: {error_text(error)}") from error


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn stored pixels, gray or in colour, as the EXIF orientation says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def turn_points_upright(points: NDArray[np.float64], header: Header) -> NDArray[np.float64]:
    """Map points (..., 2) of the stored pixels to the image that ``turn_upright`` returns."""
    width, height, orientation = header.width, header.height, header.orientation
    if orientation in (5, 6, 7, 8):
        points, width, height = points[..., ::-1], height, width
    x, y = points[..., 0], points[..., 1]
    return np.stack([width - x if orientation in (2, 3, 6, 7) else x, height - y if orientation in (3, 4, 7, 8) else y], axis=-1)
