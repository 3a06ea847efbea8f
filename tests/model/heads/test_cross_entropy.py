"""Compare the output layer in blocks with torch's cross-entropy."""

import torch

from raygroup.model.heads import cross_entropy
from raygroup.model.heads.cross_entropy import weighted_nll


def problem() -> list[torch.Tensor]:
    """Return states, output, bias and weights.

    There are 2 heads, 7 characters and 11 classes.
    """
    random = torch.Generator().manual_seed(0)
    shapes = ((2, 7, 5), (2, 5, 11), (2, 11), (2, 7))
    return [torch.randn(*shape, generator=random, dtype=torch.float64).requires_grad_() for shape in shapes]


def test_sums_and_gradients_equal_those_of_torch_in_one_block_or_many(monkeypatch):
    characters = torch.tensor([0, 10, 3, 3, 7, 1, 0])
    states, output, bias, weights = problem()
    logits = torch.baddbmm(bias[:, None], states, output)
    nll = torch.nn.functional.cross_entropy(logits.flatten(0, 1), characters.repeat(2), reduction="none").view(2, 7)
    expected = (nll * weights).sum(1)
    (expected * torch.tensor([1.0, -2.0])).sum().backward()
    expected_gradients = [tensor.grad for tensor in (states, output, bias, weights)]
    for block_bytes in (2**30, 1, 3 * 8 * 22):
        monkeypatch.setattr(cross_entropy, "_LOGITS_BYTES", block_bytes)
        inputs = problem()
        total, each = weighted_nll(*inputs[:3], characters, inputs[3])
        assert torch.allclose(total, expected)
        assert torch.allclose(each, nll)
        assert not each.requires_grad
        (total * torch.tensor([1.0, -2.0])).sum().backward()
        assert all(torch.allclose(tensor.grad, gradient) for tensor, gradient in zip(inputs, expected_gradients, strict=True))


def test_huge_logits_stay_finite():
    states, output, bias, weights = problem()
    total, _ = weighted_nll(states * 1e4, output, bias, torch.zeros(7, dtype=torch.long), weights)
    assert total.isfinite().all()
