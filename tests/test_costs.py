"""Costs: sizes of heads and memory of packs against the paper's tables."""

from raygroup.config import Heads, Training, Trial
from raygroup.costs import head_parameters, pack_bytes
from raygroup.paper import TABLE_4

WORD_SHAPE = (256, 16, 64)
"""Shape of the features of one word in the paper's network."""


def test_the_memory_of_table_2s_grid_fits_one_large_gpu():
    """Our estimate is about 18 GB.

    It counts 81 heads of 5.5 M weights, their gradients and moments, and their activations at batch 32.
    """
    assert head_parameters(200, 256, 9000, WORD_SHAPE) == 5518440
    trials = [
        Trial(heads=Heads(count=count, embed=200, hidden=256), training=Training(batch=32)) for count in range(2, 8) for _ in range(3)
    ]
    assert sum(trial.heads.count for trial in trials) == 81
    assert 15e9 < pack_bytes(trials, 9002, WORD_SHAPE) < 60e9


def test_a_head_has_as_many_parameters_as_in_table_4():
    for row in TABLE_4:
        assert round(head_parameters(row.embed, row.hidden, 9000, WORD_SHAPE) / 1e6, 2) == row.parameters_m
