"""Run crops through the frozen trunk."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.model.laptop_trunk import Trunk
from raygroup.trunks import FEATURE_SHAPE

_CROPS_PER_BLOCK = 256
"""Crops of one block, few enough that its arrays fit a CPU's caches."""


@torch.no_grad()
def extract_features(trunk: Trunk, crops: NDArray[np.uint8], progress: Callable[[int], None] = lambda done: None) -> NDArray[np.float16]:
    """Return the word features (n, positions, features) of crops (n, height, width).

    They are computed on the device of the trunk. ``progress`` gets the number of finished crops.
    """
    device = next(trunk.parameters()).device
    features = np.empty((len(crops), *FEATURE_SHAPE), np.float16)
    for start in range(0, len(crops), _CROPS_PER_BLOCK):
        block = torch.from_numpy(crops[start : start + _CROPS_PER_BLOCK]).to(device)
        features[start : start + len(block)] = trunk(block).half().cpu().numpy()
        progress(start + len(block))
    return features
