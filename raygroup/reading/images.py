"""Turn what a caller gives into crops: paths, encoded bytes or arrays.

Crops are made as those of training. An image that cannot be read gets the reason instead, and does
not stop the others.
"""

import errno
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ImageError
from raygroup.images.header import MAX_PIXELS
from raygroup.images.pixels import Gray, decode_gray, to_gray
from raygroup.words.crops import fit

Image = Union[str, Path, bytes, NDArray[np.uint8]]  # noqa: UP007 (a runtime alias)
"""A path, an encoded image, or pixels: gray (h, w) or RGB (h, w, 3)."""
MAX_BYTES = 200_000_000
"""Bytes of one file. A larger one is not read into memory."""


@dataclass(frozen=True)
class Crop:
    """The crop of one image, or the reason why there is none."""

    name: str
    pixels: Gray | None
    problem: str | None = None


def make_crops(images: Sequence[Image], first_number: int, size: tuple[int, int], threads: int = 4) -> list[Crop]:
    """Return the crops of images in their order.

    An image without a path is named by its number, which counts from ``first_number``.
    """
    numbers = range(first_number, first_number + len(images))
    if len(images) == 1:
        return [_crop(images[0], first_number, size)]
    with ThreadPoolExecutor(min(threads, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda image, number: _crop(image, number, size), images, numbers))


def _crop(image: Image, number: int, size: tuple[int, int]) -> Crop:
    name = str(image) if isinstance(image, str | Path) else f"image {number}"
    try:
        pixels = _gray(image)
        if pixels.min() == pixels.max():
            raise ImageError("blank: all its pixels have one gray value")
        return Crop(name, fit(pixels, *size))
    except ImageError as error:
        return Crop(name, None, str(error))


def _gray(image: Image) -> Gray:
    if isinstance(image, str | Path):
        return decode_gray(_content(Path(image)))
    if isinstance(image, bytes | bytearray | memoryview):
        return decode_gray(bytes(image))
    return _gray_of_array(image)


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except (OSError, ValueError) as error:
        raise ImageError(_reason(error)) from error
    if size > MAX_BYTES:
        raise ImageError(f"{size // 1_000_000} MB: at most {MAX_BYTES // 1_000_000} MB are read")
    return content


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a folder, not an image"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return "no such file: the name is too long"
    return f"not readable: {(error.strerror if isinstance(error, OSError) else None) or error}"


def _gray_of_array(pixels: Any) -> Gray:
    """Return gray pixels of an array. Raises ImageError if it is no image."""
    if not isinstance(pixels, np.ndarray):
        raise ImageError(f"a {type(pixels).__name__}: an image must be a path, encoded bytes or an array of pixels")
    is_image = pixels.dtype == np.uint8 and (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
    if not is_image:
        raise ImageError(f"an array {pixels.shape} of {pixels.dtype}: it must be gray (h, w) or RGB (h, w, 3), of uint8")
    if not pixels.size:
        raise ImageError(f"an array {pixels.shape} has no pixels")
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        raise ImageError(f"{pixels.shape[1]} x {pixels.shape[0]} pixels: at most {MAX_PIXELS // 1_000_000} million are read")
    return np.ascontiguousarray(pixels) if pixels.ndim == 2 else to_gray(np.ascontiguousarray(pixels[..., ::-1]))
