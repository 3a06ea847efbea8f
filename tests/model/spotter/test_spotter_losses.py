import math

import pytest
import torch

from raygroup.model.spotter.losses import (
    box_losses,
    dice_loss,
    first_positives,
    grouping_losses,
    hard_negative_loss,
    language_loss,
    mask_loss,
    recognition_weights,
    segmentation_loss,
)


def test_dice_is_averaged_over_the_images_that_have_text():
    probability = torch.tensor([[[0.5, 0.5]], [[1.0, 0.0]], [[0.9, 0.9]]])
    text = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 0.0]]])
    # Image 0: 1 - 2 * 0.5 / (1 + 1) = 0.5. Image 1: 0. Image 2 has no text.
    assert dice_loss(probability, text, torch.ones(3, 1, 2)).item() == pytest.approx(0.25, abs=1e-5)


def test_dice_of_one_image_equals_the_references_fraction_and_skips_pixels_without_weight():
    probability, text, weight = torch.tensor([[[0.8, 0.4, 0.9]]]), torch.tensor([[[1.0, 0.0, 0.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]])
    assert dice_loss(probability, text, weight).item() == pytest.approx(1 - 1.6 / (1.2 + 1.0), abs=1e-5)


def test_a_batch_without_text_has_a_dice_of_zero_that_reaches_the_network():
    probability = torch.rand(2, 3, 3, requires_grad=True)
    loss = dice_loss(probability, torch.zeros(2, 3, 3), torch.ones(2, 3, 3))
    loss.backward()
    assert loss.item() == 0
    assert probability.grad.abs().sum() == 0


def test_only_the_hardest_other_pixels_count():
    # One text pixel of logit 0, and others of which only the hardest three have a high loss.
    logits = torch.tensor([[[0.0, 3.0, 2.0, 1.0, -9.0, -9.0]]])
    text = torch.tensor([[[1.0, 0, 0, 0, 0, 0]]])
    expected = (math.log(2) + sum(math.log1p(math.exp(value)) for value in (3, 2, 1))) / 4
    assert hard_negative_loss(logits, text, torch.ones(1, 1, 6), least=0).item() == pytest.approx(expected, rel=1e-6)


def test_pixels_without_weight_are_no_hard_negatives():
    logits, text, weight = torch.tensor([[[5.0, -1.0]]]), torch.zeros(1, 1, 2), torch.tensor([[[0.0, 1.0]]])
    assert hard_negative_loss(logits, text, weight).item() == pytest.approx(math.log1p(math.exp(-1)), rel=1e-6)


def test_hard_negatives_are_an_option_of_the_segmentation_loss():
    logits, text, weight = torch.tensor([[[0.0, 1.0]]]), torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1, 2)
    dice = segmentation_loss(logits, text, weight)
    both = segmentation_loss(logits, text, weight, hard_negatives=True)
    assert dice == dice_loss(logits.sigmoid(), text, weight)
    assert both - dice == hard_negative_loss(logits, text, weight)


def test_box_changes_are_summed_over_text_and_divided_by_all_regions():
    changes = torch.zeros(4, 8)
    changes[:, 4] = 3.0
    targets = torch.zeros(4, 4)
    targets[0, 0] = 1.0  # off by 2: a loss of 1.5
    score, change = box_losses(torch.zeros(4, 2), changes, torch.tensor([1, 0, 0, 0]), targets)
    assert score.item() == pytest.approx(math.log(2))
    assert change.item() == pytest.approx(1.5 / 4)


def test_the_first_positives_of_each_image_are_in_the_order_of_the_regions():
    labels, images = torch.tensor([1, 0, 1, 1, 1, 1]), torch.tensor([0, 0, 0, 1, 0, 1])
    assert first_positives(labels, images, most=2).tolist() == [0, 2, 3, 5]


def test_losses_without_regions_or_words_are_zero_and_have_gradients():
    logits, changes = torch.zeros(0, 2, requires_grad=True), torch.zeros(0, 8, requires_grad=True)
    empty = torch.zeros(0, dtype=torch.long)
    losses = [
        *box_losses(logits, changes, empty, torch.zeros(0, 4)),
        mask_loss(torch.zeros(0, 4, 4, requires_grad=True), torch.zeros(0, 4, 4)),
    ]
    losses.append(language_loss(torch.zeros(0, 7, requires_grad=True), empty))
    assert all(loss.item() == 0 and loss.requires_grad for loss in losses)


def test_a_characters_weight_is_half_its_words_weight_over_the_number_of_words():
    p_wm = torch.tensor([[0.2, 0.8], [1.0, 0.0]])
    weights = recognition_weights(p_wm, torch.tensor([0, 1, 0]))
    assert torch.allclose(weights, torch.tensor([[0.05, 0.25, 0.05], [0.2, 0.0, 0.2]]))


def test_an_idle_head_lacks_its_whole_quota():
    assert grouping_losses(torch.tensor([[1.0, 0.0], [1.0, 0.0]])).tolist() == [0, 1]
