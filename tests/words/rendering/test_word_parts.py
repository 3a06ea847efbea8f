"""A language's words are dealt to parts, each a task of its own."""

import dataclasses

import pytest

from raygroup.config import Words
from raygroup.errors import ConfigError
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.synthesis import draw_crops, fonts_of, listed_words, plan_crops, plan_rendering, words_of_tasks
from raygroup.words.rendering.word_lists import deal_words, part_of, word_list

TWINS = Words(tasks=("hi", "la"), parts=(2, 1), characters=(40, 40), words_per_task=(20, 10, 30), unseen_per_task=3, renders=1)


def stem(word):
    """Return a word without the signs that a scene may add."""
    return word.strip("!.,()?:").casefold()


@pytest.fixture(scope="module")
def listed():
    return listed_words(TWINS)


def test_each_part_has_its_own_number_of_words(listed):
    assert {task: (len(words.train), len(words.unseen)) for task, words in listed.items()} == {
        "hi-1": (20, 3), "hi-2": (10, 3), "la": (30, 3),
    }  # fmt: skip


def test_parts_share_no_word_whatever_its_case_and_punctuation(listed):
    first, second = ({stem(word) for word in (*listed[task].train, *listed[task].unseen)} for task in ("hi-1", "hi-2"))
    assert not first & second


def test_other_counts_move_no_word_to_another_part(listed):
    more = listed_words(dataclasses.replace(TWINS, words_per_task=40, unseen_per_task=8))
    assert more["hi-1"].train[:20] == listed["hi-1"].train
    assert more["hi-2"].train[:10] == listed["hi-2"].train
    assert more["hi-2"].unseen[:3] == listed["hi-2"].unseen


@pytest.mark.parametrize("language", ["zh", "la"])
def test_together_parts_have_the_most_frequent_words_of_the_language(language):
    """A list of 40 words, dealt to two parts, is where the lists of the parts begin."""
    whole, _ = word_list(language, 60, 40, 0, 8)
    dealt = deal_words(language, 60, (40, 40), 0, 8)
    in_parts = [[word for word in whole if word in part.train] for part in dealt]
    assert sorted(word for part in in_parts for word in part) == sorted(whole)
    assert all(part.train[: len(words)] == words for part, words in zip(dealt, in_parts, strict=True))
    assert min(map(len, in_parts)) > 8


def test_a_word_is_dealt_by_its_letters_alone():
    """The command ``sha256sum`` ends in 6f for ``part haus``, in d5 for ``part maus`` and in 8e for ``part laus``."""
    assert [part_of(word, 16) for word in ("Haus", "HAUS", "haus", "maus", "laus")] == [15, 15, 15, 5, 14]
    assert [part_of(word, 2) for word in ("Haus", "maus", "laus")] == [1, 1, 0]


def test_a_language_without_parts_has_the_words_it_had():
    train, unseen = word_list("la", 40, 30, 3, 8)
    assert (listed_words(TWINS)["la"].train, listed_words(TWINS)["la"].unseen) == (train, unseen)


def test_a_part_is_drawn_in_the_script_and_the_fonts_of_its_language():
    words = Words(tasks=("ar", "zh"), parts=(2, 2), characters=(20, 60), words_per_task=2, unseen_per_task=1, renders=1)
    rendering = plan_rendering(words, None)
    assert [task.direction for task in rendering.tasks.values()] == ["rtl", "rtl", "ltr", "ltr"]
    assert fonts_of(words, None)["zh-2"] == find_fonts("zh") == find_fonts(rendering.tasks["zh-2"])
    drawn, _, dropped = draw_crops(rendering.orders, words, rendering.fonts, rendering.tasks)
    assert {order.task for order in drawn} == {"ar-1", "ar-2", "zh-1", "zh-2"}
    assert not dropped


def test_a_hundred_parts_have_their_words():
    words = Words(tasks=("zh", "ko"), parts=(50, 50), characters=(200, 150), words_per_task=3, unseen_per_task=0, renders=1)
    tasks = [order.task for order in plan_crops(words)]
    assert {task: tasks.count(task) for task in tasks} == dict.fromkeys(words.task_names, 6)


def test_a_language_with_too_few_words_for_its_parts_is_named_with_what_would_help():
    words = Words(tasks=("hi",), parts=(40,), characters=(20,), words_per_task=300)
    with pytest.raises(
        ConfigError, match=r"words.parts is \(40,\): hi-1 has \d+ of its 300 training words in the 20 characters of hi; give hi"
    ):
        plan_crops(words)


def test_settings_of_some_languages_have_no_parts():
    assert words_of_tasks(TWINS, ("la",)) == Words(tasks=("la",), characters=(40,), words_per_task=30, unseen_per_task=3, renders=1)
