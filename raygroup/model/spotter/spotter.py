"""The whole spotter: from images to maps, and from regions to words.

The network is called in steps, because polygons are made from maps between them:

    images -> ``maps``: fused features and the map of text -> (polygons) -> boxes and their masks
    -> ``score_boxes``: scores and better boxes -> boxes and their masks
    -> ``word_features``: instance masks, tasks and word planes -> ``recognition``

Shapes: n images, r regions of all images, t tasks, m heads. Images are normalised and padded to
multiples of 32. Boxes (r, 4) are (x1, y1, x2, y2) in pixels of these images. Masks are those of
``roi_masking``.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from raygroup.model.spotter.box_head import BoxHead, decode_boxes
from raygroup.model.spotter.freezing import FreezableNetwork
from raygroup.model.spotter.language_predictor import LanguagePredictor
from raygroup.model.spotter.mask_head import MaskHead
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.resnet_fpn import ResNetFPN
from raygroup.model.spotter.roi_align import roi_align
from raygroup.model.spotter.roi_masking import mask_regions
from raygroup.model.spotter.segmentation import SegmentationHead
from raygroup.model.spotter.shape import SpotterShape
from raygroup.model.spotter.word_adapter import GRID, WordAdapter
from raygroup.model.spotter.word_sampling import sample_rectangles


class ImageMaps(NamedTuple):
    """What the network computes for whole images."""

    fused: Tensor
    """Features of all regions, (n, c, h / 4, w / 4)."""
    logits: Tensor
    """Logits of text, (n, h, w)."""


class WordFeatures(NamedTuple):
    """What the network computes for the regions of words."""

    planes: Tensor
    """Word planes that recognition heads read, (r, c, 2s, 2s)."""
    mask_logits: Tensor
    """Logits of the instance masks, (r, 2s, 2s)."""
    task_logits: Tensor
    """Logits of the tasks, (r, t)."""


class WordRectangles(NamedTuple):
    """The rectangles of words, as ``word_sampling`` takes them."""

    in_image: Tensor
    """Shares of the image's width and height, (r, 4, 2)."""
    in_box: Tensor
    """Shares of the region's width and height, (r, 4, 2)."""
    filled: Tensor
    """Share of the columns that each word fills, (r,)."""


class Spotter(FreezableNetwork):
    """All parts of a spotter. R_TM (t, m) assigns tasks to heads.

    Without an adapter, heads read the planes of regions. With one, they read word features.
    """

    def __init__(self, shape: SpotterShape, tasks: int, recognition: RecognitionHeads, source: str | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.trunk = ResNetFPN(shape)
        self.segmentation = SegmentationHead(shape)
        self.box = BoxHead(shape)
        self.mask = MaskHead(shape)
        self.language = LanguagePredictor(shape, tasks)
        self.recognition = recognition
        self.adapter = WordAdapter(shape.mask if source == "boxes" else shape.fused, source) if source else None
        self.r_tm = nn.Parameter(torch.ones(tasks, recognition.heads))

    def maps(self, images: Tensor) -> ImageMaps:
        """Return the maps of images (n, 3, h, w)."""
        fused = self.fused_features(images)
        return ImageMaps(fused, self.segmentation(fused))

    def fused_features(self, images: Tensor) -> Tensor:
        """Return the fused features alone, (n, c, h / 4, w / 4)."""
        return self.segmentation.fuse(self.trunk(images))

    def score_boxes(self, fused: Tensor, boxes: Tensor, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (r, 2) and box changes (r, 8) of proposals.

        ``images`` (r,) is the image of each box, and ``masks`` is (r, 7, 7).
        """
        regions = roi_align(fused, boxes, images, self.shape.box_size)
        logits, changes = self.box(mask_regions(regions, masks))
        return logits, changes

    def word_features(self, fused: Tensor, boxes: Tensor, images: Tensor, masks: Tensor) -> WordFeatures:
        """Return the features of detected words. ``masks`` is (r, 32, 32)."""
        features = self.mask.masked_features(roi_align(fused, boxes, images, self.shape.mask_size), masks)
        planes = self.mask.word_planes(features)
        return WordFeatures(planes, self.mask.mask_logits(planes), self.language(features))

    def read_features(self, fused: Tensor, images: Tensor, planes: Tensor, rectangles: WordRectangles) -> Tensor:
        """Return what the heads read: the planes of regions, or word features (r, 24, 256)."""
        if self.adapter is None:
            return planes
        if self.adapter.source == "boxes":
            sampled = sample_rectangles(planes, rectangles.in_box, rectangles.filled, None, GRID)
        else:
            sampled = sample_rectangles(fused, rectangles.in_image, rectangles.filled, images, GRID)
        return self.adapter(sampled)  # type: ignore[no-any-return]


def detected_boxes(boxes: Tensor, logits: Tensor, changes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of text (r,) and the changed boxes (r, 4), which may leave their images."""
    return logits.softmax(1)[:, 1], decode_boxes(boxes, changes)
