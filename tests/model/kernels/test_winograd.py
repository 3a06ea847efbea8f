"""Compare Winograd's convolution with the direct one.

In float64 both are exact enough for a tight comparison.
"""

import pytest
import torch

from raygroup.model.kernels.convolution import encode_planes


@pytest.mark.parametrize("size", [(4, 8), (8, 4), (16, 64)])
def test_values_and_gradients_equal_those_of_the_direct_convolution(size):
    random = torch.Generator().manual_seed(0)
    words = torch.randn(3, 5, *size, generator=random, dtype=torch.float64)
    results = []
    for method in ("direct", "winograd"):
        weight = torch.randn(2, 4, 5, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
        bias = torch.randn(2, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()
        encoded = encode_planes(words, weight, bias, method)
        encoded.square().sum().backward()
        results.append((encoded.detach(), weight.grad, bias.grad))
    for direct, winograd in zip(*results, strict=True):
        assert torch.allclose(winograd, direct, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("words", "size"), [(3, (6, 8)), (3, (8, 6)), (2, (2, 10)), (0, (4, 8))])
def test_planes_without_whole_tiles_and_empty_batches_take_the_direct_form(words, size):
    planes = torch.randn(words, 5, *size, generator=torch.Generator().manual_seed(0))
    results = []
    for method in ("direct", "winograd"):
        weight = torch.randn(2, 4, 5, 3, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
        bias = torch.randn(2, 4, generator=torch.Generator().manual_seed(2)).requires_grad_()
        encoded = encode_planes(planes, weight, bias, method)
        encoded.square().sum().backward()
        results.append((encoded.detach(), weight.grad, bias.grad))
    assert results[1][0].shape == (words, size[0] * size[1] // 4, 2, 4)
    for direct, winograd in zip(*results, strict=True):
        assert torch.equal(winograd, direct)


def test_of_four_equal_values_in_a_window_one_gets_the_gradient_as_in_torch():
    """Use planes of zeros, as outside a word's mask. Every output is then its bias."""
    words = torch.zeros(1, 2, 4, 4)
    for method in ("direct", "winograd"):
        weight = torch.ones(1, 1, 2, 3, 3).requires_grad_()
        bias = torch.ones(1, 1).requires_grad_()
        encode_planes(words, weight, bias, method).sum().backward()
        assert bias.grad.item() == 4
        assert not weight.grad.any()


def test_channels_last_planes_give_the_same_encoding():
    words = torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0))
    weight, bias = torch.randn(1, 4, 5, 3, 3), torch.zeros(1, 4)
    channels_last = words.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(encode_planes(channels_last, weight, bias, "winograd"), encode_planes(words, weight, bias, "winograd"), atol=1e-5)
