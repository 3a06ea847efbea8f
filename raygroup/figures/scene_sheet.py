"""Contact sheet of a data set.

It has some scenes with their polygons, and words of every script with their texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, INK, RIGHT
from raygroup.figures.pixel_canvas import canvas_figure, draw_text, name_rows, place, scaled_to_fit
from raygroup.figures.task_names import task_title
from raygroup.scenes.cropping import crop
from raygroup.scenes.scene import Instance

Pixels = NDArray[np.uint8]

THUMB, CROP, LINE, GAP = 320, 48, 34, 10
"""Pixels: the side of a scene's square, the height of a word's picture and of its text, the space
around a cell.
"""
COLUMNS = 4
_WORDS = 8
"""Words in a row."""
_CORNER_BITS = 4
"""OpenCV draws at 1/16 of a pixel with this many fractional bits."""


@dataclass(frozen=True)
class ShownScene:
    """A scene to show."""

    pixels: Pixels
    """(h, w, 3), blue first."""
    instances: tuple[Instance, ...]


def scene_sheet_figure(scenes: Sequence[ShownScene], heading: str) -> Figure:
    """Draw the scenes, then one row of words for each script.

    Don't-care polygons are gray. A dot marks the corner where a word begins.
    """
    words = _words_by_script(scenes)
    scene_rows = -(-len(scenes) // COLUMNS)
    words_top = scene_rows * (THUMB + GAP)
    row_height = CROP + LINE + GAP
    canvas = np.full((words_top + row_height * len(words) or LINE, COLUMNS * (THUMB + GAP), 3), 255, np.uint8)
    figure, axes = canvas_figure(canvas.shape, heading)
    for number, scene in enumerate(scenes):
        top, left = number // COLUMNS * (THUMB + GAP), number % COLUMNS * (THUMB + GAP)
        place(canvas[top : top + THUMB, left : left + THUMB], _thumbnail(scene))
    name_rows(axes, {name: words_top + row_height * (number + 0.5) for number, name in enumerate(words)})
    for number, row in enumerate(words.values()):
        for column, (pixels, instance) in enumerate(row):
            top, left = words_top + number * row_height, column * (canvas.shape[1] // _WORDS)
            _draw_word(axes, canvas[top : top + row_height, left:], pixels, instance, (top, left))
    axes.imshow(canvas, interpolation="antialiased")
    return figure


def _thumbnail(scene: ShownScene) -> Pixels:
    """Return a small copy of the scene with its polygons, red first."""
    picture = np.ascontiguousarray(scaled_to_fit(scene.pixels[..., ::-1], THUMB, THUMB))
    scale = picture.shape[1] / scene.pixels.shape[1]
    for instance in scene.instances:
        if instance.polygon is not None:
            colour = tuple(round(255 * part) for part in to_rgb(FAINT if instance.dont_care else RIGHT))
            corners = np.round(instance.polygon * scale * 2**_CORNER_BITS).astype(np.int32)
            cv2.polylines(picture, [corners], True, colour, 2, cv2.LINE_AA, _CORNER_BITS)
            cv2.circle(picture, corners[0].tolist(), 3 << _CORNER_BITS, colour, -1, cv2.LINE_AA, _CORNER_BITS)
    return picture


def _words_by_script(scenes: Sequence[ShownScene]) -> dict[str, list[tuple[Pixels, Instance]]]:
    """Return the first words of each script and their crops.

    Words that cannot be cropped are left out.
    """
    rows: dict[str, list[tuple[Pixels, Instance]]] = {}
    for scene in scenes:
        for instance in scene.instances:
            row = rows.setdefault(_script_name(instance), [])
            if not instance.dont_care and len(row) < _WORDS and (pixels := crop(scene.pixels, instance.polygon)) is not None:
                row.append((pixels, instance))
    return {name: row for name, row in sorted(rows.items()) if row}


def _script_name(instance: Instance) -> str:
    return instance.script or (task_title(instance.task) if instance.task else "no label")


def _draw_word(axes: Axes, area: Pixels, pixels: Pixels, instance: Instance, corner: tuple[int, int]) -> None:
    """Draw a word's crop with its text below.

    ``corner`` is where the area lies on the canvas, (y, x).
    """
    width = COLUMNS * (THUMB + GAP) // _WORDS - GAP
    place(area[:CROP, :width], scaled_to_fit(pixels[..., ::-1], CROP, width))
    centre = (corner[1] + width / 2, corner[0] + CROP + LINE / 2)
    draw_text(axes, instance.text, centre, width, colour=INK, **text_style(instance.text, instance.task))
