import string
import unicodedata

import pytest

from raygroup.tasks import HAN, PAPER_TASKS, TASKS, by_paper_order, find_task, language_of, part_names

SCRIPT_NAMES = {
    "ar": ("ARABIC",),
    "bn": ("BENGALI",),
    "zh": ("CJK", "IDEOGRAPHIC"),
    "hi": ("DEVANAGARI",),
    "ja": ("HIRAGANA", "KATAKANA", "CJK", "IDEOGRAPHIC"),
    "ko": ("HANGUL",),
    "la": ("LATIN",),
}
"""Words in the Unicode names of each task's letters. They state its ranges independently."""


def letters(task):
    return (chr(point) for first, last in TASKS[task].letters for point in range(first, last + 1))


def test_the_tasks_are_the_papers_seven_in_its_order():
    assert PAPER_TASKS == ("ar", "bn", "zh", "hi", "ja", "ko", "la")
    assert "".join(task.initial for task in TASKS.values()) == "ABCHJKL"


@pytest.mark.parametrize("name", TASKS)
def test_the_ranges_of_a_task_hold_only_letters_of_its_scripts(name):
    def is_stranger(letter):
        return unicodedata.category(letter)[0] in "LM" and not any(part in unicodedata.name(letter) for part in SCRIPT_NAMES[name])

    assert not [unicodedata.name(letter) for letter in letters(name) if is_stranger(letter)]


@pytest.mark.parametrize("name", ["ar", "bn", "hi", "ko"])
def test_a_task_has_every_letter_that_unicode_3_names_after_its_script(name):
    unicode_3 = unicodedata.ucd_3_2_0
    named = [chr(point) for point in range(0x10000) if unicode_3.name(chr(point), "").startswith(f"{SCRIPT_NAMES[name][0]} ")]
    assert len(named) > 80
    assert not [letter for letter in named if unicode_3.category(letter)[0] == "L" and not TASKS[name].has_letter(letter)]


def test_latin_has_every_letter_of_western_europe_and_no_multiplication_sign():
    assert all(map(TASKS["la"].has_letter, string.ascii_letters + "ÀÉÎÕÜßçñøåæœŁžİıẞ"))
    assert not any(map(TASKS["la"].has_letter, "×÷0-"))


def test_only_chinese_and_japanese_share_letters_and_bengali_and_hindi_share_dandas():
    ranges = {name: {point for first, last in TASKS[name].letters for point in range(first, last + 1)} for name in TASKS}
    shared = {(one, other) for one in TASKS for other in TASKS if one < other and ranges[one] & ranges[other]}
    assert shared == {("ja", "zh"), ("bn", "hi")}
    assert ranges["bn"] & ranges["hi"] == {ord("।"), ord("॥")}
    assert ranges["ja"] & ranges["zh"] == {point for first, last in HAN for point in range(first, last + 1)}


@pytest.mark.parametrize("name", TASKS)
def test_every_task_spells_digits_and_the_signs_in_all_public_charsets_but_no_blanks(name):
    assert all(map(TASKS[name].supports, string.digits + '!"()-./:'))
    assert not any(map(TASKS[name].supports, " \n\t"))


@pytest.mark.parametrize("name", TASKS)
def test_a_probe_consists_of_normalised_letters_of_the_task(name):
    probe = TASKS[name].probe
    assert all(map(TASKS[name].has_letter, probe))
    assert probe == unicodedata.normalize("NFC", probe)


def test_han_probes_tell_simplified_from_japanese_forms():
    """Japanese does not have the simplified forms 们这说. Japan made 込働."""
    with pytest.raises(UnicodeEncodeError):
        TASKS["zh"].probe.encode("shift_jis")
    with pytest.raises(UnicodeEncodeError):
        TASKS["ja"].probe.encode("gb2312")


def test_known_tasks_come_in_the_papers_order_and_other_tasks_after_them():
    assert by_paper_order({"la", "xx", "ar", "ko", "am"}) == ("ar", "ko", "la", "am", "xx")


def test_parts_of_a_language_come_in_its_place_and_in_the_order_of_their_numbers():
    assert by_paper_order({"la", "zh-10", "zh-2", "ko", "thai", "ar", "zh-1"}) == ("ar", "zh-1", "zh-2", "zh-10", "ko", "la", "thai")


def test_a_part_is_written_as_its_language_and_a_language_with_one_part_keeps_its_name():
    assert part_names("zh", 2) == ("zh-1", "zh-2")
    assert part_names("la", 1) == ("la",)
    arabic = find_task("ar-2")
    assert (arabic.name, arabic.title, arabic.initial, arabic.direction) == ("ar-2", "Arabic 2", "A2", "rtl")
    assert find_task("ar") is TASKS["ar"]


@pytest.mark.parametrize("name", ["zh-0", "zh-01", "zh-", "zh-a", "thai-1", "old-zh-1", "zh-1-1", ""])
def test_other_names_are_no_parts(name):
    assert language_of(name) == name
    assert find_task(name) is None
