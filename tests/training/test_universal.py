"""Stage 1 continues from any step that was kept, with the same weights bit for bit."""

import numpy as np
import pytest
import torch
from stage1_training import Memory, one_thread  # noqa: F401

from raygroup.config import Heads, Pretraining
from raygroup.training.universal import train_universal
from raygroup.words.charset import Charset

LABELS = ["ab", "ba", "a", "bab", "cab", "abc", "c", "bc"]
SETTINGS = Pretraining(steps=6, head_steps=5, batch=4, heads=Heads(count=1, start="independent", embed=6, hidden=8))


def train(keeper=None):
    crops = np.random.default_rng(0).integers(0, 256, (len(LABELS), 32, 96), dtype=np.uint8)
    steps = []

    def note(phase, step, num_steps, loss):
        if phase != "features":
            steps.append((phase, step, loss))

    model = train_universal(crops, LABELS, Charset.from_labels(LABELS), SETTINGS, note, keeper)
    return {**{f"trunk.{n}": v for n, v in model.trunk.state_dict().items()}, **model.head.state_dict()}, steps


@pytest.fixture(scope="module")
def undisturbed():
    return train()


def test_keeping_states_changes_nothing(undisturbed):
    weights, steps = train(Memory())
    assert steps == undisturbed[1]
    assert all(torch.equal(value, weights[name]) for name, value in undisturbed[0].items())


@pytest.mark.parametrize("step", range(1, SETTINGS.steps + SETTINGS.head_steps + 1))
def test_a_training_that_is_interrupted_after_any_step_ends_with_the_same_bits(step, undisturbed):
    keeper = Memory(interrupt_after=step)
    with pytest.raises(KeyboardInterrupt):
        train(keeper)
    weights, steps = train(keeper)
    assert len(steps) == SETTINGS.steps + SETTINGS.head_steps - (step - 1) // 2 * 2, "no step that was kept is trained again"
    assert steps == undisturbed[1][-len(steps) :]
    assert all(torch.equal(value, weights[name]) for name, value in undisturbed[0].items())
