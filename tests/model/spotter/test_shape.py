import pytest
import torch
from small_spotter import small_bank, small_spotter

from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.model.spotter.shape import COMPACT, REFERENCE
from raygroup.model.spotter.spotter import Spotter


def num_weights(module):
    return sum(value.numel() for value in module.state_dict().values())


def empty_spotter(shape, tasks):
    with torch.device("meta"):
        return Spotter(shape, tasks, RecognitionHeads([small_bank(1, 12, 4)]))


def test_the_reference_has_the_released_numbers_of_weights():
    spotter = empty_spotter(REFERENCE, 8)
    assert num_weights(spotter.trunk) == 23_561_152 + 3_344_384
    assert num_weights(spotter.segmentation) == 754_499
    assert num_weights(spotter.box) == 13_905_930
    assert num_weights(spotter.mask) == 2_360_320 + 262_400 + 257
    assert num_weights(spotter.language) == 107_176


def test_the_compact_detector_has_1_16_million_weights():
    spotter = empty_spotter(COMPACT, 7)
    assert sum(value.numel() for part in (spotter.trunk, spotter.segmentation) for value in part.parameters()) == pytest.approx(
        1.16e6, rel=0.01
    )


def test_maps_and_regions_have_the_sizes_of_the_image_and_of_the_shape():
    spotter = small_spotter()
    maps = spotter.maps(torch.randn(2, 3, 64, 96))
    assert maps.logits.shape == (2, 64, 96)
    assert maps.fused.shape == (2, 16, 16, 24)
    boxes, images = torch.tensor([[4.0, 4, 40, 20], [0, 0, 90, 60]]), torch.tensor([0, 1])
    logits, changes = spotter.score_boxes(maps.fused, boxes, images, torch.ones(2, 7, 7))
    assert (logits.shape, changes.shape) == ((2, 2), (2, 8))
    words = spotter.word_features(maps.fused, boxes, images, torch.ones(2, 32, 32))
    assert words.planes.shape == (2, 8, 64, 64)
    assert words.mask_logits.shape == (2, 64, 64)
    assert words.task_logits.shape == (2, 3)


def test_an_image_without_regions_gives_empty_results():
    spotter = small_spotter()
    fused = spotter.maps(torch.randn(1, 3, 64, 64)).fused
    none = torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)
    assert spotter.score_boxes(fused, *none, torch.zeros(0, 7, 7))[0].shape == (0, 2)
    assert spotter.word_features(fused, *none, torch.zeros(0, 32, 32)).planes.shape == (0, 8, 64, 64)


def test_features_outside_a_mask_are_zero_after_the_four_convolutions():
    spotter, masks = small_spotter(), torch.zeros(1, 32, 32)
    masks[:, 8:16, 4:20] = 1
    features = spotter.mask.masked_features(torch.randn(1, 16, 32, 32), masks)
    assert features[:, :, masks[0] == 0].abs().sum() == 0
    assert features[:, :, masks[0] == 1].abs().sum() > 0


def test_masks_of_another_size_are_refused():
    spotter = small_spotter()
    with pytest.raises(ValueError, match=r"masks have the shape \(1, 7, 7\): it must be \(1, 32, 32\)"):
        spotter.mask.masked_features(torch.randn(1, 16, 32, 32), torch.zeros(1, 7, 7))
