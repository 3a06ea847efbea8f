"""The estimated memory of a pack against the allocations of its training steps on a CPU."""

import pytest
import torch
from pack_memory import Setting, measure

from raygroup.trunks import FEATURE_SHAPE

PLANES = (64, 16, 64)
SETTINGS = [
    Setting(PLANES, 2, 8, 302, 32, 64, kernels="factored"),
    Setting(PLANES, 2, 8, 302, 32, 64, kernels="winograd"),
    Setting(PLANES, 5, 4, 1002, 16, 32, trials=2),
    Setting(PLANES, 2, 2, 4002, 32, 64),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64),
    Setting(FEATURE_SHAPE, 5, 16, 858, 32, 64, trials=3, kernels="winograd"),
    Setting(FEATURE_SHAPE, 2, 4, 5002, 32, 64),
    Setting(FEATURE_SHAPE, 4, 16, 314, 16, 16, evidence="gradients", evidence_words=48),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, evidence="gradients"),
    Setting(FEATURE_SHAPE, 2, 16, 858, 32, 64, trials=3, evidence="lookahead"),
    Setting(PLANES, 2, 4, 4002, 32, 64, evidence="lookahead"),
]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_estimate_is_within_a_quarter_of_the_measured_peak(setting):
    assert 0.8 <= measure(setting, "cpu")["ratio"] <= 1.25


def test_a_measured_peak_grows_with_the_batch():
    small, large = (measure(Setting(FEATURE_SHAPE, 2, batch, 302, 32, 64), "cpu")["peak_gb"] for batch in (8, 32))
    assert large > 1.5 * small
