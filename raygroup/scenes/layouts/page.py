"""A scene on its way into a layout, and the corners and names that layouts ask for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.cropping import reading_quad
from raygroup.scenes.formats.script_names import MLT19_OF_TASK, MLT19_SCRIPTS, task_of
from raygroup.scenes.scene import Instance, Polygon, Scene
from raygroup.tasks import TASKS

DONT_CARE = "###"
Corners = NDArray[np.int64]
"""(n, 2): whole pixels, x and y."""

_LINE_END = re.compile(r"[\r\n\t\u2028\u2029\x85\x0b\x0c]+")


@dataclass(frozen=True, slots=True)
class Page:
    """A scene and how it is numbered and kept in a layout."""

    scene: Scene
    number: int
    """Of the image in its set, from 1."""
    split: str
    """``train``, ``val`` or ``test``."""
    suffix: str
    """Of the image's file: ``.jpg``."""
    width: int
    height: int

    @property
    def instances(self) -> tuple[Instance, ...]:
        return self.scene.instances

    @property
    def is_train(self) -> bool:
        return self.split == "train"


def corners(page: Page, instance: Instance) -> Corners:
    """The polygon in whole pixels; the whole image where the instance has none."""
    if instance.polygon is None:
        return np.array([[0, 0], [page.width, 0], [page.width, page.height], [0, page.height]])
    return np.round(instance.polygon).astype(np.int64)


def quad(page: Page, instance: Instance) -> Corners:
    """(4, 2): a quadrilateral as labelled, else the smallest rectangle around the polygon, from the corner where the word begins above;
    clockwise as seen."""
    polygon = corners(page, instance)
    found = np.round(reading_quad(polygon.astype(np.float64))).astype(np.int64)
    if len(polygon) != 4 and not cv2.isContourConvex(found.astype(np.int32)):
        x0, y0, x1, y1 = box(polygon)
        found = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    return found[[0, 3, 2, 1]] if _area(found) < 0 else found


def rectangle(page: Page, instance: Instance) -> Polygon:
    """(4, 2): the smallest rectangle around the polygon, in the order of ``quad``, not rounded."""
    return reading_quad(np.repeat(corners(page, instance), 2, axis=0).astype(np.float64))


def box(polygon: Corners) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of the upright box around a polygon, at least a pixel wide and high."""
    (x0, y0), (x1, y1) = polygon.min(axis=0).tolist(), polygon.max(axis=0).tolist()
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def script(instance: Instance) -> str:
    """As MLT19 names it. An instance that tells no script has that of most of its letters, or none: Symbols."""
    if instance.script in MLT19_SCRIPTS:
        return str(instance.script)
    told = instance.task or task_of(instance.script)
    if told in MLT19_OF_TASK:
        return MLT19_OF_TASK[told]
    if instance.dont_care:
        return "None"
    letters = {task: sum(map(known.has_letter, instance.text)) for task, known in TASKS.items() if task in MLT19_OF_TASK}
    most = max(letters, key=lambda task: letters[task])
    return MLT19_OF_TASK[most] if letters[most] else "Symbols"


def text(instance: Instance) -> str:
    """The transcription on one line, ``###`` where it is a don't-care: line ends and tabs, which no layout of lines can hold, become a
    blank."""
    return DONT_CARE if instance.dont_care else _LINE_END.sub(" ", instance.text)


def flat(polygon: Corners | Polygon) -> str:
    """x1,y1,x2,y2,..., with fractions where the corners are real numbers."""
    return ",".join(map(str, polygon.ravel().tolist()))


def as_file(lines: Iterable[str], end: str = "\n", *, mark: bool = False) -> bytes:
    """Lines in UTF-8, each with its end; with a byte-order mark where asked for."""
    return "".join(f"{line}{end}" for line in lines).encode("utf-8-sig" if mark else "utf-8", "surrogatepass")


def _area(polygon: Corners) -> int:
    """Twice the area; negative where the corners run against the clock as seen."""
    x, y = polygon.T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
