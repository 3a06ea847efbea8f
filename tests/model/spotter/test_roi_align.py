import importlib.util
import math

import numpy as np
import pytest
import torch
from shared_fixtures import reference, reference_tensor

from raygroup.model.spotter.roi_align import roi_align


def features_and_regions():
    _, numbers = reference("roi_align")
    features = torch.from_numpy(reference_tensor()("roi.feat", (2, 6, 40, 56)))
    rois = torch.from_numpy(numbers["rois"])
    return features, rois[:, 1:], rois[:, 0].long(), numbers


@pytest.mark.parametrize("size", [7, 32])
def test_regions_and_gradients_equal_the_references(size):
    features, boxes, images, numbers = features_and_regions()
    features.requires_grad_()
    regions = roi_align(features, boxes, images, size)
    channels = 1 if size == 7 else 2
    assert np.allclose(regions[:, ::channels].detach().numpy(), numbers[f"out_{size}"], atol=1e-5)
    regions.backward(torch.from_numpy(reference_tensor()(f"roi.g{size}", tuple(regions.shape))))
    assert np.allclose(features.grad[:, ::3, ::2, ::2].numpy(), numbers[f"grad_{size}"], atol=1e-5 * abs(numbers[f"grad_{size}"]).max())


def one_bin_at_a_time(features, boxes, images, size):
    """Restate RoIAlign sample by sample."""
    _, channels, height, width = features.shape
    out = torch.zeros(len(boxes), channels, size, size)
    for r, ((x1, y1, x2, y2), image) in enumerate(zip((boxes / 4).tolist(), images.tolist(), strict=True)):
        step_x, step_y = max(x2 - x1, 1) / size, max(y2 - y1, 1) / size
        for row in range(size * 2):
            for column in range(size * 2):
                y, x = y1 + (row + 0.5) * step_y / 2, x1 + (column + 0.5) * step_x / 2
                if not (-1 <= y <= height and -1 <= x <= width):
                    continue
                y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
                top, left = math.floor(y), math.floor(x)
                for i, share_y in ((top, 1 - (y - top)), (top + 1, y - top)):
                    for j, share_x in ((left, 1 - (x - left)), (left + 1, x - left)):
                        if share_y and share_x:
                            out[r, :, row // 2, column // 2] += features[image, :, i, j] * share_y * share_x / 4
    return out


BOXES = torch.tensor(
    [[3.0, 5, 30, 17], [-20, -9, 12, 8], [30, 20, 60, 60], [8, 8, 8, 8], [0, 0, 39, 27], [-50, 0, -30, 10], [36, 24, 39.9, 27.9],
     [9.5, 0, 11, 28]]
)  # fmt: skip
"""Inside, over each border, empty, the whole image, outside, in the last pixel, and narrow."""


def test_regions_equal_those_of_a_loop_over_samples():
    torch.manual_seed(0)
    features, images = torch.randn(3, 2, 7, 10), torch.tensor([0, 1, 2, 2, 1, 0, 0, 1])
    assert torch.allclose(roi_align(features, BOXES, images, 3), one_bin_at_a_time(features, BOXES, images, 3), atol=1e-6)


def test_features_one_pixel_high_have_regions_too():
    features, images = torch.arange(6.0).view(1, 1, 1, 6), torch.zeros(8, dtype=torch.long)
    assert torch.allclose(roi_align(features, BOXES, images, 3), one_bin_at_a_time(features, BOXES, images, 3), atol=1e-6)


def test_no_regions_give_an_empty_result_that_reaches_the_features():
    features = torch.ones(1, 4, 8, 8, requires_grad=True)
    regions = roi_align(features, torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), 7)
    assert regions.shape == (0, 4, 7, 7)
    regions.sum().backward()
    assert features.grad.abs().sum() == 0


@pytest.mark.skipif(importlib.util.find_spec("torchvision") is None, reason="torchvision is not installed")
def test_regions_equal_torchvisions():
    try:
        from torchvision.ops import roi_align as torchvision_roi_align
    except (ImportError, RuntimeError, AttributeError) as error:
        pytest.skip(f"torchvision does not work here: {error}")
    features, boxes, images, _ = features_and_regions()
    rois = torch.cat([images[:, None].float(), boxes], 1)
    expected = torchvision_roi_align(features, rois, 7, 0.25, 2, aligned=False)
    assert torch.allclose(roi_align(features, boxes, images, 7), expected, atol=1e-5)
