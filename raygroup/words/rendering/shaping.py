"""Shape and rasterise words with HarfBuzz.

Script, language and direction are set for each word.
"""

import functools
from collections.abc import Collection

import numpy as np
import uharfbuzz as hb
from numpy.typing import NDArray

from raygroup.tasks import TASKS, Task, language_of
from raygroup.words.rendering.fonts import FontFile, face

UNITS = 64
"""Font units per pixel, so that positions are exact to 1/64 pixel."""


def ink(text: str, font: FontFile, task: str | Task, size: int = 32, weight: float | None = None) -> tuple[NDArray[np.uint8], int]:
    """Return a word's ink and the number of missing glyphs.

    The ink (height, width) is cropped tightly. A fully inked pixel is 255. ``task`` is the name of a
    task in ``TASKS``, or any other task. ``size`` is the number of pixels per em. Text without ink
    gives one empty pixel.
    """
    scaled = scaled_font(font, size, weight if font.weights else None)
    buffer = hb.Buffer()
    buffer.add_str(text)
    known = TASKS[language_of(task)] if isinstance(task, str) else task
    buffer.script, buffer.language = known.script, known.language
    buffer.direction = known.direction if any(map(known.has_letter, text)) else "ltr"
    hb.shape(scaled, buffer)
    glyphs, x = [], 0
    num_missing = 0
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions or (), strict=True):
        num_missing += info.codepoint == 0
        glyphs.append((info.codepoint, x + position.x_offset, position.y_offset))
        x += position.x_advance
    return rasterise(scaled, glyphs)[0], num_missing


def nominal_ink(text: str, font: FontFile, task: str, size: int = 32) -> NDArray[np.uint8]:
    """Return a word's ink without shaping, as a control.

    The glyphs of single characters stand side by side. None are joined or reordered.
    """
    scaled = scaled_font(font, size, None)
    glyphs, x = [], 0
    for character in text[::-1] if TASKS[task].direction == "rtl" else text:
        glyph = scaled.get_nominal_glyph(ord(character)) or 0
        glyphs.append((glyph, x, 0))
        x += scaled.get_glyph_h_advance(glyph)
    return rasterise(scaled, glyphs)[0]


def rasterise(scaled: hb.Font, glyphs: list[tuple[int, int, int]], turned: Collection[int] = ()) -> tuple[NDArray[np.uint8], int]:
    """Draw glyphs at (x, y) in font units, and return the ink and the pixel of its left edge.

    The first row of the ink is the top. ``turned`` are the places in the list of the glyphs that lie a quarter turned, clockwise as seen.
    """
    draw = hb.RasterDraw()
    draw.scale_factor = (UNITS, UNITS)
    for place, (glyph, x, y) in enumerate(glyphs):
        draw.transform = (0, -1, 1, 0, x, y) if place in turned else (1, 0, 0, 1, x, y)
        draw.draw_glyph(scaled, glyph)
    image = draw.render()
    extents = image.extents
    if not extents.height or not extents.width:
        return np.zeros((1, 1), np.uint8), 0
    # HarfBuzz gives the lowest row first.
    rows = np.frombuffer(image.buffer, np.uint8).reshape(extents.height, extents.stride)
    return np.ascontiguousarray(rows[::-1, : extents.width]), int(extents.x_origin)


@functools.lru_cache(512)
def scaled_font(font: FontFile, size: int, weight: float | None) -> hb.Font:
    scaled = hb.Font(face(font.path, font.index))
    scaled.scale = (size * UNITS, size * UNITS)
    if weight is not None:
        scaled.set_variations({"wght": weight})
    return scaled
