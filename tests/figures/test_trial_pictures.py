"""The pictures of a trial, whatever its sweep varies and whatever its words are written in."""

import warnings

import cv2
import numpy as np
import pytest
from test_figures import history

from raygroup.figures.trial_pictures import TrialDrawing, draw_trial_pictures, missing_letters_line
from raygroup.figures.word_sheet import ShownWord

PNG = cv2.imencode(".png", np.zeros((8, 24), np.uint8))[1].tobytes()
NAMES = {"assignment-one.png", "words-one.png"}


def drawing(tasks, heads, words):
    r_tm = np.tile(np.eye(heads, dtype=np.float32)[[task % heads for task in range(len(tasks))]], (3, 1, 1))
    shown = tuple(ShownWord(PNG, task, text, text) for task, text in words)
    return TrialDrawing("one", "sweep, trial", history(tasks, r_tm), shown)


@pytest.mark.parametrize(
    ("tasks", "heads"),
    [(("ar", "la"), 1), (("ar", "hi", "la"), 3), (("invoices", "street signs"), 2), (("cyrillic", "thai"), 5), (("la",), 1)],
)
def test_every_grouping_has_both_pictures(tmp_path, tasks, heads):
    folder = tmp_path / "figures"
    paths = draw_trial_pictures(drawing(tasks, heads, [(task, "abc") for task in tasks]), folder)
    assert {path.name for path in paths} == NAMES == {path.name for path in folder.iterdir()}


def test_a_trial_without_pictures_of_words_has_its_assignment(tmp_path):
    assert [path.name for path in draw_trial_pictures(drawing(("la",), 1, []), tmp_path)] == ["assignment-one.png"]


def test_pictures_that_exist_stay_as_they_are(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(b"drawn before")
    draw_trial_pictures(drawing(("la",), 1, [("la", "a")]), tmp_path)
    assert {(tmp_path / name).read_bytes() for name in NAMES} == {b"drawn before"}


def test_letters_that_no_font_has_are_named_once_by_script_and_warn_no_more(tmp_path, no_system_fonts):
    tibetan = drawing(("tibetan",), 1, [("tibetan", "བོད"), ("tibetan", "བོད")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_trial_pictures(tibetan, tmp_path)
    line = missing_letters_line(tibetan.texts())
    assert line.startswith("pictures show boxes for signs that no installed font has: Tibetan (3 signs);")


def test_letters_with_a_font_need_no_line():
    assert missing_letters_line(drawing(("thai",), 1, [("thai", "ภาษาไทย"), (None, "עברית")]).texts()) is None
