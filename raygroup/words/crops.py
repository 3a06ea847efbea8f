"""Turn encoded word images into crops for the trunk."""

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError, ImageError
from raygroup.images.pixels import Gray, decode_gray

if TYPE_CHECKING:
    from raygroup.words.word_store import WordStore


def decode_crop(image: bytes, height: int, width: int) -> Gray:
    """Decode an image and fit it to (height, width).

    Raises ImageError if it cannot be read.
    """
    return fit(decode_gray(image), height, width)


def fit(pixels: Gray, height: int, width: int) -> Gray:
    """Scale gray pixels to the height and fit the width.

    A wider word is squeezed to the width. A narrower one is padded on the right with the median of
    its last column.
    """
    source_height, source_width = pixels.shape
    scaled_width = min(max(round(source_width * height / source_height), 1), width)
    if (source_height, source_width) != (height, scaled_width):
        shrinks = height <= source_height and scaled_width <= source_width
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pixels = np.asarray(cv2.resize(pixels, (scaled_width, height), interpolation=interpolation), np.uint8)
    crop = np.empty((height, width), np.uint8)
    crop[:, :scaled_width] = pixels
    if scaled_width < width:
        crop[:, scaled_width:] = np.uint8(np.median(pixels[:, -1]))
    return crop


def crop_array(store: "WordStore", rows: NDArray[np.int64], height: int, width: int) -> NDArray[np.uint8]:
    """Return the crops of the rows in their order, (n, height, width).

    Raises ConfigError with the file and the row if an image cannot be read.
    """
    crops = np.empty((len(rows), height, width), np.uint8)
    for places, images in store.images(rows):
        for place, image in zip(places, images.to_pylist(), strict=True):
            try:
                crops[place] = decode_crop(image, height, width)
            except ImageError as error:
                raise ConfigError(f"{store.path}: row {rows[place]}, image: {error}") from error
    return crops
