"""Contact sheet of words with their pictures, labels and readings."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from raygroup.figures.palette import INK, RIGHT, WRONG
from raygroup.figures.task_names import task_title
from raygroup.figures.word_rows import Cell, word_rows_figure
from raygroup.scoring.word_accuracy import is_read
from raygroup.tasks import by_paper_order


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
    return word_rows_figure(_by_task(words), f"{heading}\neach word: picture, truth, reading", _draw_word)


def _by_task(words: Sequence[ShownWord]) -> dict[str, list[ShownWord]]:
    names = by_paper_order({word.task for word in words if word.task is not None})
    rows = {task_title(name): [word for word in words if word.task == name] for name in names}
    unknown = [word for word in words if word.task is None]
    return {**rows, **({"unknown": unknown} if unknown else {})}


def _draw_word(cell: Cell, word: ShownWord) -> None:
    """Draw the picture above the label above the reading."""
    pixels = cv2.imdecode(np.frombuffer(word.image, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is not None:
        cell.show_picture(np.asarray(pixels, np.uint8))
    is_right = is_read(word.text, word.reading)
    cell.write(0, word.text, word.task, INK)
    cell.write(1, word.reading, word.routed_task or word.task, RIGHT if is_right else WRONG, is_right)
