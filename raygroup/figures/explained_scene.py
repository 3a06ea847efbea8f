"""A photograph with what a spotter did right and wrong in it, as in the paper's Figure 3.

Errors of detection are red, and errors of recognition are purple. They also differ in their dashes and
labels, because not every eye tells the colours apart.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.labelled_photograph import LabelledPhotograph
from raygroup.figures.palette import FAINT, INK
from raygroup.figures.spotted_scene import TEXT_GROUND

RED = "#d7191c"
PURPLE = "#7b2fb5"
GREEN = "#1a9641"
_WHITE = "#ffffff"
_SMALLEST_POINTS = 7.0
_LEAST_WIDTH = 5.5
"""Inches that the title and the legend need."""


@dataclass(frozen=True)
class OutcomeStyle:
    """The look of one outcome."""

    title: str
    colour: str
    ground: str | None
    """Colour behind the label. None draws no label."""
    ink: str = _WHITE
    width: float = 1.5
    dashes: str = "-"


STYLES = {
    "ignored": OutcomeStyle("don't care", FAINT, None, width=1),
    "correct": OutcomeStyle("right", GREEN, TEXT_GROUND, ink=INK, width=1),
    "false": OutcomeStyle("false detection", RED, _WHITE, ink=RED, dashes="--"),
    "misread": OutcomeStyle("recognition error: read → true", PURPLE, PURPLE),
    "missed": OutcomeStyle("missed word", RED, RED, width=2),
}
"""Outcome of ``scoring.word_outcomes`` -> its look. Later ones are drawn on top."""


@dataclass(frozen=True)
class DrawnOutcome:
    """A word to draw."""

    outcome: str
    polygon: NDArray[np.float64]
    """Corners (n, 2) in pixels of the photograph: those of the detection if there is one."""
    texts: tuple[tuple[str, str | None], ...]
    """Texts with their tasks: the reading, or the true text, or both."""


def explained_scene_figure(photograph: NDArray[np.uint8], words: Sequence[DrawnOutcome]) -> Figure:
    """Draw a photograph (height, width, 3), red first, with the outcome of every word."""
    drawing = LabelledPhotograph(photograph, _LEAST_WIDTH)
    counts = Counter(word.outcome for word in words)
    for outcome, style in STYLES.items():
        for word in words:
            if word.outcome == outcome:
                _draw_word(drawing, word, style)
    shown = [outcome for outcome in reversed(STYLES) if counts[outcome]]
    drawing.legend({f"{STYLES[name].title} ({counts[name]})": (STYLES[name].colour, STYLES[name].dashes) for name in shown})
    drawing.title(_counts_text(counts))
    return drawing.figure


def _draw_word(drawing: LabelledPhotograph, word: DrawnOutcome, style: OutcomeStyle) -> None:
    drawing.outline(word.polygon, style.colour, style.width, style.dashes)
    if style.ground is None:
        return
    parts: list[tuple[str, str | None]] = []
    for text, task in word.texts:
        parts += [("→", None)] * bool(parts) + [(text or "(nothing)", task if text else None)]
    drawing.label(word.polygon, parts, ground=style.ground, ink=style.ink, smallest=_SMALLEST_POINTS)


def _counts_text(counts: Counter[str]) -> str:
    words = counts["correct"] + counts["misread"] + counts["missed"]
    return f"{counts['correct']} of {words} words right, {counts['misread']} misread, {counts['missed']} missed, {counts['false']} false"
