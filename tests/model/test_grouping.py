"""Test sampling and routing: statistics, invariances and the paper's Figure 1."""

import numpy as np
import torch
from scipy.stats import chisquare
from shared_fixtures import reference

from raygroup.model.grouping import initial_assignment, route, task_model_probabilities, word_model_probabilities
from raygroup.model.losses import grouping_loss
from raygroup.randomness import generator


def test_heads_are_drawn_as_often_as_the_softmax_of_r_tm_says():
    r = torch.tensor([[0.5, -1.0, 1.2, 0.0]])
    noise = generator(0, "test").gumbel(size=(100_000, 1, 4)).astype(np.float32)
    heads = task_model_probabilities(r, torch.from_numpy(noise)).argmax(-1).flatten()
    counts = torch.bincount(heads, minlength=4).numpy()
    assert chisquare(counts, r.softmax(-1)[0].double().numpy() * 100_000).pvalue > 1e-3


def test_rows_of_a_draw_sum_to_one_and_every_pair_gets_a_gradient():
    r_tm = initial_assignment(7, 5).requires_grad_()
    noise = torch.from_numpy(generator(1, "test").gumbel(size=(7, 5)).astype(np.float32))
    p_tm = task_model_probabilities(r_tm, noise)
    assert torch.allclose(p_tm.sum(-1), torch.ones(7))
    p_tm.square().sum().backward()
    assert r_tm.grad is not None
    assert (r_tm.grad != 0).all()


def test_only_differences_within_r_tm_matter():
    noise = torch.randn(3, 4)
    assert torch.allclose(
        task_model_probabilities(initial_assignment(3, 4), noise), task_model_probabilities(torch.full((3, 4), -7.0), noise)
    )


def test_a_higher_temperature_makes_a_draw_softer():
    r_tm, noise = torch.randn(3, 4), torch.randn(3, 4)
    assert task_model_probabilities(r_tm, noise, 5.0).max() < task_model_probabilities(r_tm, noise, 0.5).max()


def test_four_words_of_three_tasks_reach_two_heads_as_in_figure_1():
    p_wt = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]])
    p_tm = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    expected = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.2, 0.8]])
    assert torch.allclose(word_model_probabilities(p_wt, p_tm), expected)


def test_hard_and_soft_routing_differ_if_the_task_is_uncertain():
    p_wt = torch.tensor([[0.4, 0.3, 0.3]])
    r_tm = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0]])
    assert route(p_wt, r_tm, "hard").tolist() == [0]
    assert route(p_wt, r_tm, "soft").tolist() == [1]


def test_routing_works_with_more_heads_than_tasks_and_with_one_head():
    assert route(torch.eye(2), torch.randn(2, 9)).shape == (2,)
    assert route(torch.eye(2), torch.ones(2, 1)).tolist() == [0, 0]


def test_probabilities_losses_and_heads_equal_those_of_the_reference_grouper():
    _, numbers = reference("grouper")
    r_tm, p_wt = torch.from_numpy(numbers["R"]), torch.from_numpy(numbers["P_WT"])
    p_tm = task_model_probabilities(r_tm, torch.from_numpy(numbers["train_gumbel_noise"]))
    assert np.allclose(word_model_probabilities(p_wt, p_tm), numbers["train_word_head_probs"], atol=1e-6)
    assert np.isclose(grouping_loss(p_tm), numbers["train_loss_grp"].sum(), rtol=1e-5)
    assert route(p_wt, r_tm, "soft").tolist() == numbers["eval_head_id"].tolist()
    assert route(p_wt, r_tm, "hard").tolist() == numbers["eval_hard_head_id"].tolist()
