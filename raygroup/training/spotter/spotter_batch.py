"""The words and regions of a step as tensors, longest word first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.spotter.spotter import WordRectangles
from raygroup.training.label_batches import Batch, encode_labels, longest_first, make_batch
from raygroup.training.spotter.region_targets import BoxRegions
from raygroup.training.spotter.spotter_samples import SpotterSample
from raygroup.words.charset import Charset


@dataclass(frozen=True, eq=False)
class WordBatch:
    """The w words of a step that heads learn to read."""

    boxes: Tensor
    images: Tensor
    masks: Tensor
    instance_masks: Tensor
    rectangles: WordRectangles
    tasks: Tensor
    crops: Tensor
    """What a crop reader gets, (w, 32, 96), uint8."""
    labels: Batch
    """Its ``words`` are empty: features come from the network."""


@dataclass(frozen=True, eq=False)
class BoxBatch:
    """The regions of a step that train the box head."""

    boxes: Tensor
    images: Tensor
    masks: Tensor
    labels: Tensor
    deltas: Tensor


def word_batch(samples: Sequence[SpotterSample], charset: Charset, device: str, dtype: torch.dtype) -> WordBatch:
    """Return the words of all samples."""
    words = [sample.words for sample in samples]
    targets, lengths = encode_labels([label for each in words for label in each.labels], charset)
    order = longest_first(lengths)
    regions = [each.regions for each in words]

    def stacked(arrays: Sequence[NDArray[np.generic]]) -> Tensor:
        return torch.from_numpy(np.concatenate(arrays)[order]).to(device)

    rectangles = WordRectangles(
        stacked([each.in_image for each in regions]).to(dtype), stacked([each.in_box for each in regions]).to(dtype),
        stacked([each.filled for each in regions]).to(dtype),
    )  # fmt: skip
    return WordBatch(
        stacked([each.boxes for each in regions]).to(dtype), stacked(_image_numbers([len(each.labels) for each in words])),
        stacked([each.masks for each in regions]), stacked([each.instance_masks for each in words]), rectangles,
        stacked([each.tasks for each in words]), stacked([each.crops for each in words]),
        make_batch(torch.zeros(len(lengths), 0), targets[order], lengths[order]).to(device),
    )  # fmt: skip


def box_batch(regions: Sequence[BoxRegions], device: str, dtype: torch.dtype) -> BoxBatch:
    """Return the regions of all samples."""
    names = ("boxes", "masks", "labels", "deltas")
    boxes, masks, labels, deltas = (
        torch.from_numpy(np.concatenate([getattr(each, name) for each in regions])).to(device) for name in names
    )
    images = torch.from_numpy(np.concatenate(_image_numbers([len(each.labels) for each in regions]))).to(device)
    return BoxBatch(boxes.to(dtype), images, masks, labels, deltas.to(dtype))


def _image_numbers(counts: Sequence[int]) -> list[NDArray[np.int64]]:
    return [np.full(count, number, np.int64) for number, count in enumerate(counts)]
