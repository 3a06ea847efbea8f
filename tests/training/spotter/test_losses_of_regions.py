"""The losses of a step are sums that can be added over workers, and R_TM learns from recognition."""

import math

import numpy as np
import torch

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.ctc import CtcBank
from raygroup.model.heads.ctc_paths import path_nll, spell
from raygroup.model.losses import integrated_loss, sequence_loss
from raygroup.model.spotter.recognition import BankLabels, RecognitionHeads
from raygroup.spotting_config import LOSSES, SpotterHeads
from raygroup.training.label_batches import make_batch
from raygroup.training.spotter.spotter_losses import box_sums, distillation_sums, mask_sums, reading_sums, stack_sums


def test_box_changes_of_background_cost_nothing():
    changes = torch.zeros(2, 8)
    sums = box_sums(torch.zeros(2, 2), changes, torch.tensor([1, 0]), torch.tensor([[3.0, 0, 0, 0], [9.0, 9, 9, 9]]))
    assert math.isclose(sums["box_score"][0].item(), 2 * math.log(2), rel_tol=1e-6)
    assert sums["box_change"][0].item() == 2.5  # smooth L1 of 3
    assert sums["box_score"][1] == sums["box_change"][1] == 2


def test_a_words_mask_and_features_count_once_whatever_their_size():
    masks = mask_sums(torch.zeros(3, 4, 4), torch.ones(3, 4, 4))["mask"]
    features = distillation_sums(torch.zeros(2, 3, 5), torch.full((2, 3, 5), 2.0))["distillation"]
    assert math.isclose(masks[0].item(), 3 * math.log(2), rel_tol=1e-6)
    assert masks[1] == 3
    assert (features[0].item(), features[1]) == (8.0, 2)


def test_no_words_cost_nothing():
    assert mask_sums(torch.zeros(0, 4, 4), torch.zeros(0, 4, 4))["mask"][0].item() == 0
    assert distillation_sums(torch.zeros(0, 3, 5), torch.zeros(0, 3, 5))["distillation"][0].item() == 0


def test_losses_that_were_not_computed_are_zero():
    totals, counts = stack_sums({"mask": (torch.tensor(6.0), 3)}, torch.zeros(()))
    assert dict(zip(LOSSES, zip(totals.tolist(), counts.tolist(), strict=True), strict=True))["mask"] == (6.0, 3.0)
    assert totals.sum() == 6
    assert counts.sum() == 3


def test_recognition_is_eq_8_and_moves_r_tm():
    torch.manual_seed(0)
    bank = HeadBank(2, 6, features=4, positions=(1, 3), embed=3, hidden=5)
    for head in range(2):
        bank.initialise(head, torch.Generator().manual_seed(head))
    heads = RecognitionHeads([bank.double()])
    batch = make_batch(torch.zeros(2, 0), np.array([[1, 2, 5], [3, 5, 0]], np.int32), np.array([3, 2], np.int32))
    features, gumbel = torch.randn(2, 3, 4, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
    tasks, settings = torch.tensor([2, 0]), SpotterHeads(base_coefficient=0.1, temperature=0.7)
    r_tm, other = (torch.ones(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    total, words = reading_sums(heads, features, batch, tasks, r_tm, gumbel, settings, True)["recognition"]
    total.backward()

    _, nll = heads.losses(features, [BankLabels(batch.inputs, batch.characters)], batch.active, torch.ones(2, 5, dtype=torch.float64))
    nll_wm = sequence_loss(nll, batch.owners, batch.lengths)
    expected = integrated_loss(((other + gumbel) / 0.7).softmax(-1)[tasks], nll_wm.detach(), 0.1, words="sum")
    expected.backward()
    assert torch.allclose(total, expected)
    assert words == 2
    assert torch.allclose(r_tm.grad, other.grad)
    assert r_tm.grad[[2, 0]].abs().sum() > 0


def test_recognition_with_ctc_is_eq_8_without_the_words_that_are_too_long():
    bank = CtcBank(2, 6, features=4, positions=(1, 3))
    for head in range(2):
        bank.initialise(head, torch.Generator().manual_seed(head))
    heads = RecognitionHeads([bank.double()])
    targets = np.array([[1, 2, 3, 4, 5], [1, 1, 4, 5, 0], [1, 2, 5, 0, 0], [3, 5, 0, 0, 0]], np.int32)
    batch = make_batch(torch.zeros(4, 0), targets, np.array([5, 4, 3, 2], np.int32))  # 1234 and 114 need four positions
    random = torch.Generator().manual_seed(0)
    features, gumbel = (torch.randn(*shape, dtype=torch.float64, generator=random) for shape in ((4, 3, 4), (3, 2)))
    tasks, settings = torch.tensor([1, 1, 2, 0]), SpotterHeads(base_coefficient=0.1, temperature=0.7)
    r_tm, other = (torch.ones(3, 2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    total, words = reading_sums(heads, features, batch, tasks, r_tm, gumbel, settings, True)["recognition"]
    total.backward()

    nll_wm = path_nll(bank.logits(features[2:]), spell(batch.targets[2:], 5)) / torch.tensor([[2], [1]])
    expected = integrated_loss(((other + gumbel) / 0.7).softmax(-1)[tasks[2:]], nll_wm.detach(), 0.1, words="sum")
    expected.backward()
    assert torch.allclose(total, expected)
    assert words == 2
    assert torch.allclose(r_tm.grad, other.grad)
    assert r_tm.grad[[2, 0]].abs().sum() > 0
    assert r_tm.grad[1].abs().sum() == 0


def test_one_worker_alone_carries_the_grouping_loss():
    bank = HeadBank(2, 6, features=4, positions=(1, 3), embed=3, hidden=5)
    batch = make_batch(torch.zeros(0, 0), np.zeros((0, 1), np.int32), np.zeros(0, np.int32))
    inputs = (RecognitionHeads([bank]), torch.zeros(0, 3, 4), batch, torch.zeros(0, dtype=torch.long), torch.ones(1, 2), torch.zeros(1, 2))
    first, second = (reading_sums(*inputs, SpotterHeads(), is_first)["grouping"] for is_first in (True, False))
    assert (first[0].item(), first[1]) == (1.0, 1.0)  # one task on two heads: each lacks half of it
    assert (second[0].item(), second[1]) == (0.0, 0.0)
