import numpy as np
import pytest
from shared_fixtures import reference

from raygroup.spotting.roi_masks import roi_masks


@pytest.mark.parametrize("size", [7, 32, 64])
def test_masks_are_those_of_the_reference(size):
    _, arrays = reference("roi_mask")
    polygons = [flat.reshape(-1, 2) for flat in np.split(arrays["poly"], arrays["poly_off"][1:-1])]
    np.testing.assert_array_equal(roi_masks(polygons, arrays["boxes"], size), arrays[f"mask_{size}"])


def test_an_upright_rectangle_covers_the_pixels_whose_centres_it_holds():
    rectangle = np.array([[2.0, 1.0], [6.0, 1.0], [6.0, 3.0], [2.0, 3.0]])
    mask = roi_masks([rectangle], np.array([[0.0, 0.0, 8.0, 8.0]]), 8)[0]
    expected = np.zeros((8, 8), np.uint8)
    expected[1:3, 2:6] = 1
    np.testing.assert_array_equal(mask, expected)


def test_the_box_is_stretched_to_the_mask():
    rectangle = np.array([[100.0, 50.0], [150.0, 50.0], [150.0, 60.0], [100.0, 60.0]])
    mask = roi_masks([rectangle], np.array([[100.0, 50.0, 200.0, 60.0]]), 10)[0]
    assert mask[:, :5].all()
    assert not mask[:, 5:].any()


def test_no_words_have_no_masks():
    assert roi_masks([], np.zeros((0, 4)), 7).shape == (0, 7, 7)


def test_a_polygon_without_an_area_and_one_outside_its_box_have_empty_masks():
    polygons = [np.zeros((3, 2)), np.array([[50.0, 50.0], [60.0, 50.0], [60.0, 60.0]])]
    assert not roi_masks(polygons, np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 20.0, 20.0]]), 32).any()


def test_a_huge_polygon_covers_a_box_of_one_pixel():
    # a walk along its outline would take 128 million steps for each
    corners = np.array([[-1e5, -1e5], [1e5, -1e5], [1e5, 1e5], [-1e5, 1e5]])
    assert roi_masks([corners] * 100, np.zeros((100, 4)), 32).all()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_any_polygon_has_the_mask_that_pycocotools_draws():
    coco = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    polygons = [
        random.normal(random.uniform(0, 90, 2), 25, (random.integers(3, 25), 2)).round(int(random.integers(0, 3))) for _ in range(200)
    ]
    boxes = np.array([[*polygon.min(axis=0), *polygon.max(axis=0)] for polygon in polygons]) + random.normal(0, 6, (200, 4))
    for size in (7, 32):
        scales = size / np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
        flats = [((polygon - box[:2]) * scale).ravel().tolist() for polygon, box, scale in zip(polygons, boxes, scales, strict=True)]
        expected = [coco.decode(coco.frPyObjects([flat], size, size))[..., 0] for flat in flats]
        np.testing.assert_array_equal(roi_masks(polygons, boxes, size), np.stack(expected))
