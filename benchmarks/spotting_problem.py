"""Words on a map and on a photograph, whose places are known."""

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.spotting.photograph import Photograph
from raygroup.spotting.rectangles import rectangle_corners
from raygroup.training.spotter.segmentation_targets import segmentation_targets


def word_rectangles(columns: int, rows: int, width: int, height: int) -> NDArray[np.float64]:
    """Return words of many sizes in a grid, (n, 4, 2), tilted a little."""
    random = np.random.default_rng(0)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    cell_width, cell_height = width / columns, height / rows
    centres = (cells + 0.5) * (cell_width, cell_height) + random.uniform(-4, 4, cells.shape)
    longest, highest = min(200, 0.79 * cell_width), min(48, 0.5 * cell_height)
    sides = np.stack([random.uniform(60, longest, len(cells)), random.uniform(20, highest, len(cells))], axis=1)
    return rectangle_corners(centres, sides, random.normal(0, 6, len(cells)))


def probability_map(words: NDArray[np.float64], width: int, height: int) -> NDArray[np.float32]:
    """Return a map as a trained network gives it: soft edges, and some noise on the ground."""
    kernels = segmentation_targets(list(words), np.zeros(len(words), bool), (height, width)).kernels
    noise = np.random.default_rng(1).uniform(0, 0.02, kernels.shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(kernels * np.float32(0.98), (0, 0), 0.8) + noise, np.float32)


def photograph_of(words: NDArray[np.float64], pictures: NDArray[np.uint8], width: int, height: int) -> Photograph:
    """Return a gray ground with a picture (h, w) of a word in each rectangle. The pictures repeat."""
    photograph = np.full((height, width), 127, np.uint8)
    for number, corners in enumerate(words):
        picture = pictures[number % len(pictures)]
        target = corners.astype(np.float32)
        source = np.float32([(0, 0), (picture.shape[1], 0), picture.shape[::-1], (0, picture.shape[0])])
        left, top = np.floor(target.min(0)).astype(int)
        right, bottom = np.ceil(target.max(0)).astype(int)
        part = photograph[top:bottom, left:right]
        warp = cv2.getPerspectiveTransform(source, target - np.float32([left, top]))
        cv2.warpPerspective(picture, warp, part.shape[::-1], dst=part, borderMode=cv2.BORDER_TRANSPARENT)
    return np.repeat(photograph[..., None], 3, axis=2)
