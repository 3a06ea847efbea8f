"""Rows of word pictures with lines of text below them, one row for each task."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.pixel_canvas import canvas_figure, draw_text, name_rows, place, scaled_to_fit

Pixels = NDArray[np.uint8]

WIDTH, CROP, LINE, GAP = 216, 64, 40, 10
"""Pixels of a cell: its width, the height of the picture and of each line of text, and the space
around a cell.
"""
_ROW = CROP + 2 * LINE + GAP
_MARK = 44
"""Pixels of a line that stay free for the tick or the cross."""

Word = TypeVar("Word")


class Cell:
    """The place of one word: a picture above two lines of text."""

    def __init__(self, axes: Axes, canvas: Pixels, row: int, column: int) -> None:
        self._axes, self._canvas = axes, canvas
        self._top, self._left = row * _ROW, column * (WIDTH + GAP)

    def show_picture(self, pixels: Pixels) -> None:
        """Show pixels (height, width, 3), scaled to fit."""
        window = self._canvas[self._top : self._top + CROP, self._left : self._left + WIDTH]
        place(window, scaled_to_fit(pixels, CROP, WIDTH))

    def write(self, line: int, text: str, task: str | None, colour: str, is_right: bool | None = None) -> None:
        """Write line 0 or 1 in the script of a task, with a tick or a cross if ``is_right`` is given."""
        x, y = self._left + WIDTH / 2, self._top + CROP + LINE / 2 + line * LINE
        draw_text(self._axes, text, (x, y), WIDTH - _MARK, colour=colour, **text_style(text, task))
        if is_right is not None:
            self._draw_mark(is_right, (self._left + WIDTH - 18, y - 8), colour)

    def _draw_mark(self, is_right: bool, corner: tuple[float, float], colour: str) -> None:
        """Draw a tick or a cross, 16 pixels wide. Not every eye tells the colours apart."""
        strokes = [[(1, 8), (6, 13), (14, 2)]] if is_right else [[(2, 2), (13, 13)], [(2, 13), (13, 2)]]
        for stroke in strokes:
            self._axes.plot(*(np.array(stroke) + corner).T, color=colour, linewidth=1.5)


def word_rows_figure(rows: Mapping[str, Sequence[Word]], heading: str, draw: Callable[[Cell, Word], None]) -> Figure:
    """Draw one row of words for each name. The fullest row sets the number of columns.

    ``draw`` fills the cell of a word.
    """
    columns = max(map(len, rows.values()), default=1)
    canvas = np.full((_ROW * len(rows) or LINE, columns * (WIDTH + GAP), 3), 255, np.uint8)
    figure, axes = canvas_figure(canvas.shape, heading)
    name_rows(axes, {name: _ROW * (number + 0.5) for number, name in enumerate(rows)})
    for number, row in enumerate(rows.values()):
        for column, word in enumerate(row):
            draw(Cell(axes, canvas, number, column), word)
    axes.imshow(canvas, interpolation="antialiased")
    return figure
