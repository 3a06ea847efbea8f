"""Words drawn by a mixture of their sources: the same step in a world of any size, the same bits when a pack goes on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_pack import CHARSET, LABELS, TRIAL, made_material

from raygroup.errors import ConfigError
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
from raygroup.training.packs.inputs import drawn
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.sharding import Shard
from raygroup.training.packs.trial_tensors import require_alike
from raygroup.training.universal_weights import Universal
from raygroup.words.mixtures import Mixture
from raygroup.words.sources import MixedRows

MIXED = TRIAL.replaced("words.mixture", (("common", 1.0), ("rare", 6.0)))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    torch.set_num_threads(1)
    return made_material(tmp_path_factory.mktemp("mixed"), (24, FEATURES))


@pytest.fixture(scope="module")
def mixed(plain):
    """Six words of one source, two of another, which come twice as often as all others together."""
    mixture = Mixture(names=("common", "rare"), sizes=(6, 2), ratios=(1.0, 6.0))
    return replace(plain, mixed=MixedRows(mixture, np.array([0, 1, 3, 4, 5, 6, 2, 7])))


@pytest.fixture(scope="module")
def universal():
    head = HeadBank(1, CHARSET.num_classes, features=FEATURES, positions=POSITIONS, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    return Universal(Trunk().eval(), head.requires_grad_(False), CHARSET)


def rows_drawn(material, step, world=1, rank=0, parts=1, batch=50):
    """The rows of the store that a worker reads at a step, found by their features."""
    stored = torch.from_numpy(material.features.rows(np.arange(len(LABELS))))
    shares = [drawn(material, [MIXED.replaced("training.batch", batch)], step, share=share) for share in Shard(rank, world).shares(parts)]
    return [int((stored == word).all(-1).all(-1).nonzero().item()) for inputs in shares for word in inputs.words]


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_the_workers_of_any_world_share_out_the_words_that_one_would_draw(mixed, world, parts):
    alone = rows_drawn(mixed, 5)
    shared = [row for rank in range(world) for row in rows_drawn(mixed, 5, world, rank, parts)]
    assert len(alone) == len(shared) == 50
    assert sorted(shared) == sorted(alone)


def test_words_come_as_often_as_their_sources_ratio_says(mixed):
    """Two words of ratio 6 against six of ratio 1: two draws of three."""
    found = [row for step in range(60) for row in rows_drawn(mixed, step)]
    assert len(found) == 3000
    assert np.isin(found, [2, 7]).mean() == pytest.approx(2 / 3, abs=4 * (2 / 9 / 3000) ** 0.5)
    assert set(found) == set(range(8))


def test_without_a_mixture_the_words_of_a_step_are_those_they_were_before_there_were_mixtures(plain):
    """As recorded then, sorted."""
    assert sorted(rows_drawn(plain, 0, batch=12)) == [0, 1, 1, 2, 3, 3, 4, 5, 5, 5, 6, 7]
    assert sorted(rows_drawn(plain, 1, batch=12)) == [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 6, 7]


def test_a_pack_on_a_mixture_goes_on_with_the_same_bits(mixed, universal):
    whole = Pack([MIXED], mixed, universal)
    expected = whole.evidence([whole.advance() for _ in range(8)])[0]
    first = Pack([MIXED], mixed, universal)
    for _ in range(3):
        first.advance()
    second = Pack([MIXED], mixed, universal)
    second.restore(3, [first.state(0)])
    np.testing.assert_array_equal(second.evidence([second.advance() for _ in range(5)])[0], expected[3:])


def test_trials_of_different_mixtures_do_not_share_a_pack():
    other = MIXED.replaced("words.mixture_weighting", "per_dataset")
    with pytest.raises(ConfigError, match="words.mixture_weighting is 'per_dataset': the trials of a pack must share it"):
        require_alike([MIXED, other])
