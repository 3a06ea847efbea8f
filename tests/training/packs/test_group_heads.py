"""Banks of group heads: each head learns from its own group, and adds up to the head of any grouping."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import CHARSET, LABELS, TRIAL, make_data, make_universal

from raygroup.config import Grouping, Heads, Loss, Training
from raygroup.errors import ConfigError
from raygroup.model.heads.decoding import Reader
from raygroup.task_groups import all_groups
from raygroup.training.packs import group_reading
from raygroup.training.packs.group_reading import read_with_groups
from raygroup.training.packs.initial_state import initial_assignments
from raygroup.training.packs.pack import Pack
from raygroup.trunks import FEATURE_GRID, FEATURES

SHAPE = (FEATURE_GRID[0] * FEATURE_GRID[1], FEATURES)
TASKS = ("hi", "ko", "la")
STEPS = 30
TRAINING = Training(steps=STEPS, batch=4, learning_rate=3e-3)
GROUPS = all_groups(TASKS)
"""hi | ko | la | hi+ko | hi+la | ko+la | hi+ko+la, each in the paper's order."""


def bank_trial(groups=GROUPS, **heads):
    grouping = Grouping(method="cover", groups=groups, base_coefficient=0.0)
    heads = Heads(count=len(groups), **heads)
    return replace(TRIAL, heads=heads, grouping=grouping, loss=Loss(grouping=0.0, task=0.0), training=TRAINING)


def explicit_trial(groups):
    grouping = Grouping(method="explicit", groups=groups, base_coefficient=0.0)
    return replace(TRIAL, heads=Heads(count=len(groups)), grouping=grouping, training=TRAINING)


@pytest.fixture
def data(tmp_path):
    """Return eight words of three tasks in turn."""
    two_tasks = make_data(tmp_path, SHAPE)
    return replace(two_tasks, p_wt=np.eye(3, dtype=np.float32)[np.arange(len(LABELS)) % 3], tasks=TASKS)


def trained_pack(trial, data, dtype=torch.float32, steps=STEPS):
    pack = Pack([trial], data, make_universal(), dtype=dtype)
    for _ in range(steps):
        pack.advance()
    return pack


def head_weights(pack, head):
    return {name: value[head] for name, value in pack.state(0).items() if name.startswith("heads.")}


def strings(pack, head):
    trained = pack.trained_trial(0)
    words = torch.from_numpy(trained.data.features.rows(np.arange(len(LABELS)))).to(pack.dtype)
    decoded = Reader(trained.bank, trained.kernels).greedy(words, torch.full((len(LABELS),), head), 5)
    return [CHARSET.decode(classes) for classes in decoded.classes.tolist()]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-8), (torch.float32, 0.05)])
def test_a_group_head_is_the_head_of_its_group_in_a_grouping_that_is_trained_jointly(data, dtype, tolerance):
    bank = trained_pack(bank_trial(), data, dtype)
    partition = tuple(group for group in GROUPS if set(group) in ({"hi", "la"}, {"ko"}))
    joint = trained_pack(explicit_trial(partition), data, dtype)
    for place, group in enumerate(partition):
        in_bank = head_weights(bank, GROUPS.index(group))
        for name, value in head_weights(joint, place).items():
            assert torch.allclose(in_bank[name], value, rtol=0, atol=tolerance), (group, name)
        same = [one == other for one, other in zip(strings(bank, GROUPS.index(group)), strings(joint, place), strict=True)]
        assert sum(same) >= (8 if dtype == torch.float64 else 7)


def test_heads_of_other_groups_differ(data):
    bank = trained_pack(bank_trial(), data, steps=3)
    hindi, korean = (head_weights(bank, GROUPS.index((task,)))["heads.output"] for task in ("hi", "ko"))
    assert not torch.allclose(hindi, korean, atol=1e-4)


def test_a_word_counts_fully_for_every_head_whose_group_has_its_task(data):
    bank = Pack([bank_trial()], data, make_universal())
    p_tm = bank.losses._sample_assignments(torch.zeros(1, 1, 3, 7))[0, 0]
    membership = [[float(task in group) for group in GROUPS] for task in TASKS]
    assert p_tm.tolist() == membership
    assert p_tm.sum(1).tolist() == [4.0, 4.0, 4.0], "each of three tasks is in 4 of 7 groups"
    record = bank.advance()[0]
    assert record[-2:].tolist() == [0.0, 0.0], "neither Eq. (9) nor the classifier has a loss"


