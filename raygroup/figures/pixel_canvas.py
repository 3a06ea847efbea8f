"""Sheets of pictures with text between them. A sheet is one canvas of pixels in one figure."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import INK

Pixels = NDArray[np.uint8]

PIXELS_PER_INCH = 120
_FONT_SIZE = 14.0
"""Points. A line of text on a sheet is smaller if it would be too wide."""
_POINTS_PER_INCH = 72


def canvas_figure(shape: tuple[int, ...], heading: str) -> tuple[Figure, Axes]:
    """Return a figure and its axes.

    The units of the axes are pixels of a canvas of this shape, with y downwards. The figure leaves
    room for the heading and for names of rows.
    """
    height, width = shape[:2]
    figure = Figure(figsize=(1.6 + width / PIXELS_PER_INCH, 0.7 + height / PIXELS_PER_INCH), layout="constrained")
    axes = figure.subplots()
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(heading, loc="left", fontsize=10, color=INK, **text_style(heading))
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), autoscale_on=False, aspect="equal")
    return figure, axes


def name_rows(axes: Axes, names: Mapping[str, float]) -> None:
    """Write names to the left of a canvas, each at its y."""
    axes.set_yticks(list(names.values()), list(names), fontsize=9, color=INK)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.update(text_style(name))


def draw_text(axes: Axes, text: str, centre: tuple[float, float], width: float, *, colour: str, **style: Any) -> None:
    """Write one line of text around a point.

    The size shrinks if the line is wider than ``width`` pixels of the canvas.
    """
    font = FontProperties(family=style["fontfamily"], size=_FONT_SIZE)
    text_width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    most = width * _POINTS_PER_INCH / PIXELS_PER_INCH
    size = _FONT_SIZE * min(1.0, most / text_width) if text_width else _FONT_SIZE
    axes.text(*centre, text, ha="center", va="center", fontsize=size, color=colour, **style)


def scaled_to_fit(pixels: Pixels, height: int, width: int) -> Pixels:
    """Return a picture scaled so that it just fits into an area."""
    scale = min(height / pixels.shape[0], width / pixels.shape[1])
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)


def place(area: Pixels, pixels: Pixels) -> None:
    """Copy a picture into the middle of an area. The area must be at least as large."""
    top, left = (area.shape[0] - pixels.shape[0]) // 2, (area.shape[1] - pixels.shape[1]) // 2
    area[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
