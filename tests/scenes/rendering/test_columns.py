"""Vertical blocks have columns from right to left, with exact polygons."""

from dataclasses import replace

import numpy as np
import pytest
from rendered_scenes_for_tests import ink_of, inside, words_of

from raygroup.randomness import generator
from raygroup.scenes.rendering.columns import typeset_columns
from raygroup.scenes.rendering.composing import lay_out, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.vertical_shaping import VERTICAL_TASKS

SETTINGS = SceneSettings(words_per_task=60, vertical=1.0, tasks=("ja", "zh", "la"), curved=0.3)


@pytest.fixture(scope="module")
def materials():
    return load_materials(SETTINGS)


@pytest.fixture(scope="module")
def layouts(materials):
    return [lay_out(SETTINGS, materials, number) for number in range(16)]


def is_han(placed):
    return set(placed.block.tasks) <= set(VERTICAL_TASKS)


def test_words_of_a_column_run_down_and_columns_run_to_the_left():
    block = typeset_columns([("ja", ["日本", "東京"]), ("ja", ["大阪"])], {"ja": find_fonts("ja")}, 40, generator("columns"))
    first, second, left = block.boxes
    assert block.texts == ("日本", "東京", "大阪")
    assert first[3] < second[1]
    assert left[2] < first[0]
    for x0, y0, x1, y1 in block.boxes:
        assert y1 - y0 > 1.5 * (x1 - x0)


def test_every_box_is_tight_around_the_ink_of_its_word():
    columns = [("ja", ["スーパー", "10%"]), ("zh", ["这说,"])]
    block = typeset_columns(columns, {task: find_fonts(task) for task in ("ja", "zh")}, 40, generator("boxes"))
    assert block is not None
    for number, (x0, y0, x1, y1) in enumerate(block.boxes):
        rows, columns = np.nonzero(block.ink_of_word(number))
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (x0, y0, x1, y1)
    assert (sum(block.ink_of_word(number) for number in range(3)) == block.ink).all()


def test_with_share_one_all_blocks_of_chinese_and_japanese_are_vertical_and_no_others(layouts):
    blocks = [placed for blocks in layouts for placed in blocks]
    assert all(placed.block.is_vertical == is_han(placed) for placed in blocks)
    assert len({placed.block.is_vertical for placed in blocks}) == 2


def test_a_share_of_the_settings_is_vertical(materials):
    settings = replace(SETTINGS, vertical=0.5, words=(4, 4))
    blocks = [placed for number in range(60) for placed in lay_out(settings, materials, number) if is_han(placed)]
    assert 0.4 < np.mean([placed.block.is_vertical for placed in blocks]) < 0.6


def test_vertical_words_are_tall_and_have_four_corners_from_the_top_right_way_round(layouts):
    """The first corner is the top left of the upright column, and the corners run clockwise as seen."""
    words = [(placed, word) for placed, word in words_of(layouts) if placed.block.is_vertical and len(placed.block.texts[word]) > 1]
    assert len(words) > 30
    for placed, word in words:
        polygon = placed.polygon(word)
        across, down = polygon[1] - polygon[0], polygon[3] - polygon[0]
        assert len(polygon) == 4
        assert np.hypot(*down) > np.hypot(*across)
        assert across[0] * down[1] - across[1] * down[0] > 0


def test_all_ink_of_a_vertical_word_is_inside_its_polygon_and_none_of_others(layouts):
    for blocks in layouts:
        for placed, word in words_of([blocks]):
            if placed.block.is_vertical and placed.block.em >= 13:
                within = inside(placed.polygon(word), SETTINGS)
                inked = ink_of(placed, word, SETTINGS) > 127
                others = [ink_of(placed, other, SETTINGS) > 127 for other in range(len(placed.block.texts)) if other != word]
                assert (inked & within).sum() >= 0.99 * inked.sum()
                assert not any((ink & within).sum() > 0.01 * ink.sum() for ink in others)


def test_a_polygon_is_filled_with_ink_from_end_to_end(layouts):
    """Ink comes within 3 pixels of each of the four sides of a straight column."""
    compared = 0
    for placed, word in words_of(layouts):
        low, high = placed.polygon(word).min(axis=0), placed.polygon(word).max(axis=0)
        upright = [low, (high[0], low[1]), high, (low[0], high[1])]
        if placed.block.is_vertical and (placed.polygon(word) == upright).all():
            rows, columns = np.nonzero(ink_of(placed, word, SETTINGS) > 30)
            assert (np.abs(np.array([columns.min(), rows.min()]) - low) <= 3).all()
            assert (np.abs(np.array([columns.max(), rows.max()]) - high) <= 3).all()
            compared += 1
    assert compared > 5
