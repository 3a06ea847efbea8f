"""Figure of the losses of trials on scenes over steps."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import HEADS, INK
from raygroup.history.spotter_history import SpotterHistory

_MOST_COLUMNS = 3
_WINDOWS = 100
"""Points of a line: a longer history is averaged over as many windows."""


def losses_figure(trials: Sequence[tuple[str, SpotterHistory]]) -> Figure:
    """Draw one panel for each loss, with a line for each trial (label and history)."""
    names = [*dict.fromkeys(name for _, history in trials for name in history.losses)]
    num_columns = min(_MOST_COLUMNS, max(len(names), 1))
    num_rows = max(-(-len(names) // num_columns), 1)
    figure = Figure(figsize=(10, 0.7 + 2.1 * num_rows + 0.2 * len(trials)), layout="constrained")
    panels = figure.subplots(num_rows, num_columns, squeeze=False).reshape(-1)
    for axes, name in zip(panels, names, strict=False):
        for number, (label, history) in enumerate(trials):
            if name in history.losses:
                steps, values = _window_means(history.step, history.losses[name])
                axes.plot(steps, values, color=HEADS[number % len(HEADS)], linewidth=1.2, label=label)
        axes.set_title(name.replace("_", " "), loc="left", fontsize=10, color=INK)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside lower left", frameon=False, fontsize=8)
    for text in legend.get_texts():
        text.update(text_style(text.get_text()))
    return figure


def _window_means(steps: NDArray[np.int32], values: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    """Return the mean step and the mean value of each window."""
    count = min(_WINDOWS, len(steps))
    parts = zip(np.array_split(steps, count), np.array_split(values, count), strict=True)
    means = [(float(step.mean()), float(value.mean(dtype=np.float64))) for step, value in parts]
    return [step for step, _ in means], [value for _, value in means]
