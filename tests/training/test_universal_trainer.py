"""Stage 1, step by step: its losses, its first weights, and the words that it draws."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from stage1_training import one_thread  # noqa: F401

from raygroup.config import Heads, Pretraining, Words
from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.held_out import HeldOutCurve
from raygroup.training.universal_draws import training_words
from raygroup.training.universal_start import known_characters, stage1_charset, start_hash
from raygroup.training.universal_trainer import UniversalTrainer
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.charset import Charset
from raygroup.words.mixtures import mixed_words

LABELS = ["ab", "ba", "a", "bab", "cab", "abc", "c", "bc"]
SOURCES = ["x", "x", "x", "x", "y", "y", "y", "z"]
CROPS = np.random.default_rng(0).integers(0, 256, (len(LABELS), 32, 96), dtype=np.uint8)
SETTINGS = Pretraining(steps=3, head_steps=4, batch=4, heads=Heads(count=1, start="independent", embed=6, hidden=8))
FROZEN = replace(SETTINGS, start="laptop", steps=0)


def first_weights(embed=6, hidden=8):
    head = HeadBank(1, 4, features=256, positions=(1, 24), embed=embed, hidden=hidden)
    head.initialise(0, torch.Generator().manual_seed(1))
    torch.manual_seed(9)
    return UniversalModel(Trunk(), head, Charset(("b", "z")))


def trainer(settings=SETTINGS, start=None):
    charset = stage1_charset(LABELS, start, settings)
    mixed = mixed_words(settings.words, SOURCES)
    words = training_words(CROPS, LABELS, (), charset, settings, known_characters(start, settings), mixed)
    return UniversalTrainer(words, charset, settings, start, HeldOutCurve(CROPS[:0], (), (), charset))


def test_a_step_returns_the_loss_of_the_head_and_that_of_the_alignment_while_the_trunk_is_trained():
    training = trainer()
    losses = torch.stack([training.advance() for _ in range(training.steps)])
    assert losses.shape == (7, 2)
    assert (losses[:3] > 0).all()
    assert (losses[3:, 0] > 0).all()
    assert (losses[3:, 1] == 0).all()


def test_a_frozen_trunk_stays_bit_for_bit():
    start = first_weights()
    before = {name: value.clone() for name, value in start.trunk.state_dict().items()}
    training = trainer(FROZEN, start)
    for _ in range(training.steps):
        training.advance()
    trained = training.universal()
    assert all(torch.equal(value, before[name]) for name, value in trained.trunk.state_dict().items())
    assert not torch.equal(trained.head.output, trainer(FROZEN, start).head.output)


def test_a_head_of_the_first_weights_size_goes_on_and_one_of_another_size_begins_at_random_without_their_characters():
    same, other = trainer(FROZEN, first_weights()), trainer(FROZEN, first_weights(hidden=9))
    place = same.charset.encode("b")[0]
    assert torch.equal(same.head.embedding[0, place], first_weights().head.embedding[0, 1])
    assert "z" in same.charset.characters
    assert other.charset.characters == ("a", "b", "c")
    assert not torch.equal(other.head.embedding[0, other.charset.encode("b")[0]], first_weights(hidden=9).head.embedding[0, 1])


def test_first_weights_of_another_size_are_refused_if_the_trunk_is_trained():
    with pytest.raises(ConfigError, match=r"heads.embed and heads.hidden must be 6 and 9"):
        trainer(replace(SETTINGS, start="laptop"), first_weights(hidden=9))


def test_a_trunk_alone_is_a_start_too():
    trunk = first_weights().trunk
    begun = trainer(replace(SETTINGS, start="spotter"), trunk)
    assert all(torch.equal(value, begun.trunk.state_dict()[name]) for name, value in trunk.state_dict().items())
    assert start_hash(trunk) != start_hash(first_weights())


@pytest.mark.parametrize("step", range(1, 7))
def test_a_restored_training_goes_on_with_the_same_bits(step):
    whole, first, second = trainer(), trainer(), trainer()
    losses = torch.stack([whole.advance() for _ in range(whole.steps)])
    for _ in range(step):
        first.advance()
    second.restore(step, first.state())
    assert torch.equal(torch.stack([second.advance() for _ in range(whole.steps - step)]), losses[step:])
    assert all(torch.equal(value, second.head.state_dict()[name]) for name, value in whole.head.state_dict().items())


def test_both_phases_draw_by_the_ratios_of_sources():
    """A word of y has ratio 3 and a word of x 1, so y weighs 9 of 13. z is never drawn."""
    settings = replace(SETTINGS, batch=500, words=Words(mixture=(("x", 1), ("y", 3), ("z", 0))))
    words = trainer(settings).words
    drawn = {phase: np.concatenate([words.draw_rows(settings, phase, step) for step in range(3)]) for phase in ("crops", "features")}
    for rows in drawn.values():
        assert rows.max() < 7
        assert (rows >= 4).mean() == pytest.approx(9 / 13, abs=0.05)
    assert not np.array_equal(drawn["crops"], drawn["features"]), "a step of the second phase draws words of its own"
