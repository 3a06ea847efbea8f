"""The language predictor: the task of each word, from its masked features."""

import torch.nn.functional as F
from torch import Tensor, nn

from raygroup.model.spotter.shape import SpotterShape


class LanguagePredictor(nn.Module):
    """Two convolutions of stride two, then two linear layers."""

    def __init__(self, shape: SpotterShape, tasks: int) -> None:
        super().__init__()
        first, second, hidden = shape.language
        self.first_convolution = nn.Conv2d(shape.mask, first, 2, 2)
        self.second_convolution = nn.Conv2d(first, second, 2, 2)
        self.hidden = nn.Linear(second * (shape.mask_size // 8) ** 2, hidden)
        self.tasks = nn.Linear(hidden, tasks)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits of tasks (r, t) of masked features (r, c, s, s)."""
        planes = F.max_pool2d(self.first_convolution(features).relu_(), 2)
        planes = self.second_convolution(planes).relu_()
        return self.tasks(self.hidden(planes.flatten(1)).relu())  # type: ignore[no-any-return]
