"""Match proposals to labelled boxes, and draw those that train the box head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.spotting.boxes import Boxes, box_overlaps, encode_boxes

LEAST_OVERLAP = 0.5
"""Least intersection over union of a proposal and the word that it shows."""
TEXT, BACKGROUND, IGNORED = 1, 0, -1


@dataclass(frozen=True, slots=True, eq=False)
class BoxTargets:
    """The targets of n proposals."""

    labels: NDArray[np.int64]
    """``TEXT``, ``BACKGROUND``, or ``IGNORED`` for those on don't-cares, (n,)."""
    words: NDArray[np.intp]
    """The labelled box of each proposal, (n,). It means something for text alone."""
    deltas: NDArray[np.float32]
    """(n, 4), zeros without a labelled box. They mean something for text alone."""


def box_targets(proposals: Boxes, boxes: Boxes, is_ignored: NDArray[np.bool_], least_overlap: float = LEAST_OVERLAP) -> BoxTargets:
    """Return the targets of proposals. Each is matched to the labelled box that overlaps it most."""
    if not len(boxes):
        none = np.zeros(len(proposals), np.int64)
        return BoxTargets(none, none.astype(np.intp), np.zeros((len(proposals), 4), np.float32))
    overlaps = box_overlaps(boxes, proposals)
    matches = overlaps.max(axis=0) >= least_overlap
    words = np.where(matches, overlaps.argmax(axis=0), 0)
    labels = np.where(matches, np.where(is_ignored[words], IGNORED, TEXT), BACKGROUND)
    return BoxTargets(labels, words, encode_boxes(boxes[words], proposals))


def sample_proposals(labels: NDArray[np.int64], random: np.random.Generator, most: int = 512, text_share: float = 0.25) -> NDArray[np.intp]:
    """Draw proposals for a step, in their order: at most ``most``, and at most ``text_share`` of ``most`` with text."""
    text, background = np.flatnonzero(labels == TEXT), np.flatnonzero(labels == BACKGROUND)
    drawn = random.permutation(text)[: int(most * text_share)]
    others = random.permutation(background)[: most - len(drawn)]
    return np.sort(np.concatenate([drawn, others]))
