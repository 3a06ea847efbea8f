import numpy as np
from shared_fixtures import reference

from raygroup.spotting.mask_polygons import mask_outline


def test_outlines_are_those_of_the_reference():
    _, arrays = reference("mask2polygon")
    for number, (mask, box) in enumerate(zip(arrays["masks"].astype(np.float32), arrays["boxes"], strict=True)):
        outline = mask_outline(mask, box)
        if not len(arrays[f"poly_{number}"]):
            assert outline is None
            continue
        np.testing.assert_array_equal(outline.polygon.ravel(), arrays[f"poly_{number}"])
        np.testing.assert_array_equal(outline.rectangle.ravel(), arrays[f"rbox_{number}"])


def test_a_full_mask_is_its_box():
    outline = mask_outline(np.ones((64, 64), np.float32), (10.7, 20.2, 50.9, 40.5))
    # from the first to the last pixel of 40 x 20
    assert {tuple(corner) for corner in outline.polygon.tolist()} == {(10, 20), (49, 20), (49, 39), (10, 39)}


def test_a_box_without_a_width_has_no_outline_or_one_pixel():
    assert mask_outline(np.zeros((64, 64), np.float32), (5, 5, 5, 5)) is None
    assert len(mask_outline(np.ones((64, 64), np.float32), (5, 5, 5, 5)).polygon) == 1
