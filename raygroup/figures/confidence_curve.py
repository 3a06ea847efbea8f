"""Figure of precision, recall and H over the confidence threshold."""

from matplotlib.figure import Figure

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.scoring.curve import Curve


def curve_figure(curve: Curve, heading: str) -> Figure:
    """Draw three lines over the lowest confidence that is handed in. A dot marks the highest H."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, colour, width in (("precision", HEADS[0], 1.2), ("recall", HEADS[1], 1.2), ("hmean", INK, 2)):
        axes.step(curve.threshold, getattr(curve, name), where="post", color=colour, linewidth=width, label=name.replace("hmean", "H"))
    if len(curve.threshold):
        threshold, height = float(curve.threshold[curve.best]), float(curve.hmean[curve.best])
        label = f"H {height:.3f} at {threshold:.4g}"
        axes.plot(threshold, height, "o", color=INK, markersize=6)
        axes.annotate(label, (threshold, height), (6, 8), textcoords="offset points", fontsize=9, color=INK)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("least confidence handed in", fontsize=9)
    axes.set_title(heading, loc="left", fontsize=10, color=INK, **text_style(heading))
    axes.grid(color=FAINT, linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
