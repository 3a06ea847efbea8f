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


def test_a_row_is_clipped_to_the_same_bits_beside_more_rows():
    """A sum over many parameters rounds in another order if its rows lie in whole vectors."""
    random = torch.Generator().manual_seed(0)
    all_rows = [nn.Parameter(torch.zeros(256, 7 + number)) for number in range(17)]
    for parameter in all_rows:
        parameter.grad = torch.randn(parameter.shape, generator=random) * 3
    few_rows = [[nn.Parameter(torch.zeros(3, parameter.shape[1])) for parameter in all_rows] for _ in range(64)]
    for number, few in enumerate(few_rows):
        for part, parameter in zip(few, all_rows, strict=True):
            part.grad = parameter.grad[3 * number : 3 * number + 3].clone()
        clip_by_row(few, torch.full((3,), 5.0))
    clip_by_row(all_rows, torch.full((256,), 5.0))
    for number, few in enumerate(few_rows):
        for part, parameter in zip(few, all_rows, strict=True):
            assert torch.equal(part.grad, parameter.grad[3 * number : 3 * number + 3])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_head_takes_the_same_step_whatever_its_place_in_the_stack(dtype):
    """314 classes do not fill vectors, so the last head of a stack has an end that other heads have not."""
    stacks = []
    for heads in (8, 3):
        random = torch.Generator().manual_seed(0)
        bank = HeadBank(heads, 314, features=4, positions=(1, 3), embed=2, hidden=3).to(dtype).requires_grad_(False)
        optimizer = PackOptimizer(bank, TaskClassifiers(1, 2, 4), None, [0, heads], [Rates(0.01, 1e-4, 0.1)])
        for _ in range(30):
            gradient = torch.randn(8, 314, generator=random, dtype=dtype)
            bank.output_bias.grad = gradient[:heads].clone()
            optimizer.step()
        stacks.append((bank.output_bias, optimizer))
    (bias, _), (few, few_moments) = stacks
    assert torch.equal(bias[:3], few)
    assert few[2].abs().min() > 0, "the end of the last head moves too"
    moments = few_moments.state(0, 3)
    assert moments["optimizer.step"] == 30
    assert all((value[2] != 0).all() for name, value in moments.items() if value.shape == (3, 314))


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
