"""Contact sheet of words with their pictures, labels and readings."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import INK, RIGHT, WRONG
from raygroup.figures.pixel_canvas import canvas_figure, draw_text, name_rows, place, scaled_to_fit
from raygroup.figures.task_names import task_title
from raygroup.scoring.word_accuracy import is_read
from raygroup.tasks import by_paper_order

Pixels = NDArray[np.uint8]

WIDTH, CROP, LINE, GAP = 216, 64, 40, 10
"""Pixels of a cell: its width, the height of the picture and of each line of text, and the space
around a cell.
"""
_MARK = 44
"""Pixels of a line that stay free for the tick or the cross."""


@dataclass(frozen=True)
class ShownWord:
    """A word to show."""

    image: bytes
    """The encoded picture."""
    task: str | None
    """The true task, or None if it is not known."""
    text: str
    reading: str
    routed_task: str | None = None
    """The task to which the classifier sent the word."""


def shown_words(predictions: pa.Table) -> list[ShownWord]:
    """Return the words whose pictures a trial stored."""
    names = ("image", "task", "text", "reading", "routed_task")
    with_picture = predictions.filter(predictions["image"].is_valid()).select(names)
    return [ShownWord(**values) for values in with_picture.to_pylist()]


def word_sheet_figure(words: Sequence[ShownWord], heading: str) -> Figure:
    """Draw one row of words for each task.

    Words without a task have a row of their own. A word has its picture, its label, and its reading
    with a tick or a cross. The fullest row sets the number of columns.
    """
    rows = _by_task(words)
    columns = max(map(len, rows.values()), default=1)
    row_height = CROP + 2 * LINE + GAP
    canvas = np.full((row_height * len(rows) or LINE, columns * (WIDTH + GAP), 3), 255, np.uint8)
    figure, axes = canvas_figure(canvas.shape, f"{heading}\neach word: picture, truth, reading")
    name_rows(axes, {name: row_height * (number + 0.5) for number, name in enumerate(rows)})
    for number, row in enumerate(rows.values()):
        for column, word in enumerate(row):
            _draw_word(axes, canvas, word, row_height * number, column * (WIDTH + GAP))
    axes.imshow(canvas, interpolation="antialiased")
    return figure


def _by_task(words: Sequence[ShownWord]) -> dict[str, list[ShownWord]]:
    names = by_paper_order({word.task for word in words if word.task is not None})
    rows = {task_title(name): [word for word in words if word.task == name] for name in names}
    unknown = [word for word in words if word.task is None]
    return {**rows, **({"unknown": unknown} if unknown else {})}


def _draw_word(axes: Axes, canvas: Pixels, word: ShownWord, top: int, left: int) -> None:
    """Draw the picture above the label above the reading."""
    pixels = cv2.imdecode(np.frombuffer(word.image, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is not None:
        place(canvas[top : top + CROP, left : left + WIDTH], scaled_to_fit(np.asarray(pixels, np.uint8), CROP, WIDTH))
    is_right = is_read(word.text, word.reading)
    colour = RIGHT if is_right else WRONG
    x, y, width = left + WIDTH / 2, top + CROP + LINE / 2, WIDTH - _MARK
    draw_text(axes, word.text, (x, y), width, colour=INK, **text_style(word.text, word.task))
    draw_text(axes, word.reading, (x, y + LINE), width, colour=colour, **text_style(word.reading, word.routed_task or word.task))
    _draw_mark(axes, is_right, (left + WIDTH - 18, y + LINE - 8), colour)


def _draw_mark(axes: Axes, is_right: bool, corner: tuple[float, float], colour: str) -> None:
    """Draw a tick or a cross, 16 pixels wide. Not every eye tells the colours apart."""
    strokes = [[(1, 8), (6, 13), (14, 2)]] if is_right else [[(2, 2), (13, 13)], [(2, 13), (13, 2)]]
    for stroke in strokes:
        axes.plot(*(np.array(stroke) + corner).T, color=colour, linewidth=1.5)
