"""A photograph with the outlines of words, and labels beside them."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, HPacker, TextArea
from matplotlib.patches import Polygon as Outline
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import DOTS_PER_INCH, INK, Colour

_INCHES_PER_PIXEL = 1 / 100
_LARGEST_INCHES = 14.0
_LEAST_INCHES = 1.0
_TITLE_INCHES, _LEGEND_ROW_INCHES, _MARGIN_INCHES = 0.3, 0.2, 0.05
_POINTS_PER_INCH = 72
_SMALLEST_POINTS, _LARGEST_POINTS = 5.0, 12.0
_LABEL_PER_FONT = 1.6
"""Height of a label, as a multiple of its font size."""

Part = tuple[str, str | None]
"""A text and its task."""


class LabelledPhotograph:
    """A figure that shows a photograph (height, width, 3), red first."""

    def __init__(self, photograph: NDArray[np.uint8], least_width: float = _LEAST_INCHES) -> None:
        """``least_width`` is that of the figure in inches: a small photograph has space beside it."""
        self.height, self.width = photograph.shape[:2]
        self._scale = min(_INCHES_PER_PIXEL, _LARGEST_INCHES / max(self.height, self.width))
        self._least_width, self._above, self._below = least_width, _MARGIN_INCHES, _MARGIN_INCHES
        self.figure = Figure()
        edges = (-0.5, self.width - 0.5, self.height - 0.5, -0.5)
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        shown = _scaled(photograph, self._scale * DOTS_PER_INCH)
        self.axes.imshow(shown, extent=edges, aspect="auto", interpolation="nearest")
        self.axes.set_axis_off()
        self.axes.set(xlim=edges[:2], ylim=edges[2:], autoscale_on=False)
        self._arrange()

    def _arrange(self) -> None:
        """Give the figure its size, and the photograph its place in it. A layout engine would draw everything twice."""
        shown_width, shown_height = self.width * self._scale, self.height * self._scale
        width = max(shown_width + 2 * _MARGIN_INCHES, self._least_width)
        height = self._above + shown_height + self._below
        self.figure.set_size_inches(width, height)
        corner = (width - shown_width) / 2 / width, self._below / height
        self.axes.set_position((*corner, shown_width / width, shown_height / height))

    def outline(self, polygon: NDArray[np.float64], colour: str | Colour, width: float = 1.5, dashes: str = "-") -> None:
        """Draw the outline of a word, (n, 2) in pixels of the photograph."""
        self.axes.add_patch(Outline(polygon, closed=True, fill=False, edgecolor=colour, linewidth=width, linestyle=dashes))

    def label(
        self, polygon: NDArray[np.float64], parts: Sequence[Part], *, ground: str, ink: str = INK, smallest: float = _SMALLEST_POINTS
    ) -> None:  # fmt: skip
        """Write texts above the highest corner of a word, or below the word if there is no room.

        Each part is set by itself, from left to right, so that a part in Arabic keeps its place.
        ``smallest`` is the least font size in points.
        """
        (left, top), (right, bottom) = polygon.min(0), polygon.max(0)
        points = float(np.clip(0.5 * _POINTS_PER_INCH * self._scale * (bottom - top), smallest, _LARGEST_POINTS))
        label_height = _LABEL_PER_FONT * points / _POINTS_PER_INCH / self._scale
        below, is_far_right = top < label_height, (left + right) / 2 > 0.8 * self.width
        place = (right if is_far_right else left, bottom if below else top)
        style = {"fontsize": points, "color": ink}
        texts: list[Artist] = [TextArea(text, textprops={**style, **text_style(text, task)}) for text, task in parts]
        box = {"boxstyle": "square,pad=0", "facecolor": ground, "edgecolor": "none", "alpha": 0.85}
        packed = HPacker(children=texts, pad=0.15 * points, sep=0.4 * points, align="baseline")
        alignment = (float(is_far_right), float(below))
        label = AnnotationBbox(packed, place, box_alignment=alignment, pad=0, bboxprops=box, annotation_clip=False)
        self.axes.add_artist(label)

    def title(self, text: str) -> None:
        """Write a line above the photograph."""
        self._above = _TITLE_INCHES
        self._arrange()
        self.figure.suptitle(text, x=0.01, y=0.995, ha="left", va="top", fontsize=9, color=INK)

    def legend(self, outlines: Mapping[str, tuple[str | Colour, str]]) -> None:
        """Name outlines below the photograph: name -> colour and dashes."""
        if not outlines:
            return
        handles = [
            Outline([(0, 0)], closed=True, fill=False, edgecolor=colour, linewidth=2, linestyle=dashes, label=name)
            for name, (colour, dashes) in outlines.items()
        ]
        columns = _legend_columns([_legend_inches(name) for name in outlines], self.figure.get_figwidth())
        self._below = _LEGEND_ROW_INCHES * -(-len(handles) // columns) + 2 * _MARGIN_INCHES
        self._arrange()
        style = {"frameon": False, "fontsize": 8, "labelcolor": INK, "borderpad": 0.2}
        self.figure.legend(handles=handles, loc="lower center", ncols=columns, **style)


def _scaled(photograph: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return a photograph with as many pixels as the figure shows. OpenCV takes a tenth of matplotlib's time."""
    height, width = photograph.shape[:2]
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photograph, size, interpolation=interpolation), np.uint8)


def _legend_inches(name: str) -> float:
    """Return about how wide an entry of the legend is."""
    return 0.6 + 0.065 * len(name)


def _legend_columns(widths: Sequence[float], most: float) -> int:
    """Return the largest number of columns that fits. matplotlib fills one column after the other."""
    for columns in range(len(widths), 1, -1):
        rows = -(-len(widths) // columns)
        if sum(max(widths[start : start + rows]) for start in range(0, len(widths), rows)) <= most:
            return columns
    return 1
