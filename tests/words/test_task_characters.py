"""A head keeps the characters of its tasks, and loses those of others only."""

from raygroup.words.charset import Charset
from raygroup.words.task_characters import group_characters

CHARSET = Charset(tuple(sorted("a1é中のアक§")))


def kept(group, tasks, seen=None, charset=CHARSET):
    return {charset.characters[number - 1] for number in group_characters(charset, group, tasks, seen)}


def test_letters_of_other_scripts_go_and_shared_signs_stay():
    assert kept(["la"], ["la", "zh", "ja", "hi"]) == set("a1é§")
    assert kept(["zh"], ["la", "zh", "ja", "hi"]) == set("1中§")
    assert kept(["zh", "ja"], ["la", "zh", "ja", "hi"]) == set("1中のア§")


def test_a_character_of_no_task_stays_with_every_head():
    assert "§" in kept(["hi"], ["la", "hi"])
    assert "中" in kept(["hi"], ["la", "hi"])


def test_a_character_in_the_training_labels_of_a_task_stays_with_its_head():
    seen = {"ja": {"ア", "a"}, "la": {"a", "§"}}
    assert kept(["ja"], ["la", "ja"], seen) >= set("アa")
    assert "§" not in kept(["ja"], ["la", "ja"], seen)


def test_a_task_with_unknown_letters_keeps_everything_unless_its_labels_are_known():
    assert kept(["menus"], ["la", "menus"]) == set(CHARSET.characters)
    assert kept(["menus"], ["la", "menus"], {"menus": {"中"}, "la": {"a"}}) == set("中のアक§") - set("§") | {"§"}


def test_classes_ascend_and_leave_out_begin_and_end():
    numbers = group_characters(CHARSET, ["la"], ["la", "zh", "ja", "hi"])
    assert numbers == sorted(numbers)
    assert numbers[0] > 0
    assert numbers[-1] < CHARSET.end
