"""Colours that eyes of every kind tell apart (Okabe and Ito), and what all figures share."""

from pathlib import Path

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

HEADS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000", "#D55E00", "#F0E442", "#56B4E9")
"""Sky blue comes last: it looks like a paler blue, and paler means undecided."""

INK = "#333333"
FAINT = "#999999"
RIGHT = "#0072B2"
WRONG = "#D55E00"

Colour = tuple[float, float, float]


def head_colour(head: int) -> Colour:
    """The colour of a head; from the ninth on, the same ones paler."""
    paler = 0.55 ** (head // len(HEADS))
    red, green, blue = to_rgb(HEADS[head % len(HEADS)])
    return (1 - paler * (1 - red), 1 - paler * (1 - green), 1 - paler * (1 - blue))


def save(figure: Figure, path: Path) -> Path:
    """Writes a PNG; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path
