"""The task classifier, which estimates each word's task at test time (Eq. 1).

The classifiers of all trials of a pack are one module.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TaskClassifiers(nn.Module):
    """One task classifier for each of the k trials of a pack.

    It maps word features (w, l, f), or planes (w, f, y, x) averaged over their rows, to logits (k,
    w, t). Each classifier applies one convolution along the line, takes the mean and the maximum
    over positions, and ends with a linear layer.
    """

    def __init__(self, count: int, tasks: int, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.along = nn.Parameter(torch.empty(count, hidden, features, 3))
        self.along_bias = nn.Parameter(torch.zeros(count, hidden))
        self.decide = nn.Parameter(torch.empty(count, 2 * hidden, tasks))
        self.decide_bias = nn.Parameter(torch.zeros(count, tasks))

    @torch.no_grad()
    def initialise(self, number: int, random: torch.Generator) -> None:
        """Draw new weights for one classifier.

        They are uniform by fan-in, and its biases stay zero.
        """
        for weight, fan_in in ((self.along[number], self.along[0, 0].numel()), (self.decide[number], self.decide.shape[1])):
            weight.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)

    def forward(self, words: Tensor) -> Tensor:
        line = words.mean(2) if words.dim() == 4 else words.transpose(1, 2)
        hidden = F.conv1d(line, self.along.flatten(0, 1), self.along_bias.flatten(), padding=1).relu()
        hidden = hidden.view(len(words), *self.along.shape[:2], hidden.shape[-1])
        pooled = torch.cat([hidden.mean(-1), hidden.amax(-1)], -1).transpose(0, 1)
        # A matrix product rounds differently for different numbers of classifiers. This sum does
        # not, so a trial has the same bits in any pack.
        return (pooled[..., None] * self.decide[:, None]).sum(-2) + self.decide_bias[:, None]
