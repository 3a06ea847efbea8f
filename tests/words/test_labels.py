import sys
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from raygroup.words.labels import _ARABIC_BLOCKS, count_changes, normalise, to_logical, to_visual

MIXED = st.text(alphabet="ابتنهـَُّلا١٢٣۴0123456789abcXYZéक्षকি中あ한.,:/-()%! '\"\u0301\u0600\u06dd\u200d", max_size=14)


def test_labels_are_in_nfc_so_that_bengali_nukta_letters_have_one_spelling():
    assert normalise("\u09dc") == "\u09a1\u09bc"
    assert normalise("e\u0301") == "é"


def test_signs_that_mlt19_distinguishes_stay_distinct():
    assert normalise("Ａ（²½Ⅱ™") == "Ａ（²½Ⅱ™"


def test_arabic_presentation_forms_become_their_letters():
    assert normalise("\ufee3\ufeae\ufea3\ufe92\ufe8e") == "مرحبا"
    assert normalise("\ufefb") == "لا"


def test_an_isolated_haraka_loses_the_blank_that_carries_it():
    assert normalise("\ufe70") == "\u064b"


INVISIBLE_SIGNS = (
    "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad"
    "\u200b\u2060\u2064\u061c\u034f\u180e\ufe00\ufe0f\U000e0100\U000e01ef\u115f\u1160\u3164\uffa0\U000e0041"
)


@pytest.mark.parametrize("sign", INVISIBLE_SIGNS)
def test_invisible_signs_are_removed_and_counted(sign):
    assert normalise(f"क{sign}ष") == "कष"
    assert count_changes([f"क{sign}ष"]).total() == 1


def test_all_that_unicode_calls_default_ignorable_is_removed():
    ignorable = regex.compile(r"\p{Default_Ignorable_Code_Point}")
    assert not [point for point in range(sys.maxunicode + 1) if ignorable.match(chr(point)) and normalise(chr(point))]


def test_variation_selectors_are_counted_as_one_kind():
    assert count_changes(["\u2764\ufe0f", "葛\U000e0100\ufe00", "wo\u200brd"]) == {
        "variation selectors removed": 2,
        "U+200B ZERO WIDTH SPACE removed": 1,
    }


def test_visible_signs_stay():
    everything = (chr(point) for point in range(0x21, 0x30000) if unicodedata.category(chr(point))[0] in "LNPS")
    kept = [sign for sign in everything if not regex.match(r"\p{Default_Ignorable_Code_Point}", sign)]
    assert [sign for sign in kept if not normalise(sign)] == []


def test_tatweel_and_harakat_are_visible_and_stay():
    assert normalise("البَنـك") == "البَنـك"


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    label = normalise(text)
    assert normalise(label) == label
    assert unicodedata.is_normalized("NFC", label)


def test_changes_by_normalisation_are_counted_per_text():
    changes = count_changes(["क\u200d\u200dष", "कष", " a ", "\ufefb\u200d", "e\u0301"])
    assert changes == {
        "U+200D ZERO WIDTH JOINER removed": 2,
        "blanks at the ends removed": 1,
        "Arabic presentation forms folded": 1,
        "brought to NFC": 1,
    }


@given(st.lists(st.text(), max_size=5))
def test_every_changed_text_is_counted(texts):
    assert bool(count_changes(texts)) == any(text != normalise(text) for text in texts)


@pytest.mark.parametrize(
    ("logical", "seen"),
    [
        ("سلام", "مالس"),
        ("بَنك", "كنبَ"),
        ("سعر50", "50رعس"),
        ("سعر12.50م", "م12.50رعس"),
        ("١٢/٣م", "م١٢/٣"),
        ("ب10.", ".10ب"),
        ("ب1--2", "2--1ب"),
        ("بPM", "PMب"),
        ("(ب)", ")ب("),
    ],
)
def test_arabic_is_reversed_by_cluster_while_numbers_and_latin_keep_their_order(logical, seen):
    assert to_visual(logical) == seen


@pytest.mark.parametrize("label", ["", "hello", "1.5", "١٢-٣", "कक्षा", "中国", "ـ", "שלום"])
def test_a_label_without_arabic_letters_keeps_its_order(label):
    assert to_visual(label) == label


@given(MIXED)
def test_a_label_can_be_recovered_from_its_visual_order(label):
    assert to_logical(to_visual(label)) == label


@given(st.text(max_size=10), st.sampled_from("بمـَ\u0600"), st.text(max_size=10))
def test_any_text_with_arabic_can_be_recovered_from_its_visual_order(before, arabic, after):
    text = before + arabic + after
    assert to_logical(to_visual(text)) == text
    assert sorted(to_visual(text)) == sorted(text)


@given(st.sampled_from("ابتنهل"), st.text(alphabet="ابتنهـَُّل", max_size=8))
def test_grapheme_clusters_of_an_arabic_word_stay_whole_in_reversed_order(first, rest):
    assert to_visual(first + rest) == "".join(reversed(regex.findall(r"\X", first + rest)))


def test_the_quick_check_for_arabic_misses_no_arabic_letter():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    letters = regex.findall(r"[\p{Script=Arabic}&&\p{Letter}]", everything, regex.V1)
    assert len(letters) > 1000
    assert all(_ARABIC_BLOCKS.search(letter) for letter in letters)
