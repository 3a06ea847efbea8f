"""A spotter that is small enough for tests."""

from dataclasses import replace

import torch

from raygroup.model.heads.bank import HeadBank
from raygroup.model.spotter.mask_head import PLANE_GRID
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.shape import COMPACT, SpotterShape
from raygroup.model.spotter.spotter import Spotter

TINY = replace(
    COMPACT,
    stem=(4, 8),
    blocks=(1, 1, 1, 1),
    widths=(8, 8, 8, 8),
    pyramid=8,
    level=4,
    segmentation=(8, 4),
    box=16,
    mask=8,
    language=(4, 4, 8),
)


def small_bank(heads: int, classes: int, channels: int, seed: int = 0) -> HeadBank:
    """Return a bank with weights drawn from a seed."""
    bank = HeadBank(heads, classes, features=channels, positions=PLANE_GRID, embed=6, hidden=8, convolve=True)
    for head in range(heads):
        bank.initialise(head, torch.Generator().manual_seed(seed + head))
    return bank


def small_spotter(shape: SpotterShape = TINY, tasks: int = 3) -> Spotter:
    """Return a spotter of two banks: two heads of 12 classes, and one of 20."""
    torch.manual_seed(0)
    return Spotter(shape, tasks, RecognitionHeads([small_bank(2, 12, shape.mask), small_bank(1, 20, shape.mask, seed=9)]))
