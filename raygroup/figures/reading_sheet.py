"""Contact sheet of words with their readings, with or without the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, INK, RIGHT, WRONG
from raygroup.figures.pixel_canvas import canvas_figure, draw_text, name_rows, place, scaled_to_fit
from raygroup.figures.task_names import task_title
from raygroup.figures.word_sheet import CROP, GAP, LINE, WIDTH
from raygroup.images.pixels import decode_gray
from raygroup.reading.package import WordReading
from raygroup.scoring.word_accuracy import is_read
from raygroup.tasks import by_paper_order

_MAX_PICTURES = 8
"""Most pictures of a task."""


@dataclass(frozen=True)
class ReadPicture:
    """A picture that was read."""

    pixels: NDArray[np.uint8]
    """Gray pixels."""
    task: str
    """The task to which the classifier sent the word."""
    reading: str
    confidence: float
    unsure: bool
    truth: str | None = None


def first_pictures(readings: Sequence[WordReading], truth_of: Mapping[str, str]) -> list[ReadPicture]:
    """Return the first pictures of each task.

    Readings are named by the paths of their pictures. ``truth_of`` has truths by absolute path.
    """
    rows: dict[str, list[ReadPicture]] = {}
    for reading in readings:
        row = rows.setdefault(reading.task or "", [])
        if reading.problem is None and len(row) < _MAX_PICTURES:
            path = Path(reading.name)
            pixels, truth = decode_gray(path.read_bytes()), truth_of.get(str(path.absolute()))
            row.append(ReadPicture(pixels, reading.task or "", reading.text, reading.confidence or 0.0, bool(reading.unsure), truth))
    return [picture for row in rows.values() for picture in row]


def reading_sheet_figure(pictures: Sequence[ReadPicture], heading: str) -> Figure:
    """Draw one row of pictures for each task, above their readings.

    With a truth the reading is blue if right and orange if wrong, and the truth of a wrong one
    stands below. Without it, unsure readings are gray.
    """
    names = by_paper_order({picture.task for picture in pictures})
    rows = {task_title(name): [picture for picture in pictures if picture.task == name] for name in names}
    columns, row_height = max(map(len, rows.values()), default=1), CROP + 2 * LINE + GAP
    canvas = np.full((row_height * len(rows) or LINE, columns * (WIDTH + GAP), 3), 255, np.uint8)
    figure, axes = canvas_figure(canvas.shape, heading)
    name_rows(axes, {name: row_height * (number + 0.5) for number, name in enumerate(rows)})
    for number, row in enumerate(rows.values()):
        for column, picture in enumerate(row):
            top, left = row_height * number, column * (WIDTH + GAP)
            colours = np.repeat(picture.pixels[..., None], 3, axis=2)
            place(canvas[top : top + CROP, left : left + WIDTH], scaled_to_fit(colours, CROP, WIDTH))
            x, y = left + WIDTH / 2, top + CROP + LINE / 2
            draw_text(axes, picture.reading, (x, y), WIDTH, colour=_colour(picture), **text_style(picture.reading, picture.task))
            below, colour = _second_line(picture)
            draw_text(axes, below, (x, y + LINE), WIDTH, colour=colour, **text_style(below, picture.task))
    axes.imshow(canvas, interpolation="antialiased")
    return figure


def _colour(picture: ReadPicture) -> str:
    if picture.truth is not None:
        return RIGHT if is_read(picture.truth, picture.reading) else WRONG
    return FAINT if picture.unsure else INK


def _second_line(picture: ReadPicture) -> tuple[str, str]:
    """Return the truth of a wrong reading, or the confidence. The colour follows."""
    if picture.truth is not None and not is_read(picture.truth, picture.reading):
        return picture.truth, INK
    return f"{picture.confidence:.2f}{' unsure' if picture.unsure else ''}", FAINT
