"""Convolutions that include their normalisation compute the same."""

import pytest
import torch
from torch import nn

from raygroup.model.spotter.detector import DetectorNetwork, fold_normalisation
from raygroup.model.spotter.normalisation import ConvolutionNorm, FrozenNorm
from raygroup.model.spotter.shape import COMPACT


def with_random_statistics(network):
    """Return a network in float64 whose normalisations all do something."""
    network = network.double().eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | FrozenNorm):
            for values in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                values.uniform_(0.5, 2)
    return network


@pytest.mark.parametrize("frozen", [True, False])
def test_one_convolution_computes_the_same(frozen):
    layer = with_random_statistics(ConvolutionNorm(3, 5, 3, frozen=frozen))
    folded = fold_normalisation(layer)
    planes = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    assert isinstance(folded.norm, nn.Identity)
    assert torch.allclose(folded(planes), layer(planes), atol=1e-12)


def test_a_detector_computes_the_same_and_stays_as_it_was():
    network = with_random_statistics(DetectorNetwork(COMPACT))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    images = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    expected = network(images)
    folded = fold_normalisation(network)
    assert not [module for module in folded.modules() if isinstance(module, nn.BatchNorm2d)]
    assert torch.allclose(folded(images), expected, rtol=1e-9)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
