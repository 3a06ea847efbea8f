import cv2
import numpy as np
import pytest

from raygroup.figures.script_text import OWN_NAMES, lettering
from raygroup.tasks import PAPER_TASKS


def parts(pixels: np.ndarray) -> int:
    return int(cv2.connectedComponents((pixels > 100).astype(np.uint8))[0]) - 1


@pytest.mark.parametrize("task", OWN_NAMES)
def test_every_script_writes_its_own_name(task):
    pixels = lettering(OWN_NAMES[task], task, 40)
    assert pixels.shape[0] > 15
    assert pixels.max() == 255


def test_arabic_letters_are_joined():
    assert parts(lettering("محمد", "ar", 40)) == 1


def test_a_hindi_word_hangs_from_one_line():
    assert parts(lettering("नमक", "hi", 40)) == 1


def test_chinese_and_japanese_shapes_of_one_character_differ():
    chinese, japanese = lettering("直", "zh", 60), lettering("直", "ja", 60)
    assert chinese.shape != japanese.shape or (chinese != japanese).mean() > 0.05


def test_a_reading_in_another_script_than_its_head_is_still_written():
    assert np.array_equal(lettering("한국", "la"), lettering("한국", "ko"))
    assert np.array_equal(lettering("한국", None), lettering("한국", "ko"))


def test_nothing_read_is_one_empty_pixel():
    assert lettering("", PAPER_TASKS[0]).tolist() == [[0]]


def test_a_reading_that_mixes_scripts_has_each_in_its_own_shapes():
    mixed = lettering("বাংলা한국", "hi")
    assert mixed.shape[1] >= lettering("বাংলা", "bn").shape[1] + lettering("한국", "ko").shape[1]


def test_digits_stay_in_the_script_of_the_word_they_stand_in():
    assert parts(lettering("12", "la", 40)) == 2
    assert lettering("한국12", "ko").shape == lettering("한국12", None).shape
