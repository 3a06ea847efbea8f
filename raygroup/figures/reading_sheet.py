"""Contact sheet of words with their readings, with or without the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.palette import FAINT, INK, RIGHT, WRONG
from raygroup.figures.task_names import task_title
from raygroup.figures.word_rows import Cell, word_rows_figure
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

    With a truth the reading is blue with a tick if right and orange with a cross if wrong, and the
    truth of a wrong one stands below. Without it, unsure readings are gray.
    """
    names = by_paper_order({picture.task for picture in pictures})
    rows = {task_title(name): [picture for picture in pictures if picture.task == name] for name in names}
    return word_rows_figure(rows, heading, _draw_picture)


def _draw_picture(cell: Cell, picture: ReadPicture) -> None:
    cell.show_picture(np.repeat(picture.pixels[..., None], 3, axis=2))
    is_right = None if picture.truth is None else is_read(picture.truth, picture.reading)
    colour = {None: FAINT if picture.unsure else INK, True: RIGHT, False: WRONG}[is_right]
    cell.write(0, picture.reading, picture.task, colour, is_right)
    if picture.truth is not None and not is_right:
        cell.write(1, picture.truth, picture.task, INK)
    else:
        cell.write(1, f"{picture.confidence:.2f}{' unsure' if picture.unsure else ''}", picture.task, FAINT)
