"""Read photographs as the spotter needs them: red first, with eight bits a channel."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ImageError
from raygroup.images.header import read_header
from raygroup.images.pixels import decode, turn_upright

Photograph = NDArray[np.uint8]
"""(height, width, 3), red first."""


def read_photograph(path: Path, *, upright: bool = True) -> Photograph:
    """Read an image file.

    ``upright`` turns it as its EXIF data says. Polygons of data sets refer to the stored pixels, so
    scoring reads without turning. Raises ImageError with the path and the reason.
    """
    try:
        return decode_photograph(path.read_bytes(), upright=upright)
    except OSError as error:
        raise ImageError(f"{path}: {error.strerror or error}") from error
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def decode_photograph(content: bytes, *, upright: bool = True) -> Photograph:
    """Decode an image. Transparent pixels get a ground, and deep channels keep their contrast."""
    header = read_header(content)
    pixels = np.asarray(cv2.cvtColor(decode(content, header), cv2.COLOR_BGR2RGB), np.uint8)
    return turn_upright(pixels, header.orientation) if upright else pixels
