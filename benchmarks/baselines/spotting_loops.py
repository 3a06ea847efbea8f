"""The baseline: the released spotter's work on words, one by one, restated plainly from its description.

Every contour of a map is measured, scored and grown by itself, and every mask is encoded and decoded
by itself. It serves comparisons only: nothing in raygroup uses it.
"""

import cv2
import numpy as np
import pyclipper
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco
from shapely.geometry import Polygon
from torch import Tensor

Floats = NDArray[np.float64]


def looped_regions(probabilities: Tensor) -> tuple[NDArray[np.float32], list[float], list[Floats]]:
    """Return boxes (n, 4), scores and polygons of a map (height, width)."""
    values = probabilities.cpu().numpy()
    bitmap = (values > 0.1).astype(np.uint8) * 255
    height, width = bitmap.shape
    contours, _ = cv2.findContours(bitmap, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    boxes, scores, polygons = [], [], []
    for contour in contours[:1000]:
        outline = cv2.approxPolyDP(contour, 0.01 * cv2.arcLength(contour, True), True).reshape(-1, 2)
        rectangle, short_side = _smallest_rectangle(contour)
        if short_side < 5:
            continue
        score = _score(values, rectangle)
        if score < 0.1 or len(outline) < 3:
            continue
        grown = _grow(outline, 3.0)
        if len(grown) != 1:
            continue
        wide = np.clip(np.array(_grow(rectangle, 1.5)[0]), 0, (width, height))
        _smallest_rectangle(wide.reshape(-1, 1, 2).astype(np.float32))
        boxes.append([*wide.min(axis=0), *wide.max(axis=0)])
        scores.append(score)
        polygons.append(np.array(grown[0], np.float64))
    return np.array(boxes, np.float32).reshape(-1, 4), scores, polygons


def looped_masks(polygons: list[Floats], boxes: NDArray[np.float32], size: int) -> Tensor:
    """Return the masks of words, (n, size, size), each encoded and decoded by itself."""
    masks = []
    for polygon, box in zip(polygons, boxes, strict=True):
        width, height = max(box[2] - box[0], 1), max(box[3] - box[1], 1)
        local = (polygon - box[:2]) * (size / width, size / height)
        codes = coco.frPyObjects([local.reshape(-1).tolist()], size, size)
        masks.append(torch.from_numpy(coco.decode(codes).sum(axis=2) > 0))
    return torch.stack(masks) if masks else torch.zeros(0, size, size, dtype=torch.bool)


def _smallest_rectangle(contour: NDArray[np.generic]) -> tuple[Floats, float]:
    smallest = cv2.minAreaRect(contour)
    corners = sorted(cv2.boxPoints(smallest).tolist())
    left, right = sorted(corners[:2], key=lambda corner: corner[1]), sorted(corners[2:], key=lambda corner: corner[1])
    return np.array([left[0], right[0], right[1], left[1]]), min(smallest[1])


def _score(values: NDArray[np.float32], rectangle: Floats) -> float:
    height, width = values.shape
    left, right = (int(np.clip(bound, 0, width - 1)) for bound in (np.floor(rectangle[:, 0].min()), np.ceil(rectangle[:, 0].max())))
    top, bottom = (int(np.clip(bound, 0, height - 1)) for bound in (np.floor(rectangle[:, 1].min()), np.ceil(rectangle[:, 1].max())))
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(rectangle - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(np.ascontiguousarray(values[top : bottom + 1, left : right + 1]), mask)[0])


def _grow(outline: NDArray[np.generic], growth: float) -> list[list[list[int]]]:
    shape = Polygon(outline)
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(outline.astype(int).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return clipper.Execute(shape.area * growth / shape.length)  # type: ignore[no-any-return]
