"""Stage 3 in a pack: a frozen grouping, heads that go on from stage 2, and explicit groupings."""

from dataclasses import replace

import pytest
import torch
from pack_fixtures import TRIAL, make_data, make_universal

from raygroup.config import Finetuning, Grouping, Heads, Training
from raygroup.errors import ConfigError
from raygroup.training.packs.initial_state import initial_assignments
from raygroup.training.packs.pack import Pack
from raygroup.trunks import FEATURE_GRID, FEATURES

SHAPE = (FEATURE_GRID[0] * FEATURE_GRID[1], FEATURES)
TWO_HEADS = replace(TRIAL, heads=Heads(count=2), training=Training(steps=6, batch=4))
EXPLICIT = replace(TWO_HEADS, grouping=Grouping(method="explicit", groups=(("la",), ("hi",)), base_coefficient=0.0))


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path, SHAPE)


def trained(pack, steps):
    for _ in range(steps):
        pack.advance()
    return {name: value.clone() for name, value in pack.state(0).items()}


def test_an_explicit_grouping_puts_each_task_on_the_head_that_names_it():
    r_tm = initial_assignments([EXPLICIT], ("hi", "la"), [None])[0]
    assert r_tm.argmax(-1).tolist() == [1, 0]
    assert r_tm.softmax(-1).tolist() == [[0.0, 1.0], [1.0, 0.0]], "exactly, so no head learns from foreign words"


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((("hi",), ("la",), ("ko",)), "grouping.groups has 3 groups, but heads.count is 2: they must be equal"),
        ((("hi",), ("la", "ko")), "grouping.groups: no task 'ko' among the words; their tasks are: hi, la"),
        ((("hi",), ("hi2",)), "grouping.groups: no task 'hi2' among the words; their tasks are: hi, la"),
    ],
)
def test_an_explicit_grouping_of_other_tasks_is_refused(groups, message):
    with pytest.raises(ConfigError) as error:
        initial_assignments([replace(EXPLICIT, grouping=replace(EXPLICIT.grouping, groups=groups))], ("hi", "la"), [None])
    assert str(error.value) == message


def test_an_explicit_grouping_must_name_every_task():
    with pytest.raises(ConfigError, match="grouping.groups has no group for ko"):
        initial_assignments([EXPLICIT], ("hi", "la", "ko"), [None])


def test_stage_3_starts_with_the_heads_the_classifier_and_the_grouping_of_stage_2(data):
    stage2 = trained(Pack([TWO_HEADS], data, make_universal()), 6)
    stage3 = Pack([Finetuning().trial_after(TWO_HEADS)], data, make_universal(), trained=[stage2]).state(0)
    for name in stage2:
        if name.startswith(("heads.", "classifier.")):
            assert torch.equal(stage3[name], stage2[name]), name
    assert stage3["r_tm"].argmax(-1).tolist() == stage2["r_tm"].argmax(-1).tolist()
    assert "optimizer.step" in stage3
    assert stage3["optimizer.step"] == 0, "the moments of stage 2 are not those of stage 3"


def test_without_its_trial_of_stage_2_stage_3_says_what_it_needs(data):
    with pytest.raises(ConfigError, match="such a trial is a Finetuning that comes after a sweep of stage 2"):
        Pack([Finetuning().trial_after(TWO_HEADS)], data, make_universal())


def test_a_head_of_stage_3_learns_from_the_words_of_its_group_alone(data):
    """Words of the other task get other labels. The head must not notice."""
    stage2 = trained(Pack([EXPLICIT], data, make_universal()), 2)
    finetuning = Finetuning(training=Training(steps=5, batch=8, weight_decay=0.0)).trial_after(EXPLICIT)
    whole = trained(Pack([finetuning], data, make_universal(), trained=[stage2]), 5)
    is_hindi = data.p_wt[:, 0] == 1
    targets = data.targets.copy()
    letters = (targets >= 1) & (targets <= 3) & is_hindi[:, None]
    targets[letters] = 1 + targets[letters] % 3  # a -> b -> c -> a
    changed = trained(Pack([finetuning], replace(data, targets=targets), make_universal(), trained=[stage2]), 5)
    latin, hindi = 0, 1
    for name in whole:
        if name.startswith("heads."):
            assert torch.allclose(whole[name][latin], changed[name][latin], atol=1e-6), name
    assert not torch.allclose(whole["heads.output"][hindi], changed["heads.output"][hindi], atol=1e-6)


def test_a_pack_of_stage_3_resumes_bit_for_bit(data):
    stage2 = trained(Pack([TWO_HEADS], data, make_universal()), 3)
    trial = Finetuning(training=Training(steps=6, batch=4)).trial_after(TWO_HEADS)
    whole = trained(Pack([trial], data, make_universal(), trained=[stage2]), 6)
    first = Pack([trial], data, make_universal(), trained=[stage2])
    middle = trained(first, 3)
    resumed = Pack([trial], data, make_universal(), trained=[stage2])
    resumed.restore(3, [middle])
    end = trained(resumed, 3)
    assert all(torch.equal(end[name], whole[name]) for name in whole)


def test_epsilon_temperature_and_the_rate_of_r_change_at_their_share_of_the_steps(data):
    grouping = Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),), temperature_changes=((0.5, 0.5),))
    training = Training(steps=4, batch=4, assignment_learning_rate=0.0, assignment_learning_rate_changes=((0.5, 0.1),))
    pack = Pack([replace(TWO_HEADS, grouping=grouping, training=training), TWO_HEADS_OF_4], data, make_universal())
    epsilons, temperatures, moved = [], [], []
    for _ in range(4):
        before = pack.r_ktm.detach()[0].clone()
        pack.advance()
        epsilons.append(pack.settings.base_coefficient.flatten().tolist())
        temperatures.append(pack.settings.temperature.flatten().tolist())
        moved.append(not torch.equal(before, pack.r_ktm.detach()[0]))
    assert epsilons == [pytest.approx([0.2, 0.2])] * 2 + [pytest.approx([0.1, 0.2])] * 2
    assert temperatures == [[1.0, 1.0]] * 2 + [[0.5, 1.0]] * 2
    assert moved == [False, False, True, True]


TWO_HEADS_OF_4 = replace(TWO_HEADS, training=Training(steps=4, batch=4))
