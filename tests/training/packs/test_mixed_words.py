"""Test words that are drawn by a mixture of their sources.

Any number of workers draws the same step, and a resumed pack has the same bits.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import LABELS, TRIAL, make_data, make_universal

from raygroup.errors import ConfigError
from raygroup.training.packs.inputs import draw_inputs
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.sharding import WorkerRank
from raygroup.training.packs.trial_tensors import require_shared_settings
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.mixtures import MixedRows, Mixture

MIXED = TRIAL.replaced("words.mixture", (("common", 1.0), ("rare", 6.0)))


@pytest.fixture(scope="module")
def unmixed_data(tmp_path_factory):
    torch.set_num_threads(1)
    return make_data(tmp_path_factory.mktemp("mixed"), FEATURE_SHAPE)


@pytest.fixture(scope="module")
def mixed_data(unmixed_data):
    """Mix six words of one source with two of another.

    The two are drawn twice as often as the six together.
    """
    mixture = Mixture(names=("common", "rare"), sizes=(6, 2), ratios=(1.0, 6.0))
    return replace(unmixed_data, mixed=MixedRows(mixture, np.array([0, 1, 3, 4, 5, 6, 2, 7])))


@pytest.fixture(scope="module")
def universal():
    return make_universal()


def rows_drawn(data, step, world=1, rank=0, parts=1, batch=50):
    """Return the rows that a worker reads at a step.

    They are recognised by their features.
    """
    stored = torch.from_numpy(data.features.rows(np.arange(len(LABELS))))
    trial = MIXED.replaced("training.batch", batch)
    inputs = [draw_inputs(data, [trial], step, share=share) for share in WorkerRank(rank, world).shares(parts)]
    return [int((stored == word).all(-1).all(-1).nonzero().item()) for part in inputs for word in part.words]


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_any_number_of_workers_divides_the_words_that_one_would_draw(mixed_data, world, parts):
    alone = rows_drawn(mixed_data, 5)
    together = [row for rank in range(world) for row in rows_drawn(mixed_data, 5, world, rank, parts)]
    assert len(alone) == len(together) == 50
    assert sorted(together) == sorted(alone)


def test_words_are_drawn_as_often_as_the_ratio_of_their_source_says(mixed_data):
    """Two words have the ratio 6, six words 1.

    So two thirds of the draws are of the two.
    """
    rows = [row for step in range(60) for row in rows_drawn(mixed_data, step)]
    assert len(rows) == 3000
    assert np.isin(rows, [2, 7]).mean() == pytest.approx(2 / 3, abs=4 * (2 / 9 / 3000) ** 0.5)
    assert set(rows) == set(range(8))


def test_the_words_of_a_step_without_a_mixture_have_not_changed(unmixed_data):
    """The rows were recorded before mixtures existed. They are sorted."""
    assert sorted(rows_drawn(unmixed_data, 0, batch=12)) == [0, 1, 1, 2, 3, 3, 4, 5, 5, 5, 6, 7]
    assert sorted(rows_drawn(unmixed_data, 1, batch=12)) == [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 6, 7]


def test_a_pack_on_a_mixture_resumes_with_the_same_bits(mixed_data, universal):
    uninterrupted = Pack([MIXED], mixed_data, universal)
    expected = uninterrupted.split_records([uninterrupted.advance() for _ in range(8)])[0]
    first = Pack([MIXED], mixed_data, universal)
    for _ in range(3):
        first.advance()
    second = Pack([MIXED], mixed_data, universal)
    second.restore(3, [first.state(0)])
    np.testing.assert_array_equal(second.split_records([second.advance() for _ in range(5)])[0], expected[3:])


def test_trials_of_different_mixtures_do_not_share_a_pack():
    other = MIXED.replaced("words.mixture_weighting", "per_dataset")
    with pytest.raises(ConfigError, match="words.mixture_weighting is 'per_dataset': the trials of a pack must share it"):
        require_shared_settings([MIXED, other])
