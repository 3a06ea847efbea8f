"""Each task has its own number of characters, and may have words of the user."""

from dataclasses import replace

import pytest

from raygroup.errors import ConfigError
from raygroup.scenes.rendering.composing import label, lay_out, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.words.rendering.word_lists import characters_of
from raygroup.words.word_store import split_of

SETTINGS = SceneSettings(words_per_task=100, tasks=("la", "ko"), width=320, height=240)
OWN = ("Zebra", "Quokka", "Ibex", "Lynx", "Gnu", "Okapi", "Tapir", "Dingo", "Heron", "Egret", "Finch", "Robin", "Stork", "Crane")
WITH_OWN = replace(SETTINGS, own_words=(("la", OWN),))


def letters(words, task):
    return {letter for word in words for letter in word if letter in characters_of(task, 10_000)}


def test_a_task_uses_its_own_number_of_characters_and_the_others_the_common_one():
    settings = replace(SETTINGS, characters=40, characters_of_task=(("ko", 15),))
    words = load_materials(settings).words
    assert letters(words["ko"], "ko") <= characters_of("ko", 15)
    assert len(letters(words["la"], "la")) > 20
    assert words["la"] == load_materials(replace(SETTINGS, characters=40)).words["la"]
    assert words["ko"] == load_materials(replace(SETTINGS, characters=15)).words["ko"]


def test_own_words_replace_the_list_of_their_task_alone():
    materials = load_materials(WITH_OWN)
    assert set(materials.words["la"]) == {word for word in OWN if split_of(word) == "train"}
    assert materials.words["ko"] == load_materials(SETTINGS).words["ko"]
    texts = {
        i.text for number in range(6) for i in label(WITH_OWN, lay_out(WITH_OWN, materials, number), number).instances if i.task == "la"
    }
    assert texts
    assert texts <= set(OWN)


def test_own_words_of_val_are_never_those_of_train():
    words = tuple(f"word{number}" for number in range(300))
    settings = replace(SETTINGS, own_words=(("la", words),), words_per_task=1000)
    train, val = (set(load_materials(replace(settings, split=split)).words["la"]) for split in ("train", "val"))
    assert train | val == set(words)
    assert not train & val
    assert 10 < len(val) < 50


def test_own_words_that_scenes_cannot_show_are_counted_by_reason():
    settings = replace(SETTINGS, own_words=(("la", (*OWN, "x" * 15, "dog\U0001f600")),), words_per_task=5)
    materials = load_materials(settings)
    num_train = sum(split_of(word) == "train" for word in OWN)
    assert len(materials.words["la"]) == 5
    assert materials.dropped == {
        "la": {"longer than 14 characters": 1, "with a character that no font has": 1, "beyond the 5 words of a task": num_train - 5}
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"own_words": (("la", ("\U0001f600",)),)},
            r"own_words of la: no word for the split train \(1 with a character that no font has\)",
        ),
        ({"characters": 2, "max_characters": 1, "split": "val"}, "scenes.characters is 2: so few characters give no val word of la"),
        (
            {"characters_of_task": (("ko", 2),), "max_characters": 1, "split": "val"},
            "scenes.characters_of_task of ko is 2: so few characters give no val word of ko",
        ),
    ],
)
def test_a_task_without_a_word_is_refused_with_the_reason(settings, message):
    with pytest.raises(ConfigError, match=message):
        load_materials(replace(SETTINGS, **settings))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"characters_of_task": (("xx", 30),)}, "tasks of scenes.characters_of_task is 'xx': it must be each task once, among la, ko"),
        ({"characters_of_task": (("la", 30), ("la", 40))}, "each task once"),
        ({"characters_of_task": (("la", 1),)}, "scenes.characters_of_task of la is 1: it must be at least 2"),
        ({"own_words": (("ja", ("a",)),)}, "tasks of scenes.own_words is 'ja'"),
    ],
)
def test_wrong_pairs_are_refused_by_name(wrong, message):
    with pytest.raises(ConfigError, match=message):
        replace(SETTINGS, **wrong)
