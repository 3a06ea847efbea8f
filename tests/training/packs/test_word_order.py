"""The words of a step: drawn alike over words or over tasks, in an order that seeds share or vary."""

from collections import Counter
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

BY_TASK = TRIAL.replaced("training.draw", "task")
BY_SEED = TRIAL.replaced("training.order", "seed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return eight words: seven of Hindi and one of Latin, the last."""
    torch.set_num_threads(1)
    made = make_data(tmp_path_factory.mktemp("order"), FEATURE_SHAPE)
    return replace(made, p_wt=np.eye(2, dtype=np.float32)[[0] * 7 + [1]])


def rows_drawn(data, trial, step, world=1, rank=0):
    """Return the rows that a worker reads at a step. They are recognised by their features."""
    stored = torch.from_numpy(data.features.rows(np.arange(len(LABELS))))
    inputs = [draw_inputs(data, [trial], step, share=share) for share in WorkerRank(rank, world).shares(1)]
    return [int((stored == word).all(-1).all(-1).nonzero().item()) for part in inputs for word in part.words]


def share_of_latin(data, trial):
    rows = Counter(row for step in range(20) for row in rows_drawn(data, trial.replaced("training.batch", 100), step))
    return rows[7] / 2000


def test_a_draw_of_tasks_gives_a_small_task_as_many_words_as_a_large_one(data):
    """One word in eight is Latin. Its share of 2,000 draws has a standard deviation of 0.007 by words and 0.011 by tasks."""
    assert share_of_latin(data, TRIAL) == pytest.approx(1 / 8, abs=0.03)
    assert share_of_latin(data, BY_TASK) == pytest.approx(1 / 2, abs=0.05)


def test_a_draw_of_tasks_draws_the_words_of_a_task_alike(data):
    rows = Counter(row for step in range(20) for row in rows_drawn(data, BY_TASK.replaced("training.batch", 100), step))
    assert all(rows[row] / 2000 == pytest.approx(1 / 14, abs=0.03) for row in range(7))


def test_a_task_without_training_words_is_never_drawn(data):
    latin_alone = replace(data, train=np.array([7]))
    assert set(rows_drawn(latin_alone, BY_TASK, 0)) == {7}


@pytest.mark.parametrize("world", [2, 3])
def test_any_number_of_workers_divides_the_words_of_a_draw_of_tasks(data, world):
    together = [row for rank in range(world) for row in rows_drawn(data, BY_TASK, 5, world, rank)]
    assert sorted(together) == sorted(rows_drawn(data, BY_TASK, 5))


def test_a_pack_that_draws_tasks_resumes_with_the_same_bits(data):
    universal = make_universal()
    uninterrupted = Pack([BY_TASK], data, universal)
    expected = uninterrupted.split_records([uninterrupted.advance() for _ in range(6)])[0]
    first = Pack([BY_TASK], data, universal)
    for _ in range(2):
        first.advance()
    second = Pack([BY_TASK], data, universal)
    second.restore(2, [first.state(0)])
    np.testing.assert_array_equal(second.split_records([second.advance() for _ in range(4)])[0], expected[2:])


def test_seeds_share_their_words_unless_the_order_follows_the_seed(data):
    shared = [rows_drawn(data, TRIAL.replaced("seed", seed), 3) for seed in (0, 1)]
    varied = [rows_drawn(data, BY_SEED.replaced("seed", seed), 3) for seed in (0, 1)]
    assert shared[0] == shared[1] == varied[0] != varied[1]


def test_an_order_by_seed_adds_the_seed_to_that_of_the_order():
    trial = BY_SEED.replaced("training.order_seed", 10)
    assert [trial.replaced("seed", seed).order_seed for seed in (0, 2)] == [10, 12]
    assert TRIAL.replaced("seed", 2).order_seed == 0


def test_trials_with_other_words_at_a_step_do_not_share_a_pack():
    require_shared_settings([TRIAL, TRIAL.replaced("seed", 1)])
    with pytest.raises(ConfigError, match="training.order_seed is 1: the trials of a pack must share it"):
        require_shared_settings([BY_SEED, BY_SEED.replaced("seed", 1)])
    with pytest.raises(ConfigError, match="training.draw is 'task': the trials of a pack must share it"):
        require_shared_settings([TRIAL, BY_TASK])


def test_a_mixture_and_a_draw_of_tasks_exclude_each_other():
    with pytest.raises(ConfigError, match="training.draw is 'task': it must be 'word' if words.mixture is set"):
        BY_TASK.replaced("words.mixture", (("MLT19", 1.0),))
