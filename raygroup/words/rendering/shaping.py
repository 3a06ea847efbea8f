"""A word becomes ink: shaped and rasterised by HarfBuzz with script, language and direction set."""

import functools

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, face

_UNITS = 64
"""Font units a pixel: positions keep 1/64 pixel."""


def ink(text: str, font: FontFile, task: str, size: int = 32, weight: float | None = None) -> tuple[NDArray[np.uint8], int]:
    """Coverage (height, width) of a word tightly cropped to its ink, 255 where inked, at ``size`` pixels an em; and how many glyphs
    the font lacks. Text without ink gives an array of one empty pixel."""
    scaled = _scaled(font, size, weight if font.weights else None)
    buffer = hb.Buffer()
    buffer.add_str(text)
    known = TASKS[task]
    buffer.script, buffer.language = known.script, known.language
    buffer.direction = known.direction if any(map(known.has_letter, text)) else "ltr"
    hb.shape(scaled, buffer)
    glyphs, missing, x = [], 0, 0
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True):
        missing += info.codepoint == 0
        glyphs.append((info.codepoint, x + position.x_offset, position.y_offset))
        x += position.x_advance
    return _raster(scaled, glyphs), missing


def nominal_ink(text: str, font: FontFile, task: str, size: int = 32) -> NDArray[np.uint8]:
    """The control for shaping: each character's own glyph set one after the other, neither joined nor reordered."""
    scaled = _scaled(font, size, None)
    glyphs, x = [], 0
    for character in text[::-1] if TASKS[task].direction == "rtl" else text:
        glyph = scaled.get_nominal_glyph(ord(character)) or 0
        glyphs.append((glyph, x, 0))
        x += scaled.get_glyph_h_advance(glyph)
    return _raster(scaled, glyphs)


def _raster(scaled: hb.Font, glyphs: list[tuple[int, int, int]]) -> NDArray[np.uint8]:
    draw = hb.RasterDraw()
    draw.scale_factor = (_UNITS, _UNITS)
    for glyph, x, y in glyphs:
        draw.transform = (1, 0, 0, 1, x, y)
        draw.draw_glyph(scaled, glyph)
    image = draw.render()
    extents = image.extents
    if not extents.height or not extents.width:
        return np.zeros((1, 1), np.uint8)
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    return np.ascontiguousarray(rows[::-1, : extents.width])


@functools.lru_cache(512)
def _scaled(font: FontFile, size: int, weight: float | None) -> hb.Font:
    scaled = hb.Font(face(font.path, font.index))
    scaled.scale = (size * _UNITS, size * _UNITS)
    if weight is not None:
        scaled.set_variations({"wght": weight})
    return scaled
