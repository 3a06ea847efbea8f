"""Draw the warps of text blocks.

A block is curved, rotated, seen from the side or straight. Vertical blocks are never curved.
"""

import math

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.rendering.typesetting import Block
from raygroup.scenes.rendering.warping import Arc, Warp, arc, homography


def draw_warp(settings: SceneSettings, block: Block, padding: float, chance: float, random: np.random.Generator) -> Warp:
    """Draw a warp of the kind that ``chance`` selects.

    ``chance`` is a random number from 0 to 1. The settings give the share of each kind. The patch
    leaves ``padding`` pixels around the block.
    """
    height, width = block.ink.shape
    if chance < settings.curved and not block.is_vertical:
        return _draw_arc(width, height, padding, random)
    chance -= settings.curved
    if 0 <= chance < settings.rotated:
        steep = random.random() < 0.15
        angle = float(np.clip(random.normal(0, 0.7 if steep else 0.22), -math.pi / 2, math.pi / 2))
        return homography((width, height), padding, angle)
    if 0 <= chance < settings.rotated + settings.perspective:
        moves = _mirror(_draw_corner_moves(height, width, random)) if block.is_vertical else _draw_corner_moves(width, height, random)
        return homography((width, height), padding, float(random.normal(0, 0.12)), moves)
    return homography((width, height), padding)


def _draw_arc(width: int, height: int, padding: float, random: np.random.Generator) -> Arc:
    """Draw an arc of up to about 150 degrees.

    The angle is limited so that the inner edge does not shrink to nothing. About one arc in three
    hangs down instead of arching up.
    """
    most = min(2.6, width / (1.3 * height + padding))
    angle = most * float(random.uniform(0.45, 1))
    hangs = random.random() < 0.35
    return arc((width, height), padding, -angle if hangs else angle, float(random.normal(0, 0.2)))


def _draw_corner_moves(width: int, height: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return how far each corner moves, (4, 2).

    The block looks like a sign that is seen from the side. One end shrinks and moves towards the
    other end, which moves up or down.
    """
    shrinkage = height * float(random.uniform(0.08, 0.25))
    slope = min(width * float(random.uniform(-0.12, 0.12)), 0.8 * height)
    nearer = width * float(random.uniform(0.05, 0.2))
    if random.random() < 0.5:
        return np.array([[nearer, shrinkage], [0, slope], [0, slope], [nearer, -shrinkage]])
    return np.array([[0, slope], [-nearer, shrinkage], [-nearer, -shrinkage], [0, slope]])


def _mirror(moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the moves of a block's corners after x and y change places."""
    return moves[[0, 3, 2, 1], ::-1]
