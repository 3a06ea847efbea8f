"""Costs: sizes of heads and memory of packs against the paper's tables."""

import pytest

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.costs import evidence_factor, head_parameters, pack_bytes, pruned_head_parameters, training_cpu_s
from raygroup.model.heads.bank import HeadBank
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


@pytest.mark.parametrize(
    ("shape", "positions", "convolve"), [((24, 256), (1, 24), False), ((16, 4, 8), (2, 4), True)], ids=["positions", "planes"]
)
def test_a_pruned_head_has_the_parameters_of_a_head_built_for_its_characters(shape, positions, convolve):
    """Five characters, the begin and the end are seven classes. Dropped classes take their embedding, weights and bias along."""
    features = shape[0] if convolve else shape[1]
    built = HeadBank(1, 7, features=features, positions=positions, embed=4, hidden=8, convolve=convolve)
    assert pruned_head_parameters(4, 8, 5, shape) == built.num_parameters(0)
    full = HeadBank(1, 20, features=features, positions=positions, embed=4, hidden=8, convolve=convolve)
    assert full.num_parameters(0) - pruned_head_parameters(4, 8, 5, shape) == (20 - 7) * (4 + 8 + 1)


def test_evidence_lengthens_a_step_by_what_was_measured():
    """benchmarks/task_evidence.py, 16 words: gradients 1.29, lookahead 1.56, gradients of 48 drawn words of each task 1.92."""

    def factor(**training):
        return evidence_factor(Trial(training=Training(batch=16, **training)))

    assert factor() == factor(evidence="losses") == 1
    assert factor(evidence="gradients") == pytest.approx(1.26, abs=0.05)
    assert factor(evidence="lookahead") == pytest.approx(1.57, abs=0.05)
    assert factor(evidence="gradients", evidence_words=48) == pytest.approx(1.92, abs=0.25)
    assert factor(evidence="gradients", evidence_every=100) == pytest.approx(1.026, abs=0.005)


def test_a_probe_gathers_for_its_part_of_the_steps():
    training = Training(batch=16, evidence_words=48)
    probe = Trial(heads=Heads(count=4), grouping=Grouping(method="probe", probe=0.25), training=training)
    drawn = Trial(heads=Heads(count=4), training=Training(batch=16, evidence="gradients", evidence_words=48))
    assert evidence_factor(probe) - 1 == pytest.approx((evidence_factor(drawn) - 1) / 4)
    assert training_cpu_s(probe) > training_cpu_s(Trial(heads=Heads(count=4), training=Training(batch=16)))
