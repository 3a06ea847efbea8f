import numpy as np
import pytest
from shared_fixtures import reference

from raygroup.spotting.boxes import box_overlaps, clip_boxes, decode_boxes, detect_boxes, distinct_boxes, encode_boxes


@pytest.mark.parametrize("case", ["a", "b"])
def test_the_released_boxes_are_found(case):
    about, arrays = reference("box_post")
    width, height = about["image_size_wh"][case]
    words = detect_boxes(*(arrays[f"{case}_{name}"] for name in ("proposals", "logits", "deltas")), (height, width))
    np.testing.assert_array_equal(words.proposals, arrays[f"{case}_kept"])
    np.testing.assert_allclose(words.boxes, arrays[f"{case}_boxes"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(words.scores, arrays[f"{case}_scores"], rtol=1e-5, atol=1e-5)


def test_deltas_of_zero_keep_a_proposal_but_for_its_last_pixel():
    proposal = np.array([[10, 20, 30, 60]], np.float32)
    np.testing.assert_allclose(decode_boxes(proposal, np.zeros((1, 4), np.float32)), [[10, 20, 29, 59]])


def test_decoding_undoes_encoding_but_for_the_last_pixel():
    proposals = np.array([[10, 20, 30, 60], [0, 0, 5, 9]], np.float32)
    boxes = np.array([[12, 15, 40, 50], [3, 3, 9, 7]], np.float32)
    expected = boxes - np.array([0, 0, 1, 1], np.float32)
    np.testing.assert_allclose(decode_boxes(proposals, encode_boxes(boxes, proposals)), expected, atol=1e-4)


def test_a_box_grows_at_most_62_5_times():
    proposal, deltas = np.array([[0, 0, 10, 10]], np.float32), np.array([[0, 0, 1e6, 0]], np.float32)
    x1, _, x2, _ = decode_boxes(proposal, deltas)[0]
    assert x2 + 1 - x1 == pytest.approx(625, rel=1e-5)


def test_boxes_end_at_the_last_pixel():
    np.testing.assert_array_equal(clip_boxes(np.array([[-3, -3, 500, 500]], np.float32), (20, 30)), [[0, 0, 29, 19]])


def test_overlaps_count_the_last_pixel():
    # 10 x 10 and 10 x 10 pixels share 5 x 10
    boxes = np.array([[0, 0, 9, 9], [5, 0, 14, 9]], np.float32)
    np.testing.assert_allclose(box_overlaps(boxes, boxes), [[1, 1 / 3], [1 / 3, 1]], rtol=1e-6)


def test_a_box_that_only_a_dropped_box_overlaps_is_kept():
    boxes = np.array([[0, 0, 9, 9], [0, 3, 9, 12], [0, 6, 9, 15]], np.float32)
    scores = np.array([0.9, 0.8, 0.7], np.float32)
    # neighbours share 7 of 13 rows, and the outer two 4 of 16
    assert distinct_boxes(boxes, scores).tolist() == [0, 2]
    assert distinct_boxes(boxes, scores[::-1]).tolist() == [0, 2]


def test_no_proposals_give_no_words():
    empty = np.zeros((0, 4), np.float32)
    words = detect_boxes(empty, np.zeros((0, 2), np.float32), np.zeros((0, 8), np.float32), (32, 32))
    assert words.boxes.shape == (0, 4)
    assert len(words.proposals) == 0


def test_boxes_as_good_as_the_hundredth_are_kept_too():
    boxes = np.array([[40 * place, 0, 40 * place + 9, 9] for place in range(12)], np.float32)
    logits = np.zeros((12, 2), np.float32)
    logits[:4, 1] = 3
    words = detect_boxes(boxes, logits, np.zeros((12, 8), np.float32), (100, 1000), most_boxes=6)
    assert len(words.boxes) == 12
    assert len(detect_boxes(boxes, logits, np.zeros((12, 8), np.float32), (100, 1000), most_boxes=4).boxes) == 4
