"""The trunk for word crops: frozen after stage 1, so its output is computed once and shared by every trial."""

import torch
from torch import Tensor, nn

HEIGHT, WIDTH = 32, 96
POSITIONS = (1, 24)
"""Rows and columns of the word features."""
FEATURES = 256


class Trunk(nn.Module):
    """Gray crops (w, 32, 96), uint8, to word features (w, 24, 256): five convolutions see about one character each, a last one
    along the line its neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_convolved(1, 32, (2, 2)),
            *_convolved(32, 64, (2, 1)),
            *_convolved(64, 96, (2, 2)),
            *_convolved(96, 96, (1, 1)),
            *_convolved(96, 128, (2, 1)),
        )
        self.line = nn.Sequential(nn.Conv1d(FEATURES, FEATURES, 3, padding=1, bias=False), nn.BatchNorm1d(FEATURES))

    def forward(self, crops: Tensor) -> Tensor:
        planes = standardised(crops)[:, None].contiguous(memory_format=torch.channels_last)
        columns = self.convolutions(planes).contiguous().flatten(1, 2)
        return (columns + self.line(columns)).transpose(1, 2)  # type: ignore[no-any-return]


def standardised(crops: Tensor) -> Tensor:
    """Each crop less its mean, over its standard deviation (of at least about 8 gray levels, so that an empty crop stays quiet)."""
    values = crops.float()
    mean = values.mean((1, 2), keepdim=True)
    return (values - mean) / (values.std((1, 2), keepdim=True) + 8)


def _convolved(inputs: int, outputs: int, stride: tuple[int, int]) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
