"""The laptop trunk, a small network from word crops to word features.

It is frozen after stage 1, so its output is computed once and shared by every trial.
"""

import torch
from torch import Tensor, nn

from raygroup.trunks import FEATURES


class Trunk(nn.Module):
    """The convolutions of the laptop trunk.

    They map gray crops (w, 32, 96), uint8, to word features (w, 24, 256). A feature of the five
    convolutions covers about one character. The last convolution runs along the line, so that each
    position also sees its neighbours.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            *_convolution_block(1, 32, (2, 2)),
            *_convolution_block(32, 64, (2, 1)),
            *_convolution_block(64, 96, (2, 2)),
            *_convolution_block(96, 96, (1, 1)),
            *_convolution_block(96, 128, (2, 1)),
        )
        self.line = nn.Sequential(nn.Conv1d(FEATURES, FEATURES, 3, padding=1, bias=False), nn.BatchNorm1d(FEATURES))

    def forward(self, crops: Tensor) -> Tensor:
        planes = standardise(crops)[:, None].contiguous(memory_format=torch.channels_last)
        # (w, 128, 2, 24): the two rows that are left become channels of their column.
        columns = self.convolutions(planes).contiguous().flatten(1, 2)
        return (columns + self.line(columns)).transpose(1, 2)  # type: ignore[no-any-return]


def standardise(crops: Tensor) -> Tensor:
    """Shift and scale each crop by its own mean and standard deviation.

    8 gray levels are added to the standard deviation. They keep the values of an empty crop small.
    """
    values = crops.float()
    mean = values.mean((1, 2), keepdim=True)
    return (values - mean) / (values.std((1, 2), keepdim=True) + 8)


def _convolution_block(inputs: int, outputs: int, stride: tuple[int, int]) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
