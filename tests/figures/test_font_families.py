"""matplotlib shapes the words of every script, from fonts that raygroup chooses."""

import warnings

import cv2
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from raygroup.figures.font_families import DEFAULT, _covering_families, _other_families, font_families, missing_characters, text_style
from raygroup.figures.task_names import OWN_NAMES
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.shaping import ink


def drawn(text: str, task: str | None = None) -> np.ndarray:
    """Return what matplotlib draws, 255 where inked, cropped to the ink."""
    figure = Figure(figsize=(8, 1.5), dpi=100)
    figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=40, **text_style(text, task))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = 255 - np.asarray(canvas.buffer_rgba())[..., 0]
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else np.zeros((0, 0), np.uint8)


def num_parts(pixels: np.ndarray) -> int:
    return int(cv2.connectedComponents((pixels > 100).astype(np.uint8))[0]) - 1


@pytest.mark.parametrize("task", OWN_NAMES)
def test_every_script_shows_its_own_name_without_a_missing_glyph(task):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawn(OWN_NAMES[task], task).max() == 255


@pytest.mark.parametrize("task", OWN_NAMES)
def test_a_word_has_the_form_that_harfbuzz_gives_it(task):
    expected, missing = ink(OWN_NAMES[task], find_fonts(task)[0], task, 56)
    assert missing == 0
    pixels = drawn(OWN_NAMES[task], task)
    scaled = cv2.resize(pixels, expected.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(scaled.ravel(), expected.ravel())[0, 1] > 0.8


def test_arabic_letters_are_joined():
    assert num_parts(drawn("محمد", "ar")) == 1
    assert num_parts(drawn("\u200c".join("محمد"), "ar")) > 1  # zero-width non-joiners keep the letters apart


def test_numbers_in_arabic_words_read_from_left_to_right():
    number, word = drawn("2024", "ar"), drawn("2024سلام", "ar")
    place = cv2.matchTemplate(word, number[2:-2, 2:-2], cv2.TM_CCOEFF_NORMED)
    assert place.max() > 0.8


def test_a_hindi_word_hangs_from_one_line():
    assert num_parts(drawn("नमक", "hi")) == 1


def test_a_bengali_conjunct_is_narrower_than_its_letters():
    assert drawn("ক্ষ", "bn").shape[1] < 0.8 * drawn("ক\u200cষ", "bn").shape[1]


def test_chinese_and_japanese_shapes_of_one_character_differ():
    chinese, japanese = drawn("直", "zh"), drawn("直", "ja")
    assert chinese.shape != japanese.shape or (chinese != japanese).mean() > 0.05


def test_a_word_in_another_script_than_its_task_still_shows():
    korean = drawn("한국", "ko")
    for task in ("la", None):
        pixels = cv2.resize(drawn("한국", task), korean.shape[::-1])
        assert np.corrcoef(pixels.ravel(), korean.ravel())[0, 1] > 0.95


def test_a_word_that_mixes_scripts_shows_each():
    mixed = drawn("বাংলা한국", "hi")
    assert mixed.shape[1] > 0.95 * (drawn("বাংলা", "bn").shape[1] + drawn("한국", "ko").shape[1])


def test_dollar_signs_do_not_start_a_formula():
    assert drawn("$x^2$").shape[1] > 1.5 * drawn("x^2").shape[1]


def test_an_empty_text_draws_nothing():
    assert drawn("", "ar").size == 0


def test_latin_comes_from_the_default_family():
    assert font_families("word", "la")[0] == font_families("word")[0] == DEFAULT


def test_a_script_without_a_font_in_a_package_comes_from_any_installed_font(tmp_path, no_system_fonts):
    character = "\u0f40"  # Tibetan, which no font of raygroup or matplotlib has
    assert missing_characters(character) == {character}
    font_families.cache_clear()
    _other_families.cache_clear()
    fontManager.addfont(one_glyph_font(tmp_path / "tibetan.ttf", "0 Tibetan", character))
    pixels = drawn(character)
    assert font_families(character)[-1] == "0 Tibetan"
    assert missing_characters(character + "x") == set()
    assert (pixels > 200).mean() > 0.9


@pytest.mark.parametrize(
    "text", ["ภาษาไทย", "தமிழ்", "עברית", "Русский", "Ελληνικά", "አማርኛ", "ქართული", "Հայերեն", "ಕನ್ನಡ", "ខ្មែរ", "မြန်မာ", "සිංහල", "ລາວ"]
)
def test_the_letters_of_other_scripts_come_from_installed_fonts(text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert drawn(text).max() == 255
    assert missing_characters(text) == set()


def test_a_family_that_has_the_whole_word_comes_before_those_that_have_a_part():
    coverages = {
        "part": frozenset({1, 2}),
        "all of Unicode": frozenset(range(99)),
        "script": frozenset({1, 2, 3}),
        "rest": frozenset({100}),
    }
    assert _covering_families(frozenset({1, 2, 3}), coverages) == ["script"]
    assert _covering_families(frozenset({1, 100, 200}), coverages) == ["rest", "part"]


def test_hebrew_reads_from_right_to_left():
    """The first letter of the word, shin, stands at its right end."""
    word, first = drawn("שלום"), drawn("ש")
    place = cv2.matchTemplate(np.pad(word, 12), first, cv2.TM_CCOEFF_NORMED)
    assert np.unravel_index(place.argmax(), place.shape)[1] > word.shape[1] / 2


def one_glyph_font(path, family: str, character: str):
    """Write a font whose only letter is a filled square."""
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (800, 700), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(character): "square"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": square})
    builder.setupHorizontalMetrics({".notdef": (900, 0), "square": (900, 100)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path
