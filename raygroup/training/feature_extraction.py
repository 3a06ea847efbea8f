"""Crops through the frozen trunk."""

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk

_CROPS = 256


@torch.no_grad()
def extracted(trunk: Trunk, crops: NDArray[np.uint8]) -> NDArray[np.float16]:
    """Word features (n, positions, features) of crops (n, height, width), in blocks that fit the processor's caches, computed where the
    trunk is."""
    device = next(trunk.parameters()).device
    found = np.empty((len(crops), POSITIONS[0] * POSITIONS[1], FEATURES), np.float16)
    for start in range(0, len(crops), _CROPS):
        block = torch.from_numpy(crops[start : start + _CROPS]).to(device)
        found[start : start + len(block)] = trunk(block).half().cpu().numpy()
    return found
