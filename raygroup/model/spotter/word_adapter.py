"""Turn RoI features into the features that a word trunk gives.

Heads that read the features of crops can then read RoI features.
"""

from torch import Tensor, nn

from raygroup.trunks import FEATURES

GRID = (8, 48)
"""Rows and columns of a word's resampled features."""
SOURCES = ("boxes", "rectangles")
"""``boxes``: word planes of masked RoIs, as in the paper. ``rectangles``: fused features along the word."""
_GROUPS = 8
_WIDTHS = (96, 128, 128)


class WordAdapter(nn.Module):
    """Three convolutions, and one along the line.

    They map features (w, c, 8, 48) to word features (w, 24, 256). They have no batch statistics, so
    words do not depend on each other.
    """

    def __init__(self, inputs: int, source: str) -> None:
        super().__init__()
        self.source = source
        first, second, third = _WIDTHS
        self.convolutions = nn.Sequential(
            *_convolution_block(inputs, first, (1, 1)),
            *_convolution_block(first, second, (2, 2)),
            *_convolution_block(second, third, (2, 1)),
        )
        self.line = nn.Conv1d(FEATURES, FEATURES, 3, padding=1)

    def forward(self, planes: Tensor) -> Tensor:
        # (w, 128, 2, 24): the two rows that are left become channels of their column, as in the word trunk.
        columns = self.convolutions(planes).contiguous().flatten(1, 2)
        return (columns + self.line(columns)).transpose(1, 2)  # type: ignore[no-any-return]


def _convolution_block(inputs: int, outputs: int, stride: tuple[int, int]) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.GroupNorm(_GROUPS, outputs), nn.ReLU(inplace=True)
