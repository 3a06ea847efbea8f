import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import uharfbuzz as hb

from raygroup.randomness import generator
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import SYSTEM_FOLDERS, can_write, code_points, face, find_fonts, scan_folder
from raygroup.words.rendering.shaping import ink, nominal_ink
from raygroup.words.rendering.word_lists import word_list

JOIN_NO_NEXT = set("اأإآٱدذرزوؤةىء")
"""Arabic letters that never join the next letter (Unicode joining types R and U)."""


def components(picture):
    return cv2.connectedComponents((picture > 127).astype(np.uint8))[0] - 1


def fonts_with(text):
    """Return the Arabic fonts that have the characters. Some lack ASCII signs."""
    able = [font for font in find_fonts("ar") if set(map(ord, text)) <= code_points(font.path, font.index)]
    assert able
    return able


def words_of_letters(task, count, least=2):
    """Return frequent words of the task's letters alone."""
    train, _ = word_list(task, 60, 400, 0, 10)
    spelled = [word for word in train if len(word) >= least and all(map(TASKS[task].has_letter, word))]
    assert len(spelled) >= count
    return spelled[:count]


def shaped_and_unshaped(task, words):
    """Count the connected components of words with and without shaping.

    Returns (shaped, unshaped). Each word has a random font.
    """
    fonts = find_fonts(task)
    pairs = []
    for word in words:
        font = fonts[generator("font", word).integers(len(fonts))]
        pairs.append((components(ink(word, font, task, 64)[0]), components(nominal_ink(word, font, task, 64))))
    return np.array(pairs).T


def test_shaping_joins_parts_of_every_arabic_word_with_a_joining_letter():
    joining = [word for word in words_of_letters("ar", 150, 4) if set(word[:-1]) - JOIN_NO_NEXT]
    shaped, unshaped = shaped_and_unshaped("ar", joining)
    assert len(joining) >= 145
    assert (shaped < unshaped).all()


def test_shaping_joins_nothing_in_an_arabic_word_without_joining_letters():
    """Waw, zay, alef, reh and dal never join the next letter.

    The words are ministry, roles, role and rose.
    """
    shaped, unshaped = shaped_and_unshaped("ar", ["وزارة", "ادوار", "دور", "وردة"])
    assert (shaped == unshaped).all()


@pytest.mark.parametrize(("task", "share"), [("bn", 0.95), ("hi", 0.94)])
def test_shaping_does_not_split_words_that_hang_on_a_headline(task, share):
    shaped, unshaped = shaped_and_unshaped(task, words_of_letters(task, 150))
    assert (shaped <= unshaped).mean() >= share
    assert shaped.mean() < unshaped.mean()


