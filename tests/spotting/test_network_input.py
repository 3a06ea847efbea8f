from dataclasses import replace

import numpy as np
import pytest
from shared_fixtures import reference

from raygroup.errors import ConfigError
from raygroup.spotting.network_input import COMPACT, REFERENCE, prepare_input, scaled_size, stack_inputs


def test_the_released_preprocessing_gives_the_reference_tensor():
    _, arrays = reference("preproc")
    item = prepare_input(arrays["image_rgb"], replace(REFERENCE, short_side=256))
    assert (item.height, item.width) == tuple(arrays["image_sizes"][0])
    assert item.tensor[None].shape == tuple(arrays["padded_shape"])
    shown = item.tensor[:, : item.height, : item.width]
    np.testing.assert_allclose(shown[:, ::9, ::11], arrays["tensor_slice"], rtol=1e-4, atol=1e-4)
    assert not item.tensor[:, :, item.width :].any()


@pytest.mark.parametrize(("short", "long"), [(1000, 4000), (2000, 2560)])
def test_the_released_rule_of_sizes_is_followed_where_the_long_side_meets_its_limit(short, long):
    _, arrays = reference("preproc")
    settings = replace(REFERENCE, short_side=short, long_side=long)
    sizes = [scaled_size(int(height), int(width), settings) for width, height in arrays["sizes_in"]]
    assert sizes == [tuple(size) for size in arrays[f"sizes_out_{short}_{long}"].tolist()]


def test_the_compact_network_takes_small_photographs_as_they_are():
    photograph = np.full((40, 70, 3), (118, 178, 58), np.uint8)
    item = prepare_input(photograph, COMPACT)
    assert item.tensor.shape == (3, 64, 96)
    assert item.scale == (1, 1)
    np.testing.assert_allclose(item.tensor[:, 39, 69], (0, 1, -1), atol=1e-6)
    assert not item.tensor[:, 40:].any()
    assert not item.tensor[:, :, 70:].any()


def test_points_return_to_the_photograph_they_came_from():
    item = prepare_input(np.zeros((300, 1000, 3), np.uint8), replace(COMPACT, long_side=500))
    assert (item.height, item.width, item.scale) == (150, 500, (0.5, 0.5))
    corner = np.array([[999.0, 7.0]])
    np.testing.assert_allclose(item.to_tensor(corner), [[499.5, 3.5]])
    np.testing.assert_allclose(item.to_photograph(item.to_tensor(corner)), corner)


@pytest.mark.parametrize("settings", [COMPACT, REFERENCE])
@pytest.mark.parametrize(("height", "width"), [(1, 20_000), (20_000, 1), (1, 1), (300, 20_000)])
def test_an_extreme_photograph_keeps_at_least_one_pixel_and_its_limit(settings, height, width):
    high, wide = scaled_size(height, width, replace(settings, short_side=settings.short_side and 64, long_side=256))
    assert min(high, wide) >= 1
    # the released rule rounds the short side first, and one pixel stands for less
    assert max(high, wide) <= 256 * 1.05 or min(high, wide) == 1


def test_a_batch_pads_smaller_images():
    items = [prepare_input(np.full((size, 32, 3), 255, np.uint8), COMPACT) for size in (32, 64)]
    batch = stack_inputs(items)
    assert batch.shape == (2, 3, 64, 32)
    assert not batch[0, :, 32:].any()
    assert batch[1].all()


@pytest.mark.parametrize("photograph", [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_pixels_of_another_form_are_refused_in_one_line(photograph):
    with pytest.raises(ConfigError, match=r"^photograph: .* must be \(height, width, 3\) of uint8"):
        prepare_input(photograph, COMPACT)
