"""Read photographs as the spotter needs them: red first, with eight bits a channel."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ImageError
from raygroup.images.header import Header, frames_remark, read_header
from raygroup.images.pixels import decode, turn_upright

Photograph = NDArray[np.uint8]
"""(height, width, 3), red first."""


def read_photograph(path: Path, *, upright: bool = True, remark: Callable[[str], None] = lambda line: None) -> Photograph:
    """Read an image file.

    ``upright`` turns it as its EXIF data says. Polygons of data sets refer to the stored pixels, so
    scoring reads without turning. ``remark`` is called with a line about frames that are left out.
    Raises ImageError with the path and the reason.
    """
    try:
        content = path.read_bytes()
        header = read_header(content)
        if header.frames > 1:
            remark(f"{path}: {frames_remark(header.frames)}")
        return _decode(content, header, upright)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def decode_photograph(content: bytes, *, upright: bool = True) -> Photograph:
    """Decode an image. Transparent pixels get a ground, and deep channels keep their contrast."""
    return _decode(content, read_header(content), upright)


def _decode(content: bytes, header: Header, upright: bool) -> Photograph:
    pixels = np.asarray(cv2.cvtColor(decode(content, header), cv2.COLOR_BGR2RGB), np.uint8)
    return turn_upright(pixels, header.orientation) if upright else pixels
