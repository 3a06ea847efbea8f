"""The held-out loss follows a training, changes nothing in it, and says which tasks have converged."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from stage1_training import Memory, one_thread  # noqa: F401

from raygroup.config import Heads, Pretraining
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.held_out import HeldOutCurve, convergence
from raygroup.training.universal import train_universal
from raygroup.training.universal_draws import training_words
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.charset import Charset

LABELS, TASKS = ["ab", "ba", "a", "bab", "cab", "c"], ["one", "one", "two", "two", "one", "two"]
CHARSET = Charset.from_labels(LABELS)
SETTINGS = Pretraining(steps=8, head_steps=4, batch=4, heads=Heads(count=1, start="independent", embed=6, hidden=8))
CROPS = np.random.default_rng(0).integers(0, 256, (len(LABELS), 32, 96), dtype=np.uint8)


def curve():
    return HeldOutCurve(CROPS, LABELS, TASKS, CHARSET)


def train(keeper=None, held_out=None, start=None, settings=SETTINGS):
    return train_universal(CROPS, LABELS, CHARSET, settings, lambda *step: None, keeper, start, held_out, TASKS)


def bits(model):
    return {name: value.clone() for module in (model.trunk, model.head) for name, value in module.state_dict().items()}


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_measuring_changes_no_bit_of_the_weights():
    held_out = curve()
    assert same(bits(train()), bits(train(held_out=held_out)))
    assert [*held_out.points] == [*range(1, 13)], "both phases are short, so every step is measured"
    assert held_out.names == ["one", "two"]


def test_the_loss_is_the_mean_over_words_of_the_mean_over_characters():
    """An independent form: every word alone, its characters by cross entropy of the states of the head."""
    torch.manual_seed(0)
    trunk, head = Trunk().eval(), HeadBank(1, CHARSET.num_classes, features=256, positions=(1, 24), embed=6, hidden=8)
    head.initialise(0, torch.Generator().manual_seed(0))
    held_out = curve()
    held_out.measure(1, trunk, head)
    losses = {"one": [], "two": []}
    with torch.no_grad():
        for crop, label, task in zip(CROPS, LABELS, TASKS, strict=True):
            classes = [*CHARSET.encode(label), CHARSET.end]
            states = head.states(trunk(torch.from_numpy(crop[None])), torch.tensor([0, *classes[:-1]]), [1] * len(classes))
            logits = states[0] @ head.output[0] + head.output_bias[0]
            losses[task].append(float(torch.nn.functional.cross_entropy(logits, torch.tensor(classes))))
    assert held_out.points[1] == pytest.approx([np.mean(losses[task]) for task in ("one", "two")], rel=1e-4)


def test_a_training_that_continues_keeps_its_measurements():
    memory, whole = Memory(5), curve()
    train(held_out=whole)
    with pytest.raises(KeyboardInterrupt):
        train(memory, curve())
    continued = curve()
    train(memory, continued)
    assert continued.points == whole.points


def test_first_weights_are_those_of_the_start_and_new_characters_are_random():
    torch.manual_seed(1)
    head = HeadBank(1, 4, features=256, positions=(1, 24), embed=6, hidden=8)
    head.initialise(0, torch.Generator().manual_seed(1))
    start = UniversalModel(Trunk(), head, Charset(("b", "z")))
    held_out = HeldOutCurve(CROPS, LABELS, TASKS, CHARSET)
    still = Pretraining(steps=1, head_steps=1, batch=4, learning_rate=0.0, head_learning_rate=0.0, heads=SETTINGS.heads)
    trained = train(held_out=held_out, start=start, settings=still)
    for name, value in start.trunk.named_parameters():
        torch.testing.assert_close(dict(trained.trunk.named_parameters())[name], value, msg=name)
    place = CHARSET.encode("b")[0]
    torch.testing.assert_close(trained.head.embedding[0, place], head.embedding[0, 1])
    torch.testing.assert_close(trained.head.output[0, :, CHARSET.end], head.output[0, :, 3])


def test_tasks_are_drawn_alike_however_many_words_they_have_and_new_ones_more_often():
    labels, tasks = [*LABELS] * 20 + ["cc"], ["large"] * 120 + ["small"]
    crops = np.repeat(CROPS[:1], len(labels), axis=0)
    settings = Pretraining(steps=4, head_steps=1, batch=50, heads=SETTINGS.heads, draw="task")
    known = Charset(("a", "b", "d"))
    for start, weight, share in ((None, 1.0, 1 / 2), (known, 1.0, 1 / 2), (known, 3.0, 3 / 4), (None, 3.0, 1 / 2)):
        weighted = replace(settings, new_task_weight=weight)
        words = training_words(crops, labels, tasks, CHARSET, weighted, start)
        drawn = np.concatenate([words.draw_rows(weighted, "crops", step) for step in range(40)])
        assert (drawn == 120).mean() == pytest.approx(share, abs=0.04), "``small`` has only the character c, which is new"


@pytest.mark.parametrize(
    ("losses", "exact", "converged"),
    [((1.0, 0.5, 0.45), 0.8, True), ((1.0, 0.5, 0.35), 0.8, False), ((1.0, 0.5, 0.45), 0.2, False), ((1.0, 0.4, 0.5), 0.8, True)],
)
def test_a_task_has_converged_if_it_reads_and_its_loss_no_longer_falls(losses, exact, converged):
    held_out = HeldOutCurve(CROPS[:1], LABELS[:1], ["one"], CHARSET, dict(zip((40, 75, 100), ([loss] for loss in losses), strict=True)))
    (verdict,) = convergence(held_out, 100, {"one": exact})
    assert verdict.fall == pytest.approx(1 - losses[2] / losses[1])
    assert verdict.converged is converged
    assert verdict.text.startswith("converged: " if converged else "not converged: ")


def test_a_training_too_short_to_judge_has_not_converged():
    held_out = HeldOutCurve(CROPS[:1], LABELS[:1], ["one"], CHARSET, {1: [0.5]})
    (verdict,) = convergence(held_out, 1, {"one": 0.9})
    assert math.isnan(verdict.fall)
    assert not verdict.converged
    assert "too few steps" in verdict.text
