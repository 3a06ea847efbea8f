"""Turn the box head's output into boxes, and drop boxes that repeat others.

The arithmetic is that of the released code, which is of two minds: for overlaps a box includes its
last pixel, so its width is ``x2 - x1 + 1``. For deltas it does not, and yet decoded boxes lose a pixel.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""(n, 4): x1, y1, x2, y2 in pixels of the network's input."""

DELTA_WEIGHTS = np.array((10.0, 10.0, 5.0, 5.0), np.float32)
"""Deltas are multiplied by these in training."""
_MOST_GROWTH = float(np.log(1000 / 16))
"""Natural logarithm of the largest factor by which a box may grow."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxDetections:
    """The words of one image, in the order of their proposals."""

    boxes: Boxes
    scores: NDArray[np.float32]
    """(n,), probabilities of text."""
    proposals: NDArray[np.intp]
    """The proposal of each word, (n,)."""


def detect_boxes(
    proposals: Boxes, logits: NDArray[np.float32], deltas: NDArray[np.float32], image_size: tuple[int, int], *,
    least_score: float = 0.0, most_overlap: float = 0.5, most_boxes: int = 100,
) -> BoxDetections:  # fmt: skip
    """Return the words of one image.

    ``logits`` is (n, 2), background first, and ``deltas`` (n, 8), those of text last. ``image_size``
    is height and width without padding. Of more than ``most_boxes`` words the best are kept, and
    also those that score as high as the last of them.
    """
    scores = _softmax(logits)[:, 1]
    boxes = clip_boxes(decode_boxes(proposals, deltas[:, 4:]), image_size)
    able = np.flatnonzero(scores > least_score)
    kept = able[distinct_boxes(boxes[able], scores[able], most_overlap)]
    if len(kept) > most_boxes:
        kept = kept[scores[kept] >= np.sort(scores[kept])[-most_boxes]]
    return BoxDetections(boxes[kept], scores[kept], kept)


def encode_boxes(boxes: Boxes, proposals: Boxes) -> NDArray[np.float32]:
    """Return the deltas (n, 4) that turn proposals into boxes: the targets of the box head."""
    centres, sizes = _centres_and_sizes(np.asarray(boxes, np.float32))
    proposal_centres, proposal_sizes = _centres_and_sizes(np.asarray(proposals, np.float32))
    shifts = (centres - proposal_centres) / proposal_sizes
    return np.asarray(np.concatenate([shifts, np.log(sizes / proposal_sizes)], axis=1) * DELTA_WEIGHTS, np.float32)


def decode_boxes(proposals: Boxes, deltas: NDArray[np.float32]) -> Boxes:
    """Return proposals moved and scaled by deltas, (n, 4)."""
    centres, sizes = _centres_and_sizes(np.asarray(proposals, np.float32))
    moves = np.asarray(deltas, np.float32) / DELTA_WEIGHTS
    moved = centres + moves[:, :2] * sizes
    scaled = sizes * np.exp(np.minimum(moves[:, 2:], np.float32(_MOST_GROWTH)))
    return np.concatenate([moved - scaled / 2, moved + scaled / 2 - 1], axis=1)


def clip_boxes(boxes: Boxes, image_size: tuple[int, int]) -> Boxes:
    """Return the boxes clipped to an image's pixels."""
    height, width = image_size
    return np.clip(boxes, 0, np.array((width - 1, height - 1) * 2, np.float32))


def distinct_boxes(boxes: Boxes, scores: NDArray[np.float32], most_overlap: float = 0.5) -> NDArray[np.intp]:
    """Return the boxes that no better box overlaps, in their order.

    The overlap is intersection over union, and ``most_overlap`` itself is too much. Of boxes with
    equal scores the last is the best.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    overlaps = np.triu(box_overlaps(boxes[order], boxes[order]) >= most_overlap, 1)
    is_kept = np.ones(len(order), bool)
    for place in np.flatnonzero(overlaps.any(axis=1)):
        if is_kept[place]:
            is_kept &= ~overlaps[place]
    return np.sort(order[is_kept])


def box_overlaps(boxes: Boxes, others: Boxes) -> NDArray[np.float32]:
    """Return the intersection over union of each box with each other box, (n, k)."""
    areas, other_areas = (np.prod(rows[:, 2:] - rows[:, :2] + 1, axis=1) for rows in (boxes, others))
    shared = _shared_lengths(boxes, others, 0) * _shared_lengths(boxes, others, 1)
    return np.asarray(shared / (areas[:, None] + other_areas - shared), np.float32)


def _shared_lengths(boxes: Boxes, others: Boxes, axis: int) -> NDArray[np.float32]:
    """Return the pixels along an axis that each box shares with each other box, (n, k)."""
    ends = np.minimum(boxes[:, None, axis + 2], others[:, axis + 2])
    return np.asarray(np.maximum(ends - np.maximum(boxes[:, None, axis], others[:, axis]) + 1, 0), np.float32)


def _centres_and_sizes(boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    sizes = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes[:, :2] + sizes / 2, np.float32), np.asarray(sizes, np.float32)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
