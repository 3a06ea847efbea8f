"""The reader as a module for ONNX reads as ``Reader`` does."""

import pytest
import torch
from baselines.spelling import teach_to_end

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.heads.loop_reader import BeamLoop, GreedyLoop

CLASSES = 20


@pytest.fixture(scope="module")
def bank():
    bank = HeadBank(1, CLASSES, features=6, positions=(2, 4), embed=5, hidden=12).requires_grad_(False)
    bank.initialise(0, torch.Generator().manual_seed(3))
    teach_to_end(bank, 4)
    return bank


@pytest.fixture(scope="module")
def words():
    return 3 * torch.randn(30, 8, 6, generator=torch.Generator().manual_seed(4))


def assert_equal(loop, reading, words):
    with torch.no_grad():
        classes, confidence = loop(words)
    assert torch.equal(classes, reading.classes)
    assert torch.allclose(confidence, reading.confidence, atol=1e-6)


def test_greedy_reading_gives_the_same_strings_some_of_them_cut(bank, words):
    reading = Reader(bank).greedy(words, torch.zeros(30, dtype=torch.long), 7)
    lengths = (reading.classes != CLASSES - 1).sum(1)
    assert lengths.min() < 4
    assert lengths.max() == 7
    assert_equal(GreedyLoop(bank, 7), reading, words)


@pytest.mark.slow
def test_beam_reading_gives_the_same_strings(bank, words):
    assert_equal(BeamLoop(bank, 7, 3), Reader(bank).beam(words, torch.zeros(30, dtype=torch.long), 7, 3), words)


def test_several_heads_or_planes_are_refused():
    with pytest.raises(ValueError, match="a bank of 2 heads"):
        GreedyLoop(HeadBank(2, 5, features=4, positions=(1, 4), embed=3, hidden=4), 5)
    with pytest.raises(ValueError, match="with a convolution"):
        GreedyLoop(HeadBank(1, 5, features=4, positions=(1, 4), embed=3, hidden=4, convolve=True), 5)
    with pytest.raises(ValueError, match="width is 5: it must be from 1 to 4"):
        BeamLoop(HeadBank(1, 5, features=4, positions=(1, 4), embed=3, hidden=4), 5, 5)
