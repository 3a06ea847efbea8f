"""Contact sheet: words as picture, truth and reading, each written the way its script is."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pyarrow as pa
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.palette import INK, RIGHT, WRONG, Colour
from raygroup.figures.script_text import lettering, title
from raygroup.scoring.word_accuracy import is_read
from raygroup.tasks import by_paper_order

Pixels = NDArray[np.uint8]

WIDTH, CROP, LINE, GAP = 216, 64, 40, 10
"""Pixels of a cell: its width, the height of the picture and of each line of text, and the space around a cell."""


@dataclass(frozen=True)
class ShownWord:
    """A word to show; ``image`` is an encoded picture, ``task`` None where unknown, ``routed_task`` where the classifier sent it."""

    image: bytes
    task: str | None
    text: str
    reading: str
    routed_task: str | None = None


def shown_words(predictions: pa.Table) -> list[ShownWord]:
    """The words whose pictures a trial kept."""
    names = ("image", "task", "text", "reading", "routed_task")
    kept = predictions.filter(predictions["image"].is_valid()).select(names)
    return [ShownWord(**values) for values in kept.to_pylist()]


def sheet_figure(words: Sequence[ShownWord], heading: str) -> Figure:
    """A row a task, with up to as many words as the fullest row: picture, truth, and the reading with a tick or a cross."""
    rows = _by_task(words)
    columns = max(map(len, rows.values()), default=1)
    canvas = np.concatenate([_row(row, columns) for row in rows.values()]) if rows else np.full((LINE, WIDTH, 3), 255, np.uint8)
    height, width = canvas.shape[:2]
    figure = Figure(figsize=(1.2 + width / 120, 0.6 + height / 120), layout="constrained")
    axes = figure.subplots()
    axes.imshow(canvas, interpolation="antialiased")
    middle = height / max(len(rows), 1)
    axes.set_yticks([middle * (row + 0.5) for row in range(len(rows))], list(rows), fontsize=9, color=INK)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(f"{heading}\neach word: picture, truth, reading", loc="left", fontsize=10, color=INK)
    return figure


def _by_task(words: Sequence[ShownWord]) -> dict[str, list[ShownWord]]:
    names = by_paper_order({word.task for word in words if word.task is not None})
    rows = {title(name): [word for word in words if word.task == name] for name in names}
    unknown = [word for word in words if word.task is None]
    return {**rows, **({"unknown": unknown} if unknown else {})}


def _row(words: Sequence[ShownWord], columns: int) -> Pixels:
    cells = [_cell(word) for word in words]
    blank = np.full((CROP + 2 * LINE + GAP, WIDTH + GAP, 3), 255, np.uint8)
    return np.concatenate([*cells, *([blank] * (columns - len(cells)))], axis=1)


def _cell(word: ShownWord) -> Pixels:
    """Picture above truth above reading."""
    cell = np.full((CROP + 2 * LINE + GAP, WIDTH + GAP, 3), 255, np.uint8)
    pixels = cv2.imdecode(np.frombuffer(word.image, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is not None:
        place(cell[:CROP, :WIDTH], fitted(np.asarray(pixels, np.uint8), CROP, WIDTH))
    right = is_read(word.text, word.reading)
    write(cell[CROP : CROP + LINE, :WIDTH], lettering(word.text, word.task), to_rgb(INK))
    line = cell[CROP + LINE : CROP + 2 * LINE, :WIDTH]
    colour = to_rgb(RIGHT if right else WRONG)
    write(line, lettering(word.reading, word.routed_task or word.task), colour)
    _mark(line[LINE // 2 - 8 : LINE // 2 + 8, -18:-2], right, colour)
    return cell


def write(line: Pixels, ink: NDArray[np.uint8], colour: Colour) -> None:
    """Ink in a colour, in the middle of a line; scaled down where it is too large."""
    coverage = fitted(ink, line.shape[0] - 4, line.shape[1] - 44, enlarge=False)[..., None] / 255
    place(line, np.asarray(255 * (1 - coverage * (1 - np.array(colour))), np.uint8))


def fitted(pixels: Pixels, height: int, width: int, enlarge: bool = True) -> Pixels:
    """Scaled so that it just fits; not enlarged unless asked to."""
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    if scale >= 1 and not enlarge:
        return pixels
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)


def place(area: Pixels, pixels: Pixels) -> None:
    """Copies the pixels into the middle of an area that holds them."""
    top, left = (area.shape[0] - pixels.shape[0]) // 2, (area.shape[1] - pixels.shape[1]) // 2
    area[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels


def _mark(area: Pixels, right: bool, colour: Colour) -> None:
    """A tick or a cross, so that colour is not all that tells."""
    strokes = [((1, 8), (6, 13)), ((6, 13), (14, 2))] if right else [((2, 2), (13, 13)), ((2, 13), (13, 2))]
    drawn = np.ascontiguousarray(area)
    for start, end in strokes:
        cv2.line(drawn, start, end, tuple(round(255 * part) for part in colour), 2, cv2.LINE_AA)
    area[:] = drawn
