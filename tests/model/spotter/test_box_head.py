import math

import numpy as np
import pytest
import torch
from shared_fixtures import reference

from raygroup.model.spotter.box_head import clip_boxes, decode_boxes, encode_boxes
from raygroup.model.spotter.losses import box_losses


def test_a_change_of_zero_takes_one_pixel_off_the_far_corners():
    box = torch.tensor([[10.0, 20, 50, 40]])
    assert decode_boxes(box, torch.zeros(1, 8)).tolist() == [[10, 20, 49, 39]]


def test_a_change_moves_the_centre_by_tenths_of_the_size_and_scales_by_powers_of_e():
    box, change = torch.tensor([[10.0, 20, 50, 40]]), torch.tensor([[9.0, 9, 9, 9, 1, -2, 5 * math.log(2), 0]])
    # The centre (30, 30) moves by (40 / 10, -2 * 20 / 10), and the width 40 doubles.
    assert torch.allclose(decode_boxes(box, change), torch.tensor([[34.0 - 40, 26 - 10, 34 + 40 - 1, 26 + 10 - 1]]), atol=1e-4)


def test_growth_is_limited():
    box, change = torch.tensor([[0.0, 0, 16, 16]]), torch.full((1, 8), 1000.0)
    change[:, :6] = 0
    x1, y1, x2, y2 = decode_boxes(box, change)[0].tolist()
    assert x2 - x1 + 1 == pytest.approx(1000, rel=1e-5)
    assert y2 - y1 + 1 == pytest.approx(1000, rel=1e-5)


def test_encoded_boxes_decode_to_their_targets_but_for_the_pixel():
    boxes, targets = torch.tensor([[10.0, 20, 50, 40], [0, 0, 9, 3]]), torch.tensor([[14.0, 18, 70, 44], [3, 1, 9, 5]])
    changes = torch.cat([torch.zeros(2, 4), encode_boxes(boxes, targets)], 1)
    assert torch.allclose(decode_boxes(boxes, changes), targets - torch.tensor([0, 0, 1, 1]), atol=1e-4)


@pytest.mark.parametrize("case", ["a", "b"])
def test_decoded_and_clipped_boxes_equal_the_references(case):
    about, numbers = reference("box_post")
    proposals, logits, changes = (torch.from_numpy(numbers[f"{case}_{name}"]) for name in ("proposals", "logits", "deltas"))
    kept = torch.from_numpy(numbers[f"{case}_kept"])
    sizes = torch.tensor(about["image_size_wh"][case]).expand(len(proposals), 2)
    boxes = clip_boxes(decode_boxes(proposals, changes), sizes)
    assert np.allclose(boxes[kept].numpy(), numbers[f"{case}_boxes"], rtol=1e-5, atol=1e-4)
    assert np.allclose(logits.softmax(1)[kept, 1].numpy(), numbers[f"{case}_scores"], atol=1e-6)


def test_box_losses_and_gradients_equal_the_references():
    _, numbers = reference("box_post")
    logits, changes = (torch.from_numpy(numbers[f"t_{name}"]).requires_grad_() for name in ("logits", "deltas"))
    labels, targets = (torch.from_numpy(numbers[f"t_sub_{name}"]) for name in ("labels", "reg"))
    score, change = box_losses(logits, changes, labels, targets)
    assert score.item() == pytest.approx(float(numbers["t_loss_cls"]), rel=1e-5)
    assert change.item() == pytest.approx(float(numbers["t_loss_box"]), rel=1e-5)
    (score + change).backward()
    assert np.allclose(logits.grad.numpy(), numbers["t_grad_logits"], atol=1e-7)
    assert np.allclose(changes.grad.numpy(), numbers["t_grad_deltas"], atol=1e-7)


def test_encoded_targets_equal_the_references():
    _, numbers = reference("box_post")
    positive = numbers["t_sub_labels"] == 1
    boxes, truth = torch.from_numpy(numbers["t_sub_boxes"][positive]), torch.from_numpy(numbers["t_gt"])
    expected = numbers["t_sub_reg"][positive]
    # Each region's target is one of the labelled boxes.
    distances = torch.stack([(encode_boxes(boxes, one.expand(len(boxes), 4)) - torch.from_numpy(expected)).abs().amax(1) for one in truth])
    assert distances.amin(0).max() < 1e-4
