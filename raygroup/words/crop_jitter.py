"""Move the edges of word crops, as a detector does that finds a word not quite where it is."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray


def move_edges(crops: NDArray[np.uint8], share: float, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return crops (n, height, width) whose edges moved, each by up to ``share`` of the height.

    A crop also slants: the line of its text rises or falls by up to ``share`` of the height from one
    end to the other. Pixels outside a crop repeat its border. A share of 0 returns the crops themselves.
    """
    if share == 0 or not len(crops):
        return crops
    height, width = crops.shape[1:]
    moves = random.uniform(-share, share, (len(crops), 5)) * height
    return np.stack([_warp(crop, move) for crop, move in zip(crops, moves.tolist(), strict=True)])


def _warp(crop: NDArray[np.uint8], moves: Sequence[float]) -> NDArray[np.uint8]:
    """Stretch the part of a crop between the moved edges to the whole crop.

    ``moves`` are those of the left, right, top and bottom edge, and the slant, in pixels.
    """
    height, width = crop.shape
    left, right, top, bottom, slant = moves
    matrix = np.array(
        [[(width + right - left) / width, 0, left], [slant / width, (height + bottom - top) / height, top - slant / 2]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(crop, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
