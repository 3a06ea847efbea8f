"""All groups of tasks, in banks."""

import pytest

from raygroup.config import Grouping, Heads, Loss, Trial
from raygroup.errors import ConfigError
from raygroup.search_space import Sweep
from raygroup.task_groups import all_groups, dealt_groups, group_banks, group_text, groups_by_label, small_group_banks

SEVEN = ("zh", "ja", "ko", "la", "ar", "bn", "hi")
COVER = Grouping(method="cover", groups=(("ar",), ("ar", "ko")), base_coefficient=0.0)
NO_OTHER_LOSS = Loss(grouping=0.0, task=0.0)


def test_three_tasks_have_seven_groups():
    assert all_groups(("ko", "ar", "la")) == (("ko",), ("ar",), ("la",), ("ar", "ko"), ("ko", "la"), ("ar", "la"), ("ar", "ko", "la"))
    assert group_text(("la", "ar")) == group_text({"ar", "la"}) == "ar+la"


def test_seven_tasks_have_127_groups_in_four_banks():
    banks = group_banks(SEVEN)
    assert sorted(map(len, banks)) == [31, 32, 32, 32]
    assert len({frozenset(group) for bank in banks for group in bank}) == 127


def test_the_groups_of_a_bank_agree_on_the_first_tasks():
    shared = [{frozenset(group) & {"zh", "ja"} for group in bank} for bank in group_banks(SEVEN)]
    assert [len(each) for each in shared] == [1] * 4


def test_few_tasks_are_one_bank():
    assert group_banks(("ar", "ko")) == ((("ar",), ("ko",), ("ar", "ko")),)


@pytest.mark.parametrize(("tasks", "heads", "message"), [
    (("ar", "ar"), 16, "tasks is ('ar', 'ar'): it must be names, each once"),
    (tuple(f"t{number}" for number in range(13)), 16, "tasks is '13 names': it must be at most 12, because t tasks have 2^t - 1 groups"),
    (SEVEN, 12, "heads is 12: it must be a power of 2"),
])  # fmt: skip
def test_impossible_banks_are_refused(tasks, heads, message):
    with pytest.raises(ConfigError) as error:
        group_banks(tasks, heads)
    assert str(error.value) == message


@pytest.mark.parametrize(("changes", "message"), [
    ({"groups": (("ar",), ("ar",))}, "no group twice"),
    ({"groups": (("ar", "ar"),)}, "no group twice"),
    ({"groups": ()}, "no group twice"),
    ({"base_coefficient": 0.1}, "grouping.base_coefficient is 0.1: it must be 0 if grouping.method is 'cover'"),
    ({"route": "soft"}, "grouping.route is 'soft': it must be 'hard' if grouping.method is 'cover'"),
    ({"control": True}, "grouping.control"),
    ({"temperature_changes": ((0.5, 0.5),)}, "grouping.temperature_changes"),
    ({"method": "explicit"}, "each task once"),
])  # fmt: skip
def test_settings_without_meaning_for_group_heads_are_refused(changes, message):
    values = {"method": "cover", "groups": COVER.groups, "base_coefficient": 0.0} | changes
    with pytest.raises(ConfigError) as error:
        Grouping(**values)
    assert message in str(error.value)


def test_group_heads_have_neither_the_grouping_loss_nor_a_classifier():
    with pytest.raises(ConfigError, match=r"loss.grouping is 1.0: it must be 0 if grouping.method is 'cover'"):
        Trial(heads=Heads(count=2), grouping=COVER)
    assert Trial(heads=Heads(count=2), grouping=COVER, loss=NO_OTHER_LOSS).grouping.is_cover


def test_the_heads_of_a_bank_have_one_size():
    with pytest.raises(ConfigError, match=r"heads.embed is \(8, 16\): it must be one size if grouping.method is 'cover'"):
        Trial(heads=Heads(count=2, embed=(8, 16)), grouping=COVER, loss=NO_OTHER_LOSS)


def test_a_sweep_holds_either_banks_or_groupings():
    with pytest.raises(ConfigError, match="banks of group heads must be a sweep of their own"):
        Sweep(name="mixed", trial=Trial(loss=NO_OTHER_LOSS), grid={
            "grouping.method,grouping.groups,grouping.base_coefficient": (("cover", COVER.groups, 0.0), ("gumbel", (), 0.0)),
        })  # fmt: skip


def test_the_label_of_a_bank_has_its_first_and_its_last_group():
    sweep = Sweep(name="banks", trial=Trial(grouping=COVER, loss=NO_OTHER_LOSS), grid={"heads.count,grouping.groups": ((2, COVER.groups),)})
    assert [label for label, _ in sweep.trials()] == ["count=2 groups=ar..ar+ko seed=0"]


def test_small_groups_are_dealt_to_banks_with_the_group_of_all_tasks():
    banks = small_group_banks(("ar", "bn", "zh", "hi", "ja", "ko", "la"))
    assert list(map(len, banks)) == [29]
    groups = [group for bank in banks for group in bank]
    assert {len(group) for group in groups} == {1, 2, 7}
    assert len({*groups}) == 29
    assert small_group_banks(("ko", "la"), heads=2) == ((("ko",), ("la",)), (("ko", "la"),))


def test_tasks_are_dealt_to_groups_of_like_size():
    dealt = dealt_groups(SEVEN, 3, 1)
    assert sorted(task for group in dealt for task in group) == sorted(SEVEN)
    assert len(dealt) == 3
    assert max(map(len, dealt)) <= 3
    assert dealt == dealt_groups(SEVEN, 3, 1)
    assert len({dealt_groups(SEVEN, 3, seed) for seed in range(5)}) > 1
    with pytest.raises(ConfigError, match="count is 8: it must be from 1 to the number of tasks, which is 7"):
        dealt_groups(SEVEN, 8, 1)


def test_tasks_with_equal_labels_are_a_group():
    assert groups_by_label(("zh-1", "ko", "zh-2"), ("zh", "ko", "zh")) == (("zh-1", "zh-2"), ("ko",))
