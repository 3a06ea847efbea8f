"""Precision, recall and H over the confidence threshold, as a picture."""

from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.scoring.curve import Curve


def curve_figure(points: Curve, heading: str) -> Figure:
    """Three lines over the least confidence handed in; a dot where H is highest."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, colour, width in (("precision", HEADS[0], 1.2), ("recall", HEADS[1], 1.2), ("hmean", INK, 2)):
        axes.step(points.threshold, getattr(points, name), where="post", color=colour, linewidth=width, label=name.replace("hmean", "H"))
    if len(points.threshold):
        best = points.best
        at, height = float(points.threshold[best]), float(points.hmean[best])
        axes.plot(at, height, "o", color=INK, markersize=6)
        axes.annotate(f"H {height:.3f} at {at:.4g}", (at, height), (6, 8), textcoords="offset points", fontsize=9, color=INK)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("least confidence handed in", fontsize=9)
    axes.set_title(heading, loc="left", fontsize=10, color=INK)
    axes.grid(color=FAINT, linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
