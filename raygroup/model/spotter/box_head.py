"""The box head: whether a region is text, and a better box.

Shapes: r regions. Boxes are (x1, y1, x2, y2) in image pixels.
"""

import math

import torch
from torch import Tensor, nn

from raygroup.model.spotter.shape import SpotterShape

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""Units of a box change in x, y, width and height."""
MOST_GROWTH = math.log(1000 / 16)
"""Largest change of a box's log width or log height."""
CLASSES = 2
"""Background and text."""


class BoxHead(nn.Module):
    """Two hidden layers, then scores and box changes of the two classes."""

    def __init__(self, shape: SpotterShape) -> None:
        super().__init__()
        self.first = nn.Linear(shape.fused * shape.box_size**2, shape.box)
        self.second = nn.Linear(shape.box, shape.box)
        self.score = nn.Linear(shape.box, CLASSES)
        self.change = nn.Linear(shape.box, 4 * CLASSES)

    def forward(self, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (r, 2) and changes (r, 8) of masked regions (r, c, s, s)."""
        # Regions may be channels-last in memory, but the weights expect channels first.
        hidden = self.second(self.first(regions.flatten(1)).relu()).relu()
        return self.score(hidden), self.change(hidden)


def decode_boxes(boxes: Tensor, changes: Tensor) -> Tensor:
    """Return the boxes (r, 4) after the changes (r, 8) of the class text.

    As in the released code, x2 and y2 get -1, although widths do not count the last pixel.
    """
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + sizes / 2
    change = changes[:, 4:] / changes.new_tensor(WEIGHTS)
    centres = centres + change[:, :2] * sizes
    sizes = sizes * change[:, 2:].clamp(max=MOST_GROWTH).exp()
    return torch.cat([centres - sizes / 2, centres + sizes / 2 - 1], 1)


def encode_boxes(boxes: Tensor, targets: Tensor) -> Tensor:
    """Return the changes (r, 4) that turn boxes into target boxes, both (r, 4)."""
    sizes, target_sizes = boxes[:, 2:] - boxes[:, :2], targets[:, 2:] - targets[:, :2]
    centres, target_centres = boxes[:, :2] + sizes / 2, targets[:, :2] + target_sizes / 2
    change = torch.cat([(target_centres - centres) / sizes, (target_sizes / sizes).log()], 1)
    return change * change.new_tensor(WEIGHTS)


def clip_boxes(boxes: Tensor, image_sizes: Tensor) -> Tensor:
    """Return the boxes (r, 4) clipped to their images. ``image_sizes`` is (r, 2), width and height."""
    most = (image_sizes.to(boxes.dtype) - 1).repeat(1, 2)
    return torch.minimum(boxes.clamp(min=0), most)