def test_arabic_runs_from_right_to_left():
    """Alef is a tall bar, and dal is low.

    In the word dal alef, the bar is at the left end.
    """
    for font in find_fonts("ar"):
        dal_alef, alef_dal = (ink(word, font, "ar", 64)[0] for word in ("دا", "اد"))
        assert dal_alef[: len(dal_alef) // 3].sum(0).argmax() < dal_alef.shape[1] / 2
        assert alef_dal[: len(alef_dal) // 3].sum(0).argmax() > alef_dal.shape[1] / 2


def test_the_full_stop_of_an_arabic_word_stands_at_its_left_end():
    """Alefs are tall bars, so only the stop's columns are low."""
    for font in fonts_with("ااا."):
        stop = ink(".", font, "ar", 64)[0].shape[1]
        word = ink("ااا.", font, "ar", 64)[0]
        upper = word[: len(word) // 2].any(0)
        assert word[:, :stop].any()
        assert not upper[:stop].any()
        assert upper[-stop:].any()


def test_brackets_around_an_arabic_word_open_towards_it():
    """The closing bracket is at the left end, bulging to the left.

    The opening bracket is at the right end and bulges to the right.
    """
    for font in fonts_with("(دد)"):
        wide = ink("(", font, "la", 64)[0].shape[1]
        word = ink("(دد)", font, "ar", 64)[0]
        middle, ends = slice(len(word) * 2 // 5, len(word) * 3 // 5), slice(0, len(word) // 8)
        places = np.arange(wide)
        left, right = word[:, :wide], word[:, -wide:]
        assert _centre(left[middle], places) < _centre(left[ends], places)
        assert _centre(right[middle], places) > _centre(right[ends], places)


def test_digits_run_from_left_to_right_in_arabic_too():
    for font in fonts_with("2014"):
        np.testing.assert_array_equal(ink("2014", font, "ar")[0], ink("2014", font, "la")[0])


@pytest.mark.parametrize(("task", "text"), [("hi", "कि"), ("bn", "কি")])
def test_the_vowel_sign_i_is_drawn_before_its_consonant(task, text):
    for font in find_fonts(task):
        picture = ink(text, font, task, 64)[0]
        consonant = ink(text[0], font, task, 64)[0]
        rows, columns = (min(one, other) for one, other in zip(picture.shape, consonant.shape, strict=True))
        lower = rows // 2
        right = picture[-lower:, -columns:] > 127
        left = picture[-lower:, :columns] > 127
        expected = consonant[-lower:, -columns:] > 127
        assert (right != expected).mean() < (left != expected).mean()


@pytest.mark.parametrize(("task", "share"), [("ar", 0.95), ("bn", 0.25), ("hi", 0.15)])
def test_shaped_words_of_joining_scripts_differ_from_their_letters_side_by_side(task, share):
    font = find_fonts(task)[0]
    words = words_of_letters(task, 100, 3)
    differs = [ink(word, font, task)[0].shape != nominal_ink(word, font, task).shape for word in words]
    assert sum(differs) >= share * len(words)


def test_shaping_changes_the_parts_of_hardly_any_latin_word():
    """This checks the control: Latin letters do not join."""
    shaped, unshaped = shaped_and_unshaped("la", words_of_letters("la", 150))
    assert (shaped == unshaped).mean() > 0.97


@pytest.mark.parametrize("task", ["ar", "bn", "hi", "la"])
def test_a_heavier_weight_of_a_variable_font_gives_more_ink(task):
    variable = [font for font in find_fonts(task) if font.weights]
    assert variable
    for font in variable:
        light, bold = (ink(TASKS[task].probe, font, task, 64, weight)[0].astype(float).mean() for weight in font.weights)
        assert bold > 1.15 * light


def test_a_font_of_one_weight_ignores_the_requested_weight():
    font = next(font for font in find_fonts("zh") if not font.weights)
    np.testing.assert_array_equal(ink("中国", font, "zh", weight=900)[0], ink("中国", font, "zh")[0])


def test_glyphs_that_the_font_lacks_are_counted():
    font = find_fonts("la")[0]
    assert ink("word", font, "la")[1] == 0
    assert ink("wo日d本", font, "la")[1] == 2


@pytest.mark.parametrize("task", TASKS)
def test_ink_is_cropped_tightly_and_reaches_full_coverage(task):
    for font in find_fonts(task):
        picture, missing = ink(TASKS[task].probe, font, task, 64)
        assert missing == 0
        assert picture.dtype == np.uint8
        assert picture.max() == 255
        for edge in (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]):
            assert edge.any()


@pytest.mark.parametrize("text", ["", " ", "\u200b"])
def test_text_without_ink_gives_one_empty_pixel(text):
    picture, _ = ink(text, find_fonts("la")[0], "la")
    assert picture.shape == (1, 1)
    assert not picture.any()


def test_twice_the_size_is_twice_as_high_and_wide():
    for task in TASKS:
        font = find_fonts(task)[0]
        small, large = (np.array(ink(TASKS[task].probe, font, task, size)[0].shape) for size in (40, 80))
        assert np.abs(2 * small - large).max() <= 6


def test_a_pan_cjk_font_draws_the_same_ideograph_with_the_shapes_of_the_language():
    """This needs a font that names both languages.

    Noto Sans CJK does (Debian's fonts-noto-cjk, or manimgx-fonts-cjk).
    """
    spec = importlib.util.find_spec("manimgx_fonts_cjk")
    packaged = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    every = [font for folder in (*packaged, *SYSTEM_FOLDERS) if folder.is_dir() for font in scan_folder(folder)]
    both = [font for font in every if can_write(font, TASKS["zh"]) and can_write(font, TASKS["ja"])]
    if not both:
        pytest.skip("no installed font names both Chinese and Japanese")
    for ideograph in "直骨返":
        assert _glyph(ideograph, both[0], "zh") != _glyph(ideograph, both[0], "ja")
        chinese, japanese = (ink(ideograph, both[0], task, 64)[0] for task in ("zh", "ja"))
        assert chinese.shape != japanese.shape or (chinese != japanese).any()


def _centre(picture, places):
    return float((picture.sum(0) * places).sum() / picture.sum())


def _glyph(text, font, task):
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.script, buffer.language, buffer.direction = TASKS[task].script, TASKS[task].language, "ltr"
    hb.shape(hb.Font(face(font.path, font.index)), buffer)
    return buffer.glyph_infos[0].codepoint
