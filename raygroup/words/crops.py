"""Encoded word images become crops of one size, the pixels a trunk reads."""

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.words.word_store import WordTable

Gray = NDArray[np.uint8]


def decode_gray(image: bytes) -> Gray | None:
    """The pixels (h, w) of an encoded image, turned as its EXIF says; None where it cannot be read."""
    if not image:
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def decode_crop(image: bytes, height: int, width: int) -> Gray:
    """(height, width): scaled to the height, squeezed where wider than the width, else continued to the right by the median of its last
    column. Raises ValueError for bytes that are no image."""
    pixels = decode_gray(image)
    if pixels is None:
        raise ValueError(f"{len(image)} bytes that are no readable image")
    return fit(pixels, height, width)


def fit(pixels: Gray, height: int, width: int) -> Gray:
    """``decode_crop`` of pixels that are decoded already."""
    own_height, own_width = pixels.shape
    scaled_width = min(max(round(own_width * height / own_height), 1), width)
    if (own_height, own_width) != (height, scaled_width):
        shrinks = height <= own_height and scaled_width <= own_width
        pixels = np.asarray(
            cv2.resize(pixels, (scaled_width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
        )
    crop = np.empty((height, width), np.uint8)
    crop[:, :scaled_width] = pixels
    if scaled_width < width:
        crop[:, scaled_width:] = np.uint8(np.median(pixels[:, -1]))
    return crop


def crop_array(table: WordTable, rows: NDArray[np.int64], height: int, width: int) -> NDArray[np.uint8]:
    """(n, height, width): the crops of the rows, in their order. Raises ConfigError naming file and row of an unreadable image."""
    crops = np.empty((len(rows), height, width), np.uint8)
    for places, images in table.images(rows):
        for place, image in zip(places, images.to_pylist(), strict=True):
            try:
                crops[place] = decode_crop(image, height, width)
            except ValueError as error:
                raise ConfigError(f"{table.path}: row {rows[place]}, image: {error}") from error
    return crops
