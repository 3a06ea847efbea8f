"""Scale and normalise photographs for the spotter's network.

The scale is kept with the tensor, so that polygons can be mapped back to the photograph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from raygroup.errors import ConfigError
from raygroup.scenes.scene import Polygon
from raygroup.spotting.photograph import Photograph

DIVISOR = 32
"""Height and width of a tensor are multiples of this, the stride of the deepest features."""


@dataclass(frozen=True, kw_only=True)
class InputSettings:
    """The form in which a network takes images. It is stored with the network."""

    short_side: int | None
    """Pixels of the short side after scaling. None keeps the size of images that are small enough."""
    long_side: int
    """Most pixels of the long side."""
    mean: tuple[float, float, float]
    """Subtracted from the channels, in their order here."""
    std: tuple[float, float, float]
    """The channels are then divided by it."""
    channels: Literal["RGB", "BGR"]
    scaling: Literal["pillow", "opencv"]
    """``pillow`` is bilinear with antialiasing, and ``opencv`` averages areas: a quarter of the time."""


REFERENCE = InputSettings(
    short_side=1000, long_side=4000, mean=(102.9801, 115.9465, 122.7717), std=(1.0, 1.0, 1.0), channels="BGR", scaling="pillow"
)
"""The released code base. Its README evaluates MLT19 with 2000 and 2560 pixels."""
COMPACT = InputSettings(
    short_side=None, long_side=4000, mean=(118.0, 118.0, 118.0), std=(60.0, 60.0, 60.0), channels="RGB", scaling="opencv"
)
"""The compact spotter."""
INPUTS = {"compact": COMPACT, "reference": REFERENCE}
"""Size of a network -> the form in which it takes images."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkInput:
    """One image for the network."""

    tensor: NDArray[np.float32]
    """(3, height, width), padded on the right and below with zeros to multiples of ``DIVISOR``."""
    height: int
    """Rows of ``tensor`` that show the image."""
    width: int
    """Columns of ``tensor`` that show the image."""
    scale: tuple[float, float]
    """Pixels of the tensor for one pixel of the photograph, along x and y."""

    def to_photograph(self, points: Polygon) -> Polygon:
        """Map points (..., 2) of the tensor to the photograph."""
        return np.asarray(points, np.float64) / self.scale

    def to_tensor(self, points: Polygon) -> Polygon:
        """Map points (..., 2) of the photograph to the tensor."""
        return np.asarray(points, np.float64) * self.scale


def prepare_input(photograph: Photograph, settings: InputSettings) -> NetworkInput:
    """Scale, normalise and pad a photograph."""
    if photograph.ndim != 3 or photograph.shape[2] != 3 or photograph.dtype != np.uint8 or not photograph.size:
        raise ConfigError(f"photograph: {photograph.shape} of {photograph.dtype}, must be (height, width, 3) of uint8, and not empty")
    stored_height, stored_width = photograph.shape[:2]
    height, width = scaled_size(stored_height, stored_width, settings)
    scaled = _resize(photograph, height, width, settings.scaling)
    tensor = np.zeros((3, _padded(height), _padded(width)), np.float32)
    for channel, (mean, std) in enumerate(zip(settings.mean, settings.std, strict=True)):
        values = tensor[channel, :height, :width]
        source = channel if settings.channels == "RGB" else 2 - channel
        np.subtract(scaled[..., source], np.float32(mean), out=values)
        if std != 1:
            values *= np.float32(1 / std)
    return NetworkInput(tensor, height, width, (width / stored_width, height / stored_height))


def scaled_size(height: int, width: int, settings: InputSettings) -> tuple[int, int]:
    """Return the height and width that an image is scaled to.

    With a short side this is the released rule. The long side is rounded down, so it can miss its
    limit by some pixels.
    """
    short, long = min(height, width), max(height, width)
    if settings.short_side is None:
        scale = min(1.0, settings.long_side / long)
        return max(round(height * scale), 1), max(round(width * scale), 1)
    size = settings.short_side
    if long / short * size > settings.long_side:
        size = max(round(settings.long_side * short / long), 1)
    other = int(size * long / short)
    return (size, other) if height <= width else (other, size)


def stack_inputs(inputs: Sequence[NetworkInput]) -> NDArray[np.float32]:
    """Return one batch (n, 3, height, width). Smaller images are padded with zeros."""
    height, width = (max(item.tensor.shape[axis] for item in inputs) for axis in (1, 2))
    batch = np.zeros((len(inputs), 3, height, width), np.float32)
    for place, item in enumerate(inputs):
        batch[place, :, : item.tensor.shape[1], : item.tensor.shape[2]] = item.tensor
    return batch


def _padded(size: int) -> int:
    return -(-size // DIVISOR) * DIVISOR


def _resize(photograph: Photograph, height: int, width: int, scaling: str) -> Photograph:
    if photograph.shape[:2] == (height, width):
        return photograph
    if scaling == "pillow":
        return np.asarray(Image.fromarray(photograph).resize((width, height), Image.Resampling.BILINEAR), np.uint8)
    shrinks = height <= photograph.shape[0] and width <= photograph.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photograph, (width, height), interpolation=interpolation), np.uint8)
