"""Winograd's convolution against the direct one, in float64 where both are exact enough to compare tightly."""

import pytest
import torch

from raygroup.model.kernels.convolution import encoded_planes


@pytest.mark.parametrize("size", [(4, 8), (8, 4), (16, 64)])
def test_values_and_gradients_are_those_of_the_direct_convolution(size):
    random = torch.Generator().manual_seed(0)
    words = torch.randn(3, 5, *size, generator=random, dtype=torch.float64)
    found = []
    for how in ("direct", "winograd"):
        weight = torch.randn(2, 4, 5, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
        bias = torch.randn(2, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()
        encoded = encoded_planes(words, weight, bias, how)
        encoded.square().sum().backward()
        found.append((encoded.detach(), weight.grad, bias.grad))
    for direct, winograd in zip(*found, strict=True):
        assert torch.allclose(winograd, direct, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("words", "size"), [(3, (6, 8)), (3, (8, 6)), (2, (2, 10)), (0, (4, 8))])
def test_planes_that_fall_into_no_whole_tiles_take_the_direct_form(words, size):
    planes = torch.randn(words, 5, *size, generator=torch.Generator().manual_seed(0))
    found = []
    for how in ("direct", "winograd"):
        weight = torch.randn(2, 4, 5, 3, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
        bias = torch.randn(2, 4, generator=torch.Generator().manual_seed(2)).requires_grad_()
        encoded = encoded_planes(planes, weight, bias, how)
        encoded.square().sum().backward()
        found.append((encoded.detach(), weight.grad, bias.grad))
    assert found[1][0].shape == (words, size[0] * size[1] // 4, 2, 4)
    for direct, winograd in zip(*found, strict=True):
        assert torch.equal(winograd, direct)


def test_where_all_four_of_a_window_are_equal_one_gradient_passes_as_in_torchs_pooling():
    """Planes of zeros, as outside a word's mask: every output is its bias."""
    words = torch.zeros(1, 2, 4, 4)
    for how in ("direct", "winograd"):
        weight = torch.ones(1, 1, 2, 3, 3).requires_grad_()
        bias = torch.ones(1, 1).requires_grad_()
        encoded_planes(words, weight, bias, how).sum().backward()
        assert bias.grad.item() == 4
        assert not weight.grad.any()


def test_channels_last_planes_give_the_same():
    words = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    weight, bias = torch.randn(1, 4, 5, 3, 3), torch.zeros(1, 4)
    last = words.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(encoded_planes(last, weight, bias, "winograd"), encoded_planes(words, weight, bias, "winograd"), atol=1e-5)
