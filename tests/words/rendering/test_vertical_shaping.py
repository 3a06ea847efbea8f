"""Words of Chinese and Japanese run from top to bottom, and their signs stand along the column."""

import cv2
import numpy as np
import pytest
import uharfbuzz as hb

from raygroup.words.rendering.fonts import FontFile, face, find_fonts
from raygroup.words.rendering.shaping import ink
from raygroup.words.rendering.vertical_shaping import vertical_ink

EM = 60


@pytest.fixture(params=find_fonts("ja"), ids=lambda font: font.family)
def font(request):
    return request.param


def rows_with_ink(picture):
    """Return the runs of rows that have ink, as pairs of a first row and the row behind the last."""
    inked = np.concatenate([[0], (picture > 60).any(axis=1).astype(int), [0]])
    return list(zip(np.nonzero(np.diff(inked) == 1)[0].tolist(), np.nonzero(np.diff(inked) == -1)[0].tolist(), strict=True))


def test_letters_stand_below_each_other_upright_and_in_order(font):
    """Each letter has the pixels that it has alone, one em below the letter before."""
    column = vertical_ink("日本", font, "ja", EM).ink
    parts = rows_with_ink(column)
    assert len(parts) == 2
    for (top, bottom), letter in zip(parts, "日本", strict=True):
        alone, _ = ink(letter, font, "ja", EM)
        part = column[top:bottom]
        agreement = cv2.matchTemplate(np.pad(part, 3).astype(np.float32), alone.astype(np.float32)[2:-2, 2:-2], cv2.TM_CCOEFF_NORMED)
        assert agreement.max() > 0.9
    centres = [(top + bottom) / 2 for top, bottom in parts]
    assert abs(centres[1] - centres[0] - EM) < 6


def test_the_long_vowel_mark_and_dashes_stand_along_the_column(font):
    for sign in "ー-—":
        column, row = vertical_ink(f"ア{sign}ア", font, "ja", EM).ink, ink(sign, font, "ja", EM)[0]
        middle = rows_with_ink(column)[1]
        assert row.shape[1] > 2 * row.shape[0]
        assert middle[1] - middle[0] > 0.3 * EM


def test_brackets_open_downwards_and_close_upwards(font):
    """The opening bracket is a cap: its ends are its lowest points."""
    column = vertical_ink("（日）", font, "ja", EM).ink
    opening = column[slice(*rows_with_ink(column)[0])] > 127
    assert opening.shape[0] < 0.4 * EM
    assert opening[-2].sum() < opening.sum(axis=1).max()
    assert np.ptp(np.nonzero(opening[-2])[0]) > 0.6 * EM


def test_a_comma_lies_in_the_upper_right_of_its_cell(font):
    word = vertical_ink("日，", font, "ja", EM)
    comma = word.ink.copy()
    comma[: rows_with_ink(word.ink)[0][1]] = 0
    rows, columns = np.nonzero(comma > 127)
    assert columns.mean() > word.axis + 0.1 * EM
    assert rows.mean() < 1.5 * EM


def test_digits_are_full_width_and_upright(font):
    word = vertical_ink("10", font, "ja", EM)
    alone, _ = ink("１", font, "ja", EM)  # noqa: RUF001
    first = word.ink[slice(*rows_with_ink(word.ink)[0])]
    columns = np.nonzero((first > 60).any(axis=0))[0]
    assert abs(np.ptp(columns) + 1 - alone.shape[1]) <= 3
    assert abs(first.shape[0] - alone.shape[0]) <= 2


def test_the_middle_line_is_the_middle_of_a_letter(font):
    word = vertical_ink("田田", font, "ja", EM)
    assert abs(word.axis - word.ink.shape[1] / 2) < 3


def test_a_missing_glyph_is_counted(font):
    assert vertical_ink("日\U0001f600", font, "ja", EM).num_missing == 1


def test_a_font_without_vertical_forms_turns_its_long_vowel_mark(tmp_path, font):
    """The mark has the same extent as the font's own form to a tenth of an em, and the same middle."""
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(map(ord, "ーア"))
    wanted.drop_table_tag_set.add(int.from_bytes(b"GSUB"))
    (tmp_path / "small.otf").write_bytes(hb.subset(face(font.path, font.index), wanted).blob.data)
    plain = vertical_ink("アーア", FontFile(str(tmp_path / "small.otf"), 0, "small", None), "ja", EM).ink
    own = vertical_ink("アーア", font, "ja", EM).ink
    one, other = rows_with_ink(plain)[1], rows_with_ink(own)[1]
    assert abs((one[1] - one[0]) - (other[1] - other[0])) < 0.1 * EM
    assert abs(sum(one) - sum(other)) / 2 < 0.05 * EM
    columns = [np.nonzero((picture[slice(*part)] > 60).any(axis=0))[0].mean() for picture, part in ((plain, one), (own, other))]
    assert abs(columns[0] - columns[1]) < 0.1 * EM
