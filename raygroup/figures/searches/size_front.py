"""Figure of a search of head sizes: accuracy against parameters, with the front."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.tables.searches.size_points import Scores, SizePoint, SizePoints


def size_front_figure(points: SizePoints) -> Figure:
    """Draw each point at its parameters and its mean 1-NED.

    Points of the front are large and joined by a line. Their numbers stand beside them, and their bars reach from the worst to the best
    seed. Diamonds are their fresh seeds.
    """
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots()
    on_front = {point.number for point in points.front}
    others = [point.scores for point in points.points if point.number not in on_front]
    if others:
        axes.plot(_parameters(others), _accuracies(others), "o", color=FAINT, markersize=4, label="other points")
    _draw_front(axes, points.front)
    axes.set_xlabel("parameters of all heads with a task, after pruning", fontsize=9)
    axes.set_ylabel("mean 1-NED on new renders (0 to 1)", fontsize=9)
    axes.set_title(f"{points.sweep.name}: accuracy against size", fontsize=10, color=INK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _count_text(value)))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _draw_front(axes: Axes, front: Sequence[SizePoint]) -> None:
    if not front:
        return
    scores = [point.scores for point in front]
    x, y = _parameters(scores), _accuracies(scores)
    axes.plot(x, y, color=HEADS[0], linewidth=1, drawstyle="steps-post", alpha=0.6, zorder=2)
    axes.errorbar(x, y, yerr=_reach(scores), fmt="o", color=HEADS[0], markersize=6, capsize=2, linewidth=1, label="front", zorder=3)
    for point, left, top in zip(front, x, y, strict=True):
        axes.annotate(str(point.number), (left, top), (5, -10), textcoords="offset points", fontsize=7, color=INK)
    fresh = [point.confirmed for point in front if point.confirmed]
    if fresh:
        x_fresh, y_fresh = _parameters(fresh), _accuracies(fresh)
        axes.errorbar(
            x_fresh, y_fresh, yerr=_reach(fresh), fmt="D", color=HEADS[5], markersize=5, capsize=2, linewidth=1,
            label="front, fresh seeds", zorder=4,
        )  # fmt: skip


def _parameters(scores: Sequence[Scores]) -> list[float]:
    return [one.parameters for one in scores]


def _accuracies(scores: Sequence[Scores]) -> list[float]:
    return [one.accuracy.mean for one in scores]


def _reach(scores: Sequence[Scores]) -> list[list[float]]:
    """Return how far the worst and the best seed lie from the mean."""
    accuracies = [[accuracy for accuracy, _ in one.by_seed] for one in scores]
    means = _accuracies(scores)
    below = [mean - min(own) for mean, own in zip(means, accuracies, strict=True)]
    return [[max(0.0, value) for value in below], [max(0.0, max(own) - mean) for mean, own in zip(means, accuracies, strict=True)]]


def _count_text(value: float) -> str:
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g} k" if value >= 1e3 else f"{value:g}"
