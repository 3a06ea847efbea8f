"""The task classification network: which task a word belongs to (Eq. 1 at test time); one for each trial of a pack, as one module."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TaskClassifiers(nn.Module):
    """Word features (w, l, f), or planes (w, f, y, x) of which the rows' mean is taken, to each classifier's logits (k, w, t): one
    convolution along the line, then the mean and the maximum over it.

    Sums stand where a product of matrices would do: its rounding depends on how many classifiers there are, theirs does not.
    """

    def __init__(self, count: int, tasks: int, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.along = nn.Parameter(torch.empty(count, hidden, features, 3))
        self.along_bias = nn.Parameter(torch.zeros(count, hidden))
        self.decide = nn.Parameter(torch.empty(count, 2 * hidden, tasks))
        self.decide_bias = nn.Parameter(torch.zeros(count, tasks))

    @torch.no_grad()
    def initialise(self, number: int, random: torch.Generator) -> None:
        """Fresh weights for one classifier: uniform by fan-in, biases zero."""
        for weight, fan_in in ((self.along[number], self.along[0, 0].numel()), (self.decide[number], self.decide.shape[1])):
            weight.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)

    def forward(self, words: Tensor) -> Tensor:
        line = words.mean(2) if words.dim() == 4 else words.transpose(1, 2)
        seen = F.conv1d(line, self.along.flatten(0, 1), self.along_bias.flatten(), padding=1).relu()
        seen = seen.view(len(words), *self.along.shape[:2], seen.shape[-1])
        pooled = torch.cat([seen.mean(-1), seen.amax(-1)], -1).transpose(0, 1)
        return (pooled[..., None] * self.decide[:, None]).sum(-2) + self.decide_bias[:, None]
