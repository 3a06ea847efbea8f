"""Errors of detection are red and errors of recognition purple, as in the paper's Figure 3."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.offsetbox import AnnotationBbox, TextArea

from raygroup.figures.explained_scene import PURPLE, RED, STYLES, DrawnOutcome, explained_scene_figure
from raygroup.figures.palette import save_figure
from raygroup.scoring.word_outcomes import OUTCOMES


def drawn(outcome, *texts, top=50):
    polygon = np.array([[10, top], [60, top], [60, top + 20], [10, top + 20]], np.float64)
    return DrawnOutcome(outcome, polygon, tuple((text, "ar" if text > "\u0600" else "la") for text in texts))


def labels(figure):
    """Return the texts of each label, from left to right."""
    boxes = [child for child in figure.axes[0].get_children() if isinstance(child, AnnotationBbox)]
    return [[part.get_text() for part in box.findobj(TextArea)] for box in boxes]


def outlines(figure):
    return [(to_hex(patch.get_edgecolor()), patch.get_linestyle()) for patch in figure.axes[0].patches]


def test_every_outcome_has_a_look():
    assert STYLES.keys() == set(OUTCOMES)


@pytest.mark.parametrize(("outcome", "look"), [("missed", (RED, "-")), ("false", (RED, "--")), ("misread", (PURPLE, "-"))])
def test_errors_differ_by_colour_and_dashes(outcome, look):
    assert outlines(explained_scene_figure(np.zeros((100, 200, 3), np.uint8), [drawn(outcome, "text")])) == [look]


def test_a_misread_word_shows_what_was_read_and_then_what_is_true_also_in_arabic():
    figure = explained_scene_figure(np.zeros((100, 200, 3), np.uint8), [drawn("misread", "بنت", "بيت"), drawn("misread", "", "exit")])
    assert labels(figure) == [["بنت", "→", "بيت"], ["(nothing)", "→", "exit"]]


def test_dont_care_words_have_no_label():
    assert labels(explained_scene_figure(np.zeros((100, 200, 3), np.uint8), [drawn("ignored", "###")])) == []


def test_counts_stand_above_and_the_legend_below():
    words = [drawn("correct", "a"), drawn("missed", "b"), drawn("missed", "c"), drawn("false", "d")]
    figure = explained_scene_figure(np.zeros((100, 200, 3), np.uint8), words)
    assert figure.get_suptitle() == "1 of 3 words right, 0 misread, 2 missed, 1 false"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["missed word (2)", "false detection (1)", "right (1)"]


def test_the_label_of_a_word_at_the_top_is_below_it():
    figure = explained_scene_figure(np.zeros((100, 200, 3), np.uint8), [drawn("missed", "top", top=0), drawn("missed", "low", top=60)])
    boxes = [child for child in figure.axes[0].get_children() if isinstance(child, AnnotationBbox)]
    assert [(box.xy[1], box._box_alignment[1]) for box in boxes] == [(20, 1), (60, 0)]


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 3000, 3), (3000, 40, 3)])
def test_photographs_of_any_shape_can_be_drawn(shape, tmp_path):
    assert save_figure(explained_scene_figure(np.zeros(shape, np.uint8), [drawn("missed", "a")]), tmp_path / "a.png").is_file()


@pytest.mark.parametrize("size", [(100, 100), (300, 1200), (2000, 300)])
def test_title_photograph_and_legend_have_places_of_their_own(size):
    words = [drawn(outcome, "a") for outcome in OUTCOMES]
    figure = explained_scene_figure(np.zeros((*size, 3), np.uint8), words)
    figure.draw_without_rendering()
    legend, photograph, title = (box.get_window_extent() for box in (figure.legends[0], figure.axes[0], figure._suptitle))
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.width
    assert 0 <= legend.y0 < legend.y1 <= photograph.y0 + 1
    assert photograph.y1 <= title.y0 + 1 < title.y1 <= figure.bbox.height
    assert title.x1 <= figure.bbox.width
    assert photograph.width / photograph.height == pytest.approx(size[1] / size[0])
