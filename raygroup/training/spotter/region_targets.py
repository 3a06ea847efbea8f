"""Draw regions around labelled words, and the targets of the heads that read them.

Every draw comes from a generator that the caller passes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon
from raygroup.spotting.outlines import Floats
from raygroup.spotting.regions import upright_boxes
from raygroup.spotting.roi_masks import roi_masks
from raygroup.spotting_config import RegionDraws
from raygroup.training.spotter.box_targets import box_targets, sample_proposals

_SMALLEST = 8.0
"""Pixels: the least height of a drawn background region."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxRegions:
    """The regions of one sample that train the box head, n in all."""

    boxes: NDArray[np.float32]
    """(n, 4)."""
    masks: NDArray[np.uint8]
    """(n, size, size)."""
    labels: NDArray[np.int64]
    """1 for text and 0 for background, (n,)."""
    deltas: NDArray[np.float32]
    """(n, 4), for text alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """A random change of place and size for each of n words."""

    centres: Floats
    scales: Floats
    shifts: Floats

    def apply(self, word: int, points: Floats) -> Floats:
        """Return points (k, 2) of a word after its change."""
        return np.asarray((points - self.centres[word]) * self.scales[word] + self.centres[word] + self.shifts[word])


def draw_movement(polygons: Sequence[Polygon], jitter: float, random: np.random.Generator) -> Movement:
    """Draw changes whose size is ``jitter`` times a word's short side."""
    draws = random.normal(0, jitter, (len(polygons), 4))
    sides = np.array([np.ptp(polygon, axis=0) for polygon in polygons]).reshape(-1, 2)
    short = sides.min(axis=1, keepdims=True)
    centres = np.array([polygon.mean(axis=0) for polygon in polygons]).reshape(-1, 2)
    return Movement(centres, 1 + np.abs(draws[:, :2]) * short / np.maximum(sides, 1), draws[:, 2:] * short)


def draw_proposals(polygons: Sequence[Polygon], side: int, settings: RegionDraws, random: np.random.Generator) -> list[Polygon]:
    """Return proposals: the labelled polygons, changed copies of them, and rectangles at random places."""
    proposals = list(polygons)
    for _ in range(settings.copies):
        movement = draw_movement(polygons, 2 * settings.jitter, random)
        proposals += [movement.apply(word, polygon) for word, polygon in enumerate(polygons)]
    for _ in range(settings.background):
        high = random.uniform(_SMALLEST, side / 4)
        size = np.array([high * random.uniform(1, 4), high])
        start = random.uniform(0, side - np.minimum(size, side - 1))
        proposals.append(start + size * [[0, 0], [1, 0], [1, 1], [0, 1]])
    return proposals


def box_regions(
    proposals: Sequence[Polygon], polygons: Sequence[Polygon], is_ignored: NDArray[np.bool_], side: int, mask_size: int,
    settings: RegionDraws, random: np.random.Generator,
) -> BoxRegions:  # fmt: skip
    """Match proposals to labelled words, and draw those of a step. Proposals on don't-cares are left out."""
    every_box = upright_boxes(tuple(proposals), (side, side))
    shown = np.flatnonzero((every_box[:, 2:] - every_box[:, :2] >= 1).all(axis=1))  # others lie beyond the sample's edge
    boxes = every_box[shown]
    targets = box_targets(boxes, upright_boxes(tuple(polygons), (side, side)), is_ignored)
    rows = sample_proposals(targets.labels, random, settings.most)
    masks = roi_masks([proposals[place] for place in shown[rows]], boxes[rows], mask_size)
    return BoxRegions(boxes[rows], masks, targets.labels[rows], targets.deltas[rows])
