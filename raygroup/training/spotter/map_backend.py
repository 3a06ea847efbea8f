"""Compute maps of text with torch."""

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.model.spotter.detector import DetectorNetwork, fold_normalisation


class TorchMaps:
    """A detector on torch."""

    name = "torch"

    def __init__(self, network: DetectorNetwork) -> None:
        self.network = fold_normalisation(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of text (n, h, w) of normalised images (n, 3, h, w)."""
        tensor = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
        return np.asarray(self.network(tensor).sigmoid().numpy(), np.float32)