def test_a_bank_may_leave_tasks_out_but_may_not_name_others():
    two = replace(bank_trial((("ko",), ("ko", "la"))), heads=Heads(count=2))
    assert (initial_assignments([two], TASKS, [None])[0] > 0).tolist() == [[False, False], [True, True], [False, True]]
    with pytest.raises(ConfigError, match="no task 'ko' among the words"):
        initial_assignments([two], ("hi", "la"), [None])


def test_independent_heads_start_from_weights_of_their_group_whatever_their_place(data):
    forward = Pack([bank_trial((("hi",), ("hi", "la")), start="independent")], data, make_universal())
    backward = Pack([bank_trial((("la", "hi"), ("hi",)), start="independent")], data, make_universal())
    for place in (0, 1):
        one, other = head_weights(forward, place), head_weights(backward, 1 - place)
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(head_weights(forward, 0)["heads.output"], head_weights(forward, 1)["heads.output"])


def test_a_bank_resumes_bit_for_bit(data):
    whole = trained_pack(bank_trial(), data, steps=6).state(0)
    middle = {name: value.clone() for name, value in trained_pack(bank_trial(), data, steps=3).state(0).items()}
    resumed = Pack([bank_trial()], data, make_universal())
    resumed.restore(3, [middle])
    for _ in range(3):
        resumed.advance()
    assert all(torch.equal(resumed.state(0)[name], whole[name]) for name in whole)


def with_classifier(*groups):
    return replace(bank_trial(*groups), loss=Loss(grouping=0.0, task=1.0))


def test_a_classifier_is_the_same_in_every_bank_of_a_seed_and_changes_no_head(data):
    one, other = (trained_pack(with_classifier(groups), data, steps=4) for groups in ((("hi",), ("ko", "la")), (("la",), ("hi", "ko"))))
    plain = trained_pack(bank_trial((("hi",), ("ko", "la"))), data, steps=4)
    names = [name for name in one.state(0) if name.startswith("classifier.")]
    assert names
    assert all(torch.equal(one.state(0)[name], other.state(0)[name]) for name in names)
    assert any(not torch.equal(one.state(0)[name], plain.state(0)[name]) for name in names), "without its loss it is not trained"
    assert all(torch.equal(value, head_weights(plain, 0)[name]) for name, value in head_weights(one, 0).items())


def test_a_head_reads_the_words_that_the_classifier_sends_to_it(data, monkeypatch):
    """Words 1 and 4 are Korean and are sent to Hindi: their own head reads them, and that of Hindi too."""
    monkeypatch.setattr(group_reading, "predicted_tasks", lambda trained, rows: np.array([0, 0, 2, 0, 0, 1]))
    trained = trained_pack(with_classifier((("hi",), ("ko", "la"))), data, steps=2).trained_trial(0)
    rows, tasks = np.arange(6), np.array([0, 1, 2, 0, 1, -1], np.int32)
    columns = read_with_groups(trained, rows, ["new"] * 6, LABELS[:6], tasks)
    read = set(zip(columns["group"], columns["task"], columns["word"], columns["sent_to"], strict=True))
    assert read == {
        ("hi", "hi", 0, "hi"), ("hi", "hi", 3, "hi"), ("hi", "ko", 1, "hi"), ("hi", "ko", 4, "hi"), ("ko+la", "ko", 1, "hi"),
        ("ko+la", "ko", 4, "hi"), ("ko+la", "la", 2, "la"),
    }  # fmt: skip


def test_a_head_reads_the_words_of_its_own_tasks_alone(data):
    trained = trained_pack(bank_trial((("hi",), ("ko", "la"))), data, steps=2).trained_trial(0)
    rows, tasks = np.arange(6), np.array([0, 1, 2, 0, 1, -1], np.int32)
    columns = read_with_groups(trained, rows, ["new"] * 6, LABELS[:6], tasks)
    read = set(zip(columns["head"], columns["group"], columns["task"], columns["word"], strict=True))
    assert read == {(0, "hi", "hi", 0), (0, "hi", "hi", 3), (1, "ko+la", "ko", 1), (1, "ko+la", "ko", 4), (1, "ko+la", "la", 2)}
    assert all(loss > 0 for loss in columns["nll"])
    assert all(0 <= score <= 1 for score in columns["one_minus_ned"])
