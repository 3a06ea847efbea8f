"""The reference network end to end: its weights, inputs, polygons and words."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from shared_fixtures import reference, reference_keys, reference_weights
from torch import Tensor

from raygroup.model.heads.bank import BEGIN
from raygroup.model.spotter.recognition import BankLabels
from raygroup.model.spotter.reference_weights import build_reference
from raygroup.model.spotter.spotter import Spotter

MEAN_BGR = (102.9801, 115.9465, 122.7717)


def build_released(network: str, patches: dict[str, np.ndarray] | None = None) -> Spotter:
    """Return the spotter with the fixtures' weights of full size. It takes half a minute."""
    weights = {name: torch.from_numpy(np.asarray(value)) for name, value in reference_weights(reference_keys(network)).items()}
    patched = {name.removeprefix("patch."): torch.from_numpy(value) for name, value in (patches or {}).items() if name.startswith("patch.")}
    return build_reference(weights | patched)


def padded_image() -> Tensor:
    """Return the fixtures' photograph as the network reads it, (1, 3, 256, 352)."""
    _, numbers = reference("preproc")
    bgr = torch.from_numpy(numbers["resized_rgb"][..., ::-1].copy()).float().permute(2, 0, 1)
    image = bgr - torch.tensor(MEAN_BGR)[:, None, None]
    return torch.nn.functional.pad(image, (0, -image.shape[2] % 32, 0, -image.shape[1] % 32))[None]


def polygons(numbers: dict[str, np.ndarray], name: str) -> list[np.ndarray]:
    """Return the polygons (points, 2) of a ragged array."""
    offsets = numbers[f"{name}_off"]
    return [numbers[name][start:end].reshape(-1, 2) for start, end in zip(offsets[:-1], offsets[1:], strict=True)]


def region_masks(shapes: Sequence[np.ndarray], boxes: np.ndarray, size: int) -> Tensor:
    """Return the masks (r, size, size) of polygons in their boxes (r, 4)."""
    return torch.from_numpy(np.stack([coco_mask(polygon, box, size) for polygon, box in zip(shapes, boxes, strict=True)]))


def coco_mask(polygon: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """Rasterise a polygon in its box as COCO does, (size, size).

    The outline is drawn five times as large, and each of its steps between two columns switches the
    pixels of a column from there on.
    """
    x1, y1, x2, y2 = box.astype(np.float64)
    points = (polygon - [x1, y1]) * [size / max(x2 - x1, 1), size / max(y2 - y1, 1)]
    corners = np.trunc(5 * points + 0.5).astype(int)
    outline = np.concatenate([_line(a, b) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)])
    before, after = outline[:-1], outline[1:]
    steps = before[:, 0] != after[:, 0]
    before, after = before[steps], after[steps]
    x = (np.where(after[:, 0] < before[:, 0], after[:, 0], after[:, 0] - 1) + 0.5) / 5 - 0.5
    y = np.ceil(np.clip((np.minimum(after[:, 1], before[:, 1]) + 0.5) / 5 - 0.5, 0, size))
    inside = (np.floor(x) == x) & (x >= 0) & (x <= size - 1)
    switches = (x * size + y)[inside].astype(int)
    columns = np.cumsum(np.bincount(switches, minlength=size * size + 1)[: size * size]) % 2
    return columns.reshape(size, size).T.astype(np.float32)


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the points (n, 2) of a line between two points, both included."""
    (dx, dy), main = np.abs(end - start), int(np.abs(end - start)[1] > np.abs(end - start)[0])
    backwards = start[main] > end[main]
    low, high = (end, start) if backwards else (start, end)
    count = max(dx, dy)
    along = np.arange(count + 1)
    slope = (high[1 - main] - low[1 - main]) / count if count else 0.0
    points = np.empty((count + 1, 2), int)
    points[:, main] = along + low[main]
    points[:, 1 - main] = np.trunc(low[1 - main] + slope * along + 0.5)
    return points[::-1] if backwards else points


def bank_labels(words: Sequence[Sequence[int]], end: int) -> tuple[BankLabels, tuple[int, ...], Tensor, Tensor]:
    """Return the labels, ``active``, the owners of characters and the order of words, longest first."""
    spelled = [[*word, end] for word in words]
    order = sorted(range(len(words)), key=lambda word: -len(spelled[word]))
    longest = [spelled[word] for word in order]
    active = tuple(sum(len(word) > step for word in longest) for step in range(len(longest[0])))
    characters = [longest[word][step] for step, count in enumerate(active) for word in range(count)]
    inputs = [longest[word][step - 1] if step else BEGIN for step, count in enumerate(active) for word in range(count)]
    owners = [word for count in active for word in range(count)]
    return BankLabels(torch.tensor(inputs), torch.tensor(characters)), active, torch.tensor(owners), torch.tensor(order)


def intersection_over_union(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the overlap of all pairs of boxes (r, 4) and (s, 4), (r, s). Sizes count both ends."""
    sides = np.minimum(boxes[:, None, 2:], others[None, :, 2:]) - np.maximum(boxes[:, None, :2], others[None, :, :2]) + 1
    overlap = sides.clip(0).prod(2)
    area, other_area = ((each[:, 2:] - each[:, :2] + 1).prod(1) for each in (boxes, others))
    return overlap / (area[:, None] + other_area[None] - overlap)


def largest_difference(value: Tensor, expected: Any) -> float:
    """Return the largest difference divided by the largest expected value."""
    assert tuple(value.shape) == np.shape(expected)
    return float(np.abs(value.detach().numpy() - expected).max() / np.abs(expected).max())
