"""Colours of all figures, and how figures are saved.

The colours are those of Okabe and Ito, which colour-blind readers can tell apart.
"""

from pathlib import Path

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

HEADS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000", "#D55E00", "#F0E442", "#56B4E9")
"""Sky blue comes last because it looks like a paler blue, and paler means undecided."""

INK = "#333333"
FAINT = "#999999"
RIGHT = "#0072B2"
WRONG = "#D55E00"

DOTS_PER_INCH = 150
"""Of figures that are saved as pixels."""

Colour = tuple[float, float, float]


def head_colour(head: int) -> Colour:
    """Return the colour of a head. From the ninth head on, the colours repeat in a paler form."""
    strength = 0.55 ** (head // len(HEADS))
    red, green, blue = to_rgb(HEADS[head % len(HEADS)])
    return (1 - strength * (1 - red), 1 - strength * (1 - green), 1 - strength * (1 - blue))


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure, by default as PNG, and return its path. Creates missing folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = figure.get_layout_engine()
    if engine is not None:
        # With an engine, savefig lays out and draws the figure twice.
        figure.set_dpi(DOTS_PER_INCH)
        engine.execute(figure)
        figure.set_layout_engine(None)
    figure.savefig(path, dpi=DOTS_PER_INCH)
    return path
