"""The sizes of a spotter: ``REFERENCE`` as released, and ``COMPACT`` for laptops."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SpotterShape:
    """Every width of a spotter's network. The structure is the same for all sizes."""

    stem: tuple[int, ...]
    """Channels of the stem.

    One number is the ResNet stem: a 7x7 convolution and a pooling. Two are two 3x3 convolutions. Both
    divide height and width by four.
    """
    blocks: tuple[int, int, int, int]
    """Residual blocks of the four stages."""
    widths: tuple[int, int, int, int]
    """Channels that each stage returns."""
    bottleneck: bool
    """Whether a block is 1x1, 3x3, 1x1 at a quarter of the width, instead of two 3x3 convolutions."""
    frozen_norm: bool
    """Whether the trunk's normalisation is stored numbers that no training changes."""
    pyramid: int
    """Channels of the feature pyramid."""
    smooth: bool
    """Whether a 3x3 convolution follows each sum of the pyramid."""
    level: int
    """Channels that each of the four levels adds to the fused features."""
    segmentation: tuple[int, int]
    """Channels of the segmentation head after its convolution and after its first upsampling."""
    box: int
    """Units of the two hidden layers of the box head."""
    mask: int
    """Channels of the mask head, and of the planes that recognition heads read."""
    language: tuple[int, int, int]
    """Channels of the language predictor's two convolutions, and units of its hidden layer."""
    box_size: int = 7
    """Rows and columns of a region that the box head reads."""
    mask_size: int = 32
    """Rows and columns of a region that the mask head reads."""

    @property
    def fused(self) -> int:
        """Return the channels of the fused features."""
        return 4 * self.level

    @property
    def plane_size(self) -> int:
        """Return the rows and columns of instance masks and of word planes."""
        return 2 * self.mask_size


REFERENCE = SpotterShape(
    stem=(64,), blocks=(3, 4, 6, 3), widths=(256, 512, 1024, 2048), bottleneck=True, frozen_norm=True, pyramid=256, smooth=True,
    level=64, segmentation=(64, 64), box=1024, mask=256, language=(64, 32, 64),
)  # fmt: skip
"""The released network: ResNet-50 with a feature pyramid."""
COMPACT = SpotterShape(
    stem=(16, 32), blocks=(2, 2, 2, 2), widths=(32, 64, 96, 128), bottleneck=False, frozen_norm=False, pyramid=64, smooth=False,
    level=24, segmentation=(32, 16), box=128, mask=48, language=(32, 16, 32),
)  # fmt: skip
"""The network for laptops and CI."""
SHAPES = {"reference": REFERENCE, "compact": COMPACT}
