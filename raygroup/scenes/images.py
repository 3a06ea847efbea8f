"""Read images: their headers, and their pixels as they are stored.

Polygons refer to the stored pixels, so a rotation in EXIF is not applied. The number of pixels is
limited.
"""

import io
import warnings
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raygroup.errors import ImageError

Pixels = NDArray[np.uint8]
"""(height, width, 3), blue first."""

MAX_PIXELS = 100_000_000
"""Pixels of one image: 300 MB decoded.

The largest photographs of Table 1's data sets have 25 million.
"""
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_END_OF_JPEG = b"\xff\xd9"
_ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Header:
    """The size and the kind of an image."""

    width: int
    height: int
    kind: str
    """JPEG, PNG, ...: from the bytes, not from the name of the file."""
    remark: str = ""
    """A note for the user: several frames, or a rotation in EXIF."""


def read_header(content: bytes) -> Header:
    """Read the header of an encoded image.

    Raises ImageError for bytes that are no image, and for images of more than ``MAX_PIXELS``.
    """
    if not content:
        raise ImageError("the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                header = Header(image.width, image.height, str(image.format), _remark(image))
    except Image.DecompressionBombError as error:
        raise ImageError(f"too many pixels, at most {MAX_PIXELS // 1_000_000} million are read: {_error_text(error)}") from error
    except Exception as error:  # a broken header can make Pillow raise anything
        raise ImageError(f"not an image in a supported format ({', '.join(_FORMATS)}): {_error_text(error)}") from error
    if header.width * header.height > MAX_PIXELS:
        raise ImageError(f"{header.width} x {header.height} pixels: at most {MAX_PIXELS // 1_000_000} million are read")
    return header


def decode(content: bytes, header: Header | None = None) -> Pixels:
    """Return the stored pixels in colour, with eight bits a channel.

    Of an animation it returns the first frame. Raises ImageError for an image that cannot be read
    completely. ``header`` saves reading the header again.
    """
    header = header or read_header(content)
    if header.kind == "JPEG" and _END_OF_JPEG not in content[-1024:]:
        _require_complete(content)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the error has the text that OpenCV would print
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError(f"{header.kind} of {header.width} x {header.height} pixels cannot be decoded: {_error_text(error)}") from error
    if pixels is None or pixels.shape[:2] != (header.height, header.width):
        pixels = _decode_with_pillow(content)
    return np.asarray(pixels, np.uint8)


def _require_complete(content: bytes) -> None:
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
    except Exception as error:
        raise ImageError(f"JPEG without an end: {_error_text(error)}") from error


def _decode_with_pillow(content: bytes) -> Pixels:
    """Decode an image that OpenCV cannot read, for example some GIFs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                return np.asarray(image.convert("RGB"), np.uint8)[..., ::-1]
    except Exception as error:
        raise ImageError(f"cannot be decoded: {_error_text(error)}") from error


def _remark(image: Image.Image) -> str:
    frames = getattr(image, "n_frames", 1)
    remarks = [f"{frames} frames, the first is taken"] if frames > 1 else []
    if image.format == "JPEG" and b"Exif" not in image.info.get("exif", b"")[:4]:
        return "; ".join(remarks)
    orientation = image.getexif().get(_ORIENTATION, 1)
    if orientation not in (0, 1):
        remarks.append(f"EXIF orientation {orientation}, not applied: polygons refer to the stored pixels")
    return "; ".join(remarks)


def _error_text(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
