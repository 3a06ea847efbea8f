"""Prepare a scene for a layout.

The functions return the corners, names and texts that layouts write.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.cropping import reading_quad
from raygroup.scenes.formats.script_names import MLT19_OF_TASK, MLT19_SCRIPTS, task_of
from raygroup.scenes.scene import LINE_ENDS, Instance, Polygon, Scene
from raygroup.tasks import TASKS

DONT_CARE = "###"
Corners = NDArray[np.int64]
"""(n, 2): x and y in whole pixels."""

_LINE_END = re.compile(rf"(?:\t|{LINE_ENDS.pattern})+")


@dataclass(frozen=True, slots=True)
class Page:
    """A scene with its number, split and image file."""

    scene: Scene
    number: int
    """Number of the image in its data set, from 1."""
    split: str
    """``train``, ``val`` or ``test``."""
    suffix: str
    """Suffix of the image's file, with its dot: ``.jpg``."""
    width: int
    height: int

    @property
    def instances(self) -> tuple[Instance, ...]:
        return self.scene.instances

    @property
    def is_train(self) -> bool:
        return self.split == "train"


def corners(page: Page, instance: Instance) -> Corners:
    """Return the polygon in whole pixels.

    An instance without a polygon gets the corners of the whole image.
    """
    if instance.polygon is None:
        return np.array([[0, 0], [page.width, 0], [page.width, page.height], [0, page.height]])
    return np.round(instance.polygon).astype(np.int64)


def quad(page: Page, instance: Instance) -> Corners:
    """Return four corners around an instance, (4, 2).

    They run clockwise as seen. A quadrilateral keeps the corners of its label. Other polygons get
    the smallest rectangle around them, from the corner above which the word begins.
    """
    polygon = corners(page, instance)
    quadrilateral = np.round(reading_quad(polygon.astype(np.float64))).astype(np.int64)
    # rounding can turn a very thin rectangle into a shape that is not convex
    if len(polygon) != 4 and not cv2.isContourConvex(quadrilateral.astype(np.int32)):
        x0, y0, x1, y1 = box(polygon)
        quadrilateral = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return quadrilateral[[0, 3, 2, 1]] if _area(quadrilateral) < 0 else quadrilateral


def rectangle(page: Page, instance: Instance) -> Polygon:
    """Return the smallest rectangle around the polygon, (4, 2).

    The corners have the order of ``quad``, and are not rounded.
    """
    return reading_quad(np.repeat(corners(page, instance), 2, axis=0).astype(np.float64))


def box(polygon: Corners) -> tuple[int, int, int, int]:
    """Return the upright box around a polygon.

    The box is x0, y0, x1, y1. It is at least one pixel wide and high.
    """
    (x0, y0), (x1, y1) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def script_name(instance: Instance) -> str:
    """Return the script of an instance in MLT19's spelling.

    If the instance names no script, this is the script of most of its letters, and Symbols if it
    has no letters. A don't-care without a script has the script None.
    """
    if instance.script in MLT19_SCRIPTS:
        return str(instance.script)
    named_task = instance.task or task_of(instance.script)
    if named_task in MLT19_OF_TASK:
        return MLT19_OF_TASK[named_task]
    if instance.dont_care:
        return "None"
    letters = {task: sum(map(known.has_letter, instance.text)) for task, known in TASKS.items() if task in MLT19_OF_TASK}
    most = max(letters, key=lambda task: letters[task])
    return MLT19_OF_TASK[most] if letters[most] else "Symbols"


def transcription(instance: Instance) -> str:
    """Return the text on one line.

    The text of a don't-care is ``###``. Line ends and tabs become a blank, because no layout of
    lines can hold them.
    """
    return DONT_CARE if instance.dont_care else _LINE_END.sub(" ", instance.text)


def join_coordinates(polygon: Corners | Polygon) -> str:
    """Return x1,y1,x2,y2,..., with fractions if the corners are floats."""
    return ",".join(map(str, polygon.ravel().tolist()))


def encode_lines(lines: Iterable[str], end: str = "\n", *, mark: bool = False) -> bytes:
    """Return lines in UTF-8, each with its line end.

    ``mark`` adds a byte-order mark.
    """
    return "".join(f"{line}{end}" for line in lines).encode("utf-8-sig" if mark else "utf-8", "surrogatepass")


def _area(polygon: Corners) -> int:
    """Return twice the area.

    It is negative if the corners run counterclockwise as seen.
    """
    x, y = polygon.T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
