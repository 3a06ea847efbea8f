import numpy as np
import pytest
from shared_fixtures import reference, reference_tensor

from raygroup.scenes.scene import Instance
from raygroup.spotting.offsets import shrink_polygons
from raygroup.training.spotter.segmentation_targets import labelled_polygons, reference_targets, segmentation_targets


def rectangle(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def dice_loss(probabilities, targets):
    shown, kernels = probabilities * targets.weights, targets.kernels * targets.weights
    return 1 - 2 * (shown * kernels).sum() / (shown.sum() + kernels.sum() + 1e-6)


@pytest.mark.parametrize("ignores", [True, False])
def test_targets_are_those_of_the_reference_pixel_by_pixel(ignores):
    about, arrays = reference("spn_targets")
    polygons = [flat.reshape(-1, 2) for flat in np.split(arrays["poly"], arrays["poly_off"][1:-1])]
    is_ignored = np.array(about["labels"]) == -1
    targets = reference_targets(polygons, is_ignored & ignores, (192, 256))
    for name, drawn in (("seg", targets.kernels), ("mask", targets.weights)):
        np.testing.assert_array_equal(drawn, np.unpackbits(arrays[f"{name}_ign{ignores}"]).reshape(192, 256))


def test_the_dice_of_the_reference_is_met():
    about, arrays = reference("spn_targets")
    polygons = [flat.reshape(-1, 2) for flat in np.split(arrays["poly"], arrays["poly_off"][1:-1])]
    targets = reference_targets(polygons, np.array(about["labels"]) == -1, (192, 256))
    probabilities = reference_tensor()("spn.pred", (1, 1, 192, 256), 0, 1)[0, 0].astype(np.float64)
    assert dice_loss(probabilities, targets) == pytest.approx(float(arrays["dice"]), abs=1e-6)


def test_a_kernel_covers_the_shrunk_rectangle():
    # A = 4000, L = 280: d = 4000 x 0.84 / 280 = 12, so 76 x 16 of 100 x 40 are left
    targets = segmentation_targets([rectangle(10, 10, 110, 50)], np.array([False]), (64, 128))
    expected = np.zeros((64, 128), np.uint8)
    expected[22:38, 22:98] = 1
    np.testing.assert_array_equal(targets.kernels, expected)
    assert targets.weights.all()


@pytest.mark.parametrize("degrees", [0, 10, 45])
def test_a_kernel_has_the_area_of_its_polygon_wherever_it_lies(degrees):
    random, drawn, exact = np.random.default_rng(0), 0, 0.0
    turn = np.array(
        [[np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], [-np.sin(np.radians(degrees)), np.cos(np.radians(degrees))]]
    )
    for _ in range(50):
        word = (rectangle(-40, -12, 40, 12) @ turn) + 60 + random.uniform(-1, 1, 2)
        drawn += segmentation_targets([word], np.array([False]), (120, 120)).kernels.sum()
        # A = 1920, L = 208: d = 7.754
        exact += (80 - 2 * 7.75385) * (24 - 2 * 7.75385)
    # OpenCV fills a little less than half a pixel more on slopes
    assert drawn / exact == pytest.approx(1, abs=0.04)


def test_dont_cares_and_small_words_are_ignored_but_for_kernels_on_them():
    polygons = [rectangle(0, 0, 40, 30), rectangle(4, 4, 36, 26), rectangle(60, 10, 90, 16)]
    targets = segmentation_targets(polygons, np.array([True, False, False]), (40, 100))
    assert targets.kernels[15, 20] == targets.weights[15, 20] == 1
    assert targets.weights[2, 2] == 0
    assert targets.weights[13, 75] == targets.kernels[13, 75] == 0
    assert targets.weights[35, 50] == 1


def test_a_scene_without_words_has_an_empty_target():
    targets = segmentation_targets([], np.zeros(0, bool), (8, 8))
    assert not targets.kernels.any()
    assert targets.weights.all()


def test_words_outside_the_image_are_cut_off():
    targets = segmentation_targets([rectangle(-50, -20, 50, 20), rectangle(500, 500, 600, 540)], np.zeros(2, bool), (32, 64))
    assert targets.kernels[0, 0] == 1
    assert targets.kernels[:, 60:].sum() == 0


def test_word_crops_have_no_polygon_and_take_no_part():
    word = Instance(rectangle(0, 0, 10, 10), "ab", dont_care=True)
    polygons, is_ignored = labelled_polygons([word, Instance(None, "cd", dont_care=False)])
    assert len(polygons) == 1
    assert is_ignored.tolist() == [True]


def test_a_polygon_too_thin_for_the_inset_has_no_kernel():
    assert [len(kernel) for kernel in shrink_polygons([rectangle(0, 0, 50, 2)], inset=0.5)] == [0]
