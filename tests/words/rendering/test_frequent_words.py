import os
import string
import subprocess
import sys
import unicodedata

import pytest
import wordfreq

from raygroup.tasks import TASKS
from raygroup.words.rendering.word_lists import PUNCTUATION, characters_of, word_list

CHARACTERS = {"ar": 30, "bn": 40, "zh": 400, "hi": 40, "ja": 200, "ko": 150, "la": 60}
SIGNS = set("\u0640\u064b\u064e\u064f\u0650\u0651")
ORDINARY = set(string.digits + PUNCTUATION)


@pytest.fixture(scope="module")
def lists():
    return {task: word_list(task, CHARACTERS[task], 300, 30, 8) for task in TASKS}


def bare(word):
    """Return a word without case and punctuation."""
    return word.strip(PUNCTUATION).casefold()


def letters(task, word):
    return {character for character in word if TASKS[task].has_letter(character)}


@pytest.mark.parametrize("task", TASKS)
def test_a_list_has_the_requested_number_of_different_words_within_the_length(lists, task):
    train, unseen = lists[task]
    assert (len(train), len(unseen)) == (300, 30)
    assert len({*train, *unseen}) == 330
    assert all(0 < len(word) <= 8 for word in train + unseen)


@pytest.mark.parametrize("task", TASKS)
def test_a_longer_list_begins_with_the_shorter_one(lists, task):
    train, unseen = word_list(task, CHARACTERS[task], 120, 5, 8)
    assert lists[task][0][:120] == train
    assert lists[task][1][:5] == unseen


@pytest.mark.parametrize("task", TASKS)
def test_no_unseen_word_is_a_training_word_in_other_case_or_with_other_punctuation(lists, task):
    train, unseen = (set(map(bare, words)) for words in lists[task])
    assert not train & unseen


def test_lists_of_other_lengths_have_the_same_unseen_latin_words(lists):
    longer = set(map(bare, word_list("la", 60, 1500, 0, 12)[0]))
    assert not longer & set(map(bare, lists["la"][1]))


@pytest.mark.parametrize("task", TASKS)
def test_words_have_only_letters_of_the_task_digits_and_punctuation(lists, task):
    for word in lists[task][0] + lists[task][1]:
        assert all(character in ORDINARY or TASKS[task].has_letter(character) for character in word)


@pytest.mark.parametrize("task", TASKS)
def test_the_letters_of_all_words_are_within_the_cap_except_arabic_signs(lists, task):
    allowed = characters_of(task, CHARACTERS[task])
    used = set().union(*(letters(task, word) for words in lists[task] for word in words))
    assert len(allowed) <= CHARACTERS[task]
    assert used - (SIGNS if task == "ar" else set()) <= allowed


@pytest.mark.parametrize("task", TASKS)
def test_a_larger_cap_keeps_the_letters_of_a_smaller_one(task):
    assert characters_of(task, 10) < characters_of(task, 25) < characters_of(task, 30)


def test_the_most_frequent_letters_of_latin_come_in_pairs_of_cases():
    chosen = characters_of("la", 10)
    assert {letter.swapcase() for letter in chosen} == chosen
    assert set("eEiI") < chosen


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_digit_strings_and_some_punctuated_words(lists, task):
    words = lists[task][0]
    numbers = [word for word in words if any(map(str.isdigit, word)) and not letters(task, word)]
    punctuated = [word for word in words if letters(task, word) and set(word) & set(PUNCTUATION)]
    assert 4 <= len(numbers) <= 36
    assert 3 <= len(punctuated) <= 36


def test_latin_words_come_in_lower_title_and_upper_case(lists):
    words = [word.strip(PUNCTUATION) for word in lists["la"][0] if len(bare(word)) > 1 and letters("la", word)]
    for form, least in ((str.islower, 0.15), (str.istitle, 0.25), (str.isupper, 0.15)):
        assert sum(map(form, words)) > least * len(words)
    assert all(word.islower() or word.istitle() or word.isupper() for word in words)


def test_latin_words_come_from_four_languages(lists):
    words = set(map(bare, lists["la"][0]))
    for language in TASKS["la"].word_lists:
        assert len(words & set(wordfreq.top_n_list(language, 500))) > 50


def test_some_arabic_words_have_a_haraka_or_a_tatweel_after_a_letter(lists):
    signed = [word for word in lists["ar"][0] if set(word) & SIGNS]
    assert 4 <= len(signed) <= 40
    assert not any(word[0] in SIGNS for word in signed)


@pytest.mark.parametrize("task", ["zh", "ja", "ko"])
def test_tokens_of_languages_without_spaces_are_joined_to_words_as_long_as_in_scenes(lists, task):
    lengths = [len(word) for word in lists[task][0] if letters(task, word) == set(word)]
    assert sum(length >= 2 for length in lengths) > 0.85 * len(lengths)
    assert 2.2 < sum(lengths) / len(lengths) < 4.5


def test_every_word_is_a_normalised_label(lists):
    for words in lists.values():
        for word in words[0] + words[1]:
            assert word == unicodedata.normalize("NFC", word).strip()


@pytest.mark.parametrize("task", ["ar", "ko", "la"])
def test_a_list_is_shorter_if_the_language_has_no_more_words_within_the_cap(task):
    train, unseen = word_list(task, 3, 100, 0, 2)
    assert 0 < len(train) < 100
    assert unseen == []


@pytest.mark.slow
def test_another_process_with_other_string_hashes_lists_the_same_words(lists):
    script = "from raygroup.words.rendering.word_lists import word_list; print(*(word_list(t, 30, 20, 2, 8) for t in ('ar', 'ja', 'la')))"
    outputs = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, encoding="utf-8",
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert outputs == [" ".join(str(word_list(task, 30, 20, 2, 8)) for task in ("ar", "ja", "la")) + "\n"] * 2
