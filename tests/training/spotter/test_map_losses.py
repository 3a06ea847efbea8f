"""The losses on maps, worked by hand, and as sums over parts of a batch."""

import math

import pytest
import torch

from raygroup.training.spotter.map_losses import map_losses

LOGIT = math.log(3)  # a probability of 3/4


def test_the_dice_loss_of_a_sample_by_hand():
    text = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    logits = torch.full((1, 1, 4), LOGIT)
    sums = map_losses(logits, text, torch.ones_like(text), 3.0)
    assert sums.counts[0] == 1
    assert sums.totals[0].item() == pytest.approx(1 - 2 * 1.5 / (3 + 2), abs=1e-5)  # overlap 2 * 3/4, sizes 3 and 2


def test_the_cross_entropy_counts_the_hardest_pixels_without_text():
    text = torch.zeros(1, 1, 1000)
    text[..., :200] = 1
    logits = torch.linspace(-5, 5, 1000)[None, None]
    sums = map_losses(logits, text, torch.ones_like(text), 2.0)
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits, text, reduction="none")[0, 0]
    assert sums.counts[1] == 200 + 400
    assert sums.totals[1].item() == pytest.approx((each[:200].sum() + each[-400:].sum()).item(), rel=1e-5)


def test_pixels_without_weight_change_nothing():
    generator = torch.Generator().manual_seed(0)
    logits, text = torch.randn(2, 8, 8, generator=generator), (torch.rand(2, 8, 8, generator=generator) > 0.7).float()
    weight = (torch.rand(2, 8, 8, generator=generator) > 0.3).float()
    changed = torch.where(weight > 0, logits, torch.full_like(logits, 9.0))
    one, other = (map_losses(values, text, weight, 3.0) for values in (logits, changed))
    assert torch.allclose(one.totals, other.totals)
    assert torch.equal(one.counts, other.counts)


def test_a_sample_without_text_has_no_dice_loss():
    sums = map_losses(torch.zeros(2, 4, 4), torch.zeros(2, 4, 4), torch.ones(2, 4, 4), 3.0)
    assert sums.totals[0] == 0
    assert sums.counts[0] == 0
    assert sums.totals[1].item() == pytest.approx(32 * math.log(2), rel=1e-6)


def test_the_sums_of_a_batch_are_those_of_its_parts():
    generator = torch.Generator().manual_seed(1)
    logits, text = torch.randn(3, 20, 20, generator=generator), (torch.rand(3, 20, 20, generator=generator) > 0.8).float()
    whole = map_losses(logits, text, torch.ones_like(text), 3.0)
    parts = [map_losses(logits[i : i + 1], text[i : i + 1], torch.ones(1, 20, 20), 3.0) for i in range(3)]
    assert torch.allclose(whole.totals, sum(part.totals for part in parts))
    assert torch.equal(whole.counts, sum(part.counts for part in parts))
