"""A language later: heads of a finished grouping go on with a new task, beside the old heads as they were."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_fixtures import LABELS, TRIAL, make_data, make_universal

from raygroup.config import Grouping, Heads, Loss, Training
from raygroup.errors import ConfigError
from raygroup.model.heads.decoding import Reader
from raygroup.task_groups import heads_to_go_on_from
from raygroup.training.packs.added_tasks import trained_group_heads
from raygroup.training.packs.pack import Pack
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

SHAPE = (FEATURE_GRID[0] * FEATURE_GRID[1], FEATURES)
OLD_TASKS, TASKS = ("hi", "la"), ("hi", "la", "ko")
LATER_LABELS = ["ab", "abc", "가", "cab", "ba", "나가", "bcb", "aa"]
LATER_CHARSET = Charset.from_labels(LATER_LABELS)
GROUPS = (("hi",), ("la",), ("hi", "ko"), ("la", "ko"), ("ko",))
"""The old heads, each old head with the new task, and a head of the new task alone."""
STEPS = 5
OLD = replace(
    TRIAL, heads=Heads(count=2), grouping=Grouping(method="explicit", groups=(("la",), ("hi",)), base_coefficient=0.0),
    training=Training(steps=STEPS, batch=4),
)  # fmt: skip
LATER = replace(
    TRIAL, heads=Heads(count=5, start="trained"), grouping=Grouping(method="cover", groups=GROUPS, base_coefficient=0.0),
    loss=Loss(grouping=0.0, task=0.0), training=Training(steps=STEPS, batch=8, learning_rate=3e-3),
)  # fmt: skip


@pytest.fixture
def old_pack(tmp_path):
    (tmp_path / "old").mkdir()
    return trained(Pack([OLD], make_data(tmp_path / "old", SHAPE), make_universal()))


@pytest.fixture
def later_data(tmp_path):
    """Return the old words, two of which have given way to words of a new task with characters of its own."""
    data = make_data(tmp_path, SHAPE, LATER_LABELS, LATER_CHARSET)
    task_of = [0, 1, 2, 1, 0, 2, 0, 1]
    return replace(data, p_wt=np.eye(3, dtype=np.float32)[task_of], tasks=TASKS)


def trained(pack, steps=STEPS):
    for _ in range(steps):
        pack.advance()
    return pack


def later_pack(old_pack, data, trial=LATER):
    tensors = trained_group_heads(old_pack.state(0), old_pack.data.charset, OLD_TASKS, trial.grouping.groups, data)
    return Pack([trial], data, make_universal(), trained=[tensors])


def head_parameter(pack, name, place):
    return pack.bank.head_parameter(name, place)


def strings(pack, head, rows):
    own = pack.trained_trial(0)
    words = torch.from_numpy(own.data.features.rows(np.array(rows))).float()
    decoded = Reader(own.bank, own.kernels).greedy(words, torch.full((len(rows),), head), 5)
    return [own.data.charset.decode(classes) for classes in decoded.classes.tolist()]


def test_a_head_goes_on_from_the_old_head_of_its_old_tasks():
    before = (frozenset({"la"}), frozenset(), frozenset({"hi", "bn"}))
    assert heads_to_go_on_from((("hi", "bn", "ko"), ("la",), ("ko",)), before) == (2, 0, None)
    with pytest.raises(
        ConfigError, match=r"grouping.groups: hi\+ko goes on from no head of the trial before, whose groups are bn\+hi \| la"
    ):
        heads_to_go_on_from((("hi", "ko"),), before)


def test_first_weights_are_those_of_the_old_head_at_the_classes_of_its_characters(old_pack, later_data):
    pack = later_pack(old_pack, later_data)
    old_class = {character: row for row, character in enumerate(old_pack.data.charset.characters, start=1)}
    for place, old_head in ((2, 1), (3, 0)):  # the old trial has la on its first head
        assert torch.equal(head_parameter(pack, "word", place), head_parameter(old_pack, "word", old_head))
        for row, character in enumerate(LATER_CHARSET.characters, start=1):
            if character in old_class:
                one = head_parameter(pack, "embedding", place)[row]
                assert torch.equal(one, head_parameter(old_pack, "embedding", old_head)[old_class[character]]), character
    universal = make_universal().head
    assert torch.equal(head_parameter(pack, "word", 4), universal.head_parameter("word", 0)), "the new task alone: the universal head"
    assert pack.new_characters == [2]


def test_an_old_head_is_kept_through_all_steps_and_reads_as_before(old_pack, later_data):
    pack = later_pack(old_pack, later_data)
    before = {name: pack.bank.get_parameter(name).detach().clone() for name, _ in pack.bank.named_parameters()}
    trained(pack)
    for name, values in before.items():
        now = pack.bank.get_parameter(name).detach()
        assert torch.equal(now[:2], values[:2]), name
    assert all(not torch.equal(pack.bank.output.detach()[place], before["output"][place]) for place in (2, 3, 4))
    rows = [0, 1, 3, 4, 6, 7]
    assert [LABELS[row] for row in rows] == [LATER_LABELS[row] for row in rows], "the same features and labels in both"
    assert strings(pack, 0, rows) == strings(old_pack, 1, rows)
    assert strings(pack, 1, rows) == strings(old_pack, 0, rows)


def test_kept_heads_change_nothing_for_the_others(old_pack, later_data):
    alone = replace(LATER, heads=Heads(count=3, start="trained"), grouping=replace(LATER.grouping, groups=GROUPS[2:]))
    whole, part = (trained(later_pack(old_pack, later_data, trial)) for trial in (LATER, alone))
    for name in ("output", "embedding", "word"):
        for place in (2, 3, 4):
            assert torch.allclose(head_parameter(whole, name, place), head_parameter(part, name, place - 2), atol=2e-3), (name, place)


def test_such_a_bank_resumes_bit_for_bit_and_is_the_same_in_a_pack(old_pack, later_data):
    whole = trained(later_pack(old_pack, later_data)).state(0)
    middle = {name: value.clone() for name, value in trained(later_pack(old_pack, later_data), 2).state(0).items()}
    resumed = later_pack(old_pack, later_data)
    resumed.restore(2, [middle])
    resumed = trained(resumed, STEPS - 2).state(0)
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    tensors = trained_group_heads(old_pack.state(0), old_pack.data.charset, OLD_TASKS, GROUPS, later_data)
    both = trained(Pack([replace(LATER, seed=3), LATER], later_data, make_universal(), trained=[tensors, tensors])).state(1)
    assert all(torch.equal(both[name], whole[name]) for name in whole)
