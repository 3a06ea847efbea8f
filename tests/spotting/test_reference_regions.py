import numpy as np
import pytest
from shared_fixtures import reference

from raygroup.spotting.offsets import grow_on_grid
from raygroup.spotting.reference_regions import ReferenceSettings, reference_regions

NAMES = ("two_rects", "rotated_and_arc", "bridge_and_hole", "border", "tiny", "low_contrast", "concave")


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", NAMES)
def test_the_released_regions_are_found_point_by_point(name, mode):
    about, arrays = reference("seg_post")
    probabilities = arrays["maps"][about["names"].index(name)].astype(np.float32)
    regions = reference_regions(probabilities, tuple(about["image_shape_hw"][name]), ReferenceSettings(), training=mode == "train")
    expected = {key: arrays[f"{mode}_{name}_{key}"] for key in ("boxes", "scores", "rboxes", "poly", "poly_off")}
    np.testing.assert_array_equal(regions.boxes, expected["boxes"])
    np.testing.assert_allclose(regions.rectangles, expected["rboxes"], atol=1e-4)
    np.testing.assert_allclose(regions.scores, expected["scores"], atol=5e-3)
    np.testing.assert_array_equal(np.concatenate([polygon.ravel() for polygon in regions.polygons]), expected["poly"])
    assert [2 * len(polygon) for polygon in regions.polygons] == np.diff(expected["poly_off"]).tolist()


def test_a_map_without_text_gives_no_regions():
    regions = reference_regions(np.full((64, 96), 0.05, np.float32), (60, 90), ReferenceSettings())
    assert len(regions) == len(regions.polygons) == 0
    assert regions.boxes.shape == (0, 4)


def test_the_first_regions_are_kept_and_not_the_best():
    probabilities = np.zeros((64, 64), np.float32)
    probabilities[4:20, 4:40] = 0.9
    probabilities[40:56, 4:40] = 0.5
    regions = reference_regions(probabilities, (64, 64), ReferenceSettings(most_regions=1))
    np.testing.assert_allclose(regions.scores, [0.5], atol=1e-3)


@pytest.mark.parametrize("growth", [1.5, 3.0])
def test_polygons_grow_as_the_released_code_grows_them(growth):
    _, arrays = reference("seg_post")
    for number in range(5):
        polygon = arrays[f"unclip_in_{number}"].astype(np.float64)
        np.testing.assert_array_equal(grow_on_grid(polygon, growth), arrays[f"unclip_{number}_r{growth}"])
