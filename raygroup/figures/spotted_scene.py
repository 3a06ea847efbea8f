"""A photograph with the words that a spotter reads in it, as in the paper's Figure 2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon as Outline
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import INK, Colour, head_colour

TEXT_GROUND = "#8ee08e"
"""The green behind a word's text."""
_INCHES_PER_PIXEL = 1 / 100
_LARGEST_INCHES = 14.0
_SMALLEST_POINTS, _LARGEST_POINTS = 5.0, 12.0


@dataclass(frozen=True)
class DrawnWord:
    """A word to draw."""

    polygon: NDArray[np.float64]
    """Corners (n, 2) in pixels of the photograph."""
    text: str
    task: str
    facts: str
    """Shown after the text: the confidence, the language and the group."""
    colour: str | Colour


def head_colours(heads: Sequence[str]) -> dict[str, Colour]:
    """Return a colour for each head."""
    return {head: head_colour(number) for number, head in enumerate(heads)}


def spotted_scene_figure(photograph: NDArray[np.uint8], words: Sequence[DrawnWord], legend: Mapping[str, str | Colour]) -> Figure:
    """Draw a photograph (height, width, 3), red first, with the outlines of words and their texts.

    ``legend`` names the colours.
    """
    height, width = photograph.shape[:2]
    scale = min(_INCHES_PER_PIXEL, _LARGEST_INCHES / max(height, width))
    figure = Figure(figsize=(width * scale, height * scale + 0.35), layout="constrained")
    axes = figure.subplots()
    axes.imshow(photograph)
    axes.set_axis_off()
    for word in words:
        _draw_word(axes, word, scale)
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    handles = [Outline([(0, 0)], closed=True, fill=False, edgecolor=colour, linewidth=2, label=name) for name, colour in legend.items()]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False, fontsize=8, labelcolor=INK)
    return figure


def _draw_word(axes: Axes, word: DrawnWord, scale: float) -> None:
    """Draw the outline, and the text above its highest corner."""
    axes.add_patch(Outline(word.polygon, closed=True, fill=False, edgecolor=word.colour, linewidth=1.5))
    left, top = word.polygon.min(0)
    points = float(np.clip(0.5 * 72 * scale * np.ptp(word.polygon[:, 1]), _SMALLEST_POINTS, _LARGEST_POINTS))
    box = {"boxstyle": "square,pad=0.15", "facecolor": TEXT_GROUND, "edgecolor": "none", "alpha": 0.85}
    text = f"{word.text} {word.facts}" if word.facts else word.text
    axes.text(left, top, text, fontsize=points, color=INK, va="bottom", ha="left", bbox=box, clip_on=True, **text_style(text, word.task))
