"""A photograph with the words that a spotter reads in it, as in the paper's Figure 2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.labelled_photograph import LabelledPhotograph
from raygroup.figures.palette import Colour, head_colour

TEXT_GROUND = "#8ee08e"
"""The green behind a word's text."""


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
    drawing = LabelledPhotograph(photograph)
    for word in words:
        drawing.outline(word.polygon, word.colour)
        facts = [(word.facts, None)] if word.facts else []
        drawing.label(word.polygon, [(word.text, word.task), *facts], ground=TEXT_GROUND)
    drawing.legend({name: (colour, "-") for name, colour in legend.items()})
    return drawing.figure
