"""Test the optimizer of a pack."""

import pytest
import torch
from torch import nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.packs.optimizer import PackOptimizer, Rates, clip_by_row


def test_a_head_with_a_huge_gradient_is_clipped_and_the_others_are_not():
    parameters = [nn.Parameter(torch.zeros(2, 3, 4)), nn.Parameter(torch.zeros(2, 5))]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter) * 1e-3
        parameter.grad[1] = 10.0
    clip_by_row(parameters, torch.tensor([5.0, 5.0]))
    norms = [sum(float(p.grad[head].square().sum()) for p in parameters) ** 0.5 for head in range(2)]
    assert float(parameters[0].grad[0, 0, 0]) == pytest.approx(1e-3)
    assert norms[1] == pytest.approx(5.0, rel=1e-4)


def test_weights_without_a_gradient_stay_and_the_others_move():
    bank = HeadBank(2, 5, features=4, positions=(1, 3), embed=2, hidden=3)
    classifiers, r_tm = TaskClassifiers(1, 2, 4), torch.ones(1, 2, 2, requires_grad=True)
    for stack in (*bank.parameters(), *classifiers.parameters()):
        nn.init.ones_(stack)
    optimizer = PackOptimizer(bank, classifiers, r_tm, [0, 2], [Rates(0.01, 0.1, 0.1)])
    bank.output.grad = torch.ones_like(bank.output)
    optimizer.step()
    moved = {name for name, stack in bank.named_parameters() if (stack != 1).any()}
    assert moved == {"output"}
    assert bank.output[0, 0, 0].item() == pytest.approx(1 - 0.01 * 0.1 - 0.01, abs=1e-6), "weight decay, then one step of the rate"
    assert all((stack == 1).all() for stack in (*classifiers.parameters(), r_tm))
