"""The task classification network: which task a word belongs to (Eq. 1 at test time)."""

import torch
from torch import Tensor, nn


class TaskClassifier(nn.Module):
    """Word features (w, l, f) -> logits over tasks (w, t): one convolution along the line, then the mean and the maximum over it."""

    def __init__(self, tasks: int, features: int, hidden: int = 64) -> None:
        super().__init__()
        self.along = nn.Conv1d(features, hidden, 3, padding=1)
        self.decide = nn.Linear(2 * hidden, tasks)

    @torch.no_grad()
    def initialise(self, random: torch.Generator) -> None:
        for layer in (self.along, self.decide):
            bound = layer.weight[0].numel() ** -0.5
            layer.weight.uniform_(-bound, bound, generator=random)
            if layer.bias is not None:
                layer.bias.zero_()

    def forward(self, words: Tensor) -> Tensor:
        seen = self.along(words.transpose(1, 2)).relu()
        return self.decide(torch.cat([seen.mean(-1), seen.amax(-1)], -1))  # type: ignore[no-any-return]
