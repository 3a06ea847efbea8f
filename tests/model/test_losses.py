"""Compare equations 2 and 4 to 9 with sums written by hand."""

import math

import pytest
import torch
from torch import Tensor

from raygroup.model.grouping import task_model_probabilities, word_model_probabilities
from raygroup.model.losses import control_probabilities, grouping_loss, integrated_loss, sequence_loss, task_loss, word_weights


@pytest.fixture
def probabilities() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(3)
    p_wt = torch.rand(5, 3, generator=random).softmax(-1).double()
    p_tm = torch.rand(3, 4, generator=random).softmax(-1).double()
    return p_wt, p_tm


def test_equation_4_and_7_are_the_law_of_total_probability(probabilities):
    p_wt, p_tm = probabilities
    p_wm = word_model_probabilities(p_wt, p_tm)
    for k in range(5):
        for j in range(4):
            assert p_wm[k, j].item() == pytest.approx(sum(p_wt[k, i].item() * p_tm[i, j].item() for i in range(3)))
    assert torch.allclose(p_wm.sum(-1), torch.ones(5).double())


def test_words_with_their_own_draws_are_each_routed_by_theirs(probabilities):
    p_wt, _ = probabilities
    p_wtm = torch.rand(5, 3, 4).double().softmax(-1)
    together = word_model_probabilities(p_wt, p_wtm)
    for k in range(5):
        assert torch.allclose(together[k], p_wt[k] @ p_wtm[k])


@pytest.mark.parametrize("epsilon", [0.0, 0.2])
def test_equation_6_and_8_are_a_double_sum_over_words_and_models(probabilities, epsilon):
    p_wt, p_tm = probabilities
    p_wm, nll_wm = p_wt @ p_tm, torch.rand(5, 4).double()
    by_hand = sum((p_wm[k, j].item() + epsilon) * nll_wm[k, j].item() for k in range(5) for j in range(4))
    assert integrated_loss(p_wm, nll_wm, epsilon, words="sum").item() == pytest.approx(by_hand)
    assert integrated_loss(p_wm, nll_wm, epsilon).item() == pytest.approx(by_hand / 5)


def test_equation_8_with_identical_heads_gives_r_tm_no_gradient():
    r_tm = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    p_tm = task_model_probabilities(r_tm, torch.randn(7, 5).double())
    p_wt = torch.eye(7).double()[torch.tensor([0, 3, 3, 6])]
    equal_losses = torch.rand(4, 1).double().expand(4, 5)
    integrated_loss(word_model_probabilities(p_wt, p_tm), equal_losses, 0.2).backward()
    assert r_tm.grad is not None
    assert r_tm.grad.abs().max() < 1e-16


def test_the_control_averages_losses_over_heads_and_does_not_depend_on_r_tm():
    p_wm = torch.rand(3, 4, dtype=torch.float64).softmax(-1).requires_grad_()
    nll_wm = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    averaged = nll_wm.mean(-1, keepdim=True).expand_as(nll_wm)
    loss = integrated_loss(control_probabilities(p_wm, 4), nll_wm, 0.1)
    assert loss.item() == pytest.approx(integrated_loss(p_wm, averaged, 0.1).item()), "P_WM has no effect"
    loss.backward()
    assert nll_wm.grad is not None
    assert nll_wm.grad.min() > 0, "the heads still learn"
    assert p_wm.grad is None, "recognition does not move R_TM"


@pytest.mark.parametrize("words", ["mean", "sum"])
@pytest.mark.parametrize("length", ["mean", "sum"])
def test_the_weight_of_a_word_is_the_derivative_of_equation_8_through_equation_5(length, words):
    random = torch.Generator().manual_seed(0)
    lengths, owners = torch.tensor([3, 2, 0]), torch.tensor([0, 1, 0, 1, 0])
    p_wm = torch.rand(3, 4, generator=random).softmax(-1)
    nll = torch.rand(4, 5, generator=random).requires_grad_()
    integrated_loss(p_wm, sequence_loss(nll, owners, lengths, length), 0.2, words).backward()
    weights = word_weights(p_wm, lengths, 0.2, length, words)
    assert torch.allclose(nll.grad, weights.T[:, owners])


@pytest.mark.parametrize("words", ["mean", "sum"])
def test_the_losses_of_a_steps_shares_add_up_to_those_of_the_step(probabilities, words):
    p_wt, p_tm = probabilities
    p_wm, lengths = p_wt @ p_tm, torch.tensor([4, 3, 3, 2, 1])
    nll_wm, logits = torch.rand(5, 4).double(), torch.rand(5, 3).double()
    shares = [slice(rank, None, 6) for rank in range(6)]
    integrated = sum(integrated_loss(p_wm[rows], nll_wm[rows], 0.2, words, num_words=5) for rows in shares)
    task = sum(task_loss(logits[rows], p_wt[rows], num_words=5) for rows in shares)
    weights = torch.cat([word_weights(p_wm[rows], lengths[rows], 0.2, words=words, num_words=5) for rows in shares])
    assert integrated.item() == pytest.approx(integrated_loss(p_wm, nll_wm, 0.2, words).item())
    assert task.item() == pytest.approx(task_loss(logits, p_wt).item())
    assert torch.allclose(weights, word_weights(p_wm, lengths, 0.2, words=words))


def test_an_idle_model_is_charged_its_whole_quota():
    all_on_model_0 = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert grouping_loss(all_on_model_0) == 1


def test_models_with_one_task_each_are_charged_nothing():
    assert grouping_loss(torch.eye(3)) == 0


def test_equation_9_sums_the_shortfalls_of_all_models(probabilities):
    _, p_tm = probabilities
    by_hand = sum(max(1 - sum(p_tm[i, j].item() for i in range(3)), 0) for j in range(4))
    assert grouping_loss(p_tm).item() == pytest.approx(by_hand)


def test_several_draws_are_charged_their_mean():
    draws = torch.stack([torch.eye(2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])])
    assert grouping_loss(draws).mean() == 0.5


def test_equation_5_is_the_mean_of_minus_log_p_over_a_word():
    nll, words, lengths = -torch.log(torch.tensor([[0.5, 0.8, 0.6]])), torch.tensor([0, 1, 0]), torch.tensor([2, 1])
    nll_wm = sequence_loss(nll, words, lengths)
    assert nll_wm[0, 0].item() == pytest.approx(-(math.log(0.5) + math.log(0.6)) / 2)
    assert nll_wm[1, 0].item() == pytest.approx(-math.log(0.8))
    summed = sequence_loss(nll, words, lengths, length="sum")
    assert summed[0, 0].item() == pytest.approx(-(math.log(0.5) + math.log(0.6)))


def test_equation_2_is_torchs_cross_entropy_if_the_task_is_known():
    logits, tasks = torch.randn(6, 4), torch.tensor([0, 1, 2, 3, 3, 0])
    expected = torch.nn.functional.cross_entropy(logits, tasks)
    assert task_loss(logits, torch.eye(4)[tasks]).item() == pytest.approx(expected.item(), rel=1e-6)
