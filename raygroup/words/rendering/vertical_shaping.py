"""Shape words from top to bottom, as Chinese and Japanese signs show them.

Signs that lie along the line stand along the column: brackets, dashes and the long vowel mark. Fonts have forms of them
for columns (feature ``vert``). Where a font has none, the glyph is turned.
"""

from dataclasses import dataclass

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, code_points
from raygroup.words.rendering.shaping import rasterise, scaled_font

VERTICAL_TASKS = ("zh", "ja")
"""Tasks whose words are also written from top to bottom."""
_TURNED = frozenset("ー〜～－—―…‥（）［］｛｝「」『』【】〔〕〈〉《》：；＝＜＞｜＿()[]{}<>-=:;_|~")
"""Signs that are turned in a column, of Unicode's Vertical_Orientation R and Tr."""
_FULL_WIDTH_OFFSET = 0xFEE0
"""Distance between a sign of ASCII and its full-width form."""
_EM_CENTRE = 0.38
"""Height of the middle of a Han letter above the base line, in em."""


@dataclass(frozen=True)
class VerticalInk:
    """A word's ink in a column."""

    ink: NDArray[np.uint8]
    """(height, width), cropped tightly. A fully inked pixel is 255."""
    axis: int
    """Column of the ink's pixels that lies on the middle line of the text. It may be outside of the ink."""
    num_missing: int
    """Number of missing glyphs."""


def vertical_ink(text: str, font: FontFile, task: str, size: int = 32, weight: float | None = None) -> VerticalInk:
    """Return the ink of a word that runs from top to bottom.

    Signs of ASCII get their full-width forms where the font has them. Text without ink gives one empty pixel.
    """
    scaled = scaled_font(font, size, weight if font.weights else None)
    written = _full_width(text, code_points(font.path, font.index))
    buffer = hb.Buffer()
    buffer.add_str(written)
    known = TASKS[task]
    buffer.script, buffer.language, buffer.direction = known.script, known.language, "ttb"
    hb.shape(scaled, buffer)
    glyphs, turned = [], set()
    y = num_missing = 0
    for place, (info, position) in enumerate(zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True)):
        num_missing += info.codepoint == 0
        character = written[info.cluster]
        if character in _TURNED and info.codepoint == scaled.get_nominal_glyph(ord(character)):
            turned.add(place)
            glyphs.append((info.codepoint, *_turned_origin(scaled, info.codepoint, position, y)))
        else:
            glyphs.append((info.codepoint, position.x_offset, y + position.y_offset))
        y += position.y_advance
    picture, left = rasterise(scaled, glyphs, turned)
    return VerticalInk(picture, -left, num_missing)


def _full_width(text: str, covered: frozenset[int]) -> str:
    points = [ord(character) + _FULL_WIDTH_OFFSET if 0x21 <= ord(character) <= 0x7E else ord(character) for character in text]
    return "".join(chr(point) if point in covered else character for point, character in zip(points, text, strict=True))


def _turned_origin(scaled: hb.Font, glyph: int, position: hb.GlyphPosition, y: int) -> tuple[int, int]:
    """Return the origin of a turned glyph, whose middle lies in the middle of its cell."""
    middle = y + position.y_advance // 2
    return -int(_EM_CENTRE * scaled.scale[1]), middle + scaled.get_glyph_h_advance(glyph) // 2
