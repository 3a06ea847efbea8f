"""Figure of P_TM over steps: how runs with more or fewer heads become decided."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, INK, head_colour
from raygroup.history.assignments import max_probability
from raygroup.history.reader import read_history
from raygroup.tables.history_rows import kept_steps
from raygroup.tables.reproduced.table2 import HeadCount

_MOST_POINTS = 400
"""Points of a line. More cannot be seen."""


def sharpening_figure(counts: Sequence[HeadCount]) -> Figure:
    """Draw one panel for each number of heads, and in it the mean over tasks of max P_TM for each seed.

    The dotted line is 1/m, at which all heads are equally likely. A cross is the step from which the last grouping stood.
    """
    figure = Figure(figsize=(1.1 + 1.9 * len(counts), 2.6), layout="constrained")
    panels = figure.subplots(1, len(counts), sharey=True, sharex=True, squeeze=False)[0]
    for axes, count in zip(panels, counts, strict=True):
        _draw_panel(axes, count)
    panels[0].set_ylabel("mean max $P_{TM}$", fontsize=9)
    panels[0].set_ylim(0, 1.03)
    figure.supxlabel("step   (a line is a seed; cross: settled; dotted: undecided)", fontsize=8)
    return figure


def _draw_panel(axes: Axes, count: HeadCount) -> None:
    for number, trial in enumerate(count.trials):
        history = read_history(trial.folder)
        rows = kept_steps(len(history.step), max(1, len(history.step) // _MOST_POINTS))
        mean = max_probability(history.r_tm[rows]).mean(axis=-1)
        axes.plot(history.step[rows], mean, color=head_colour(number), linewidth=0.9)
        settled = int(abs(history.step[rows] - trial.settling_step).argmin())
        axes.plot(history.step[rows][settled], mean[settled], "x", color=head_colour(number), markersize=6)
    axes.axhline(1 / count.heads, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_title(f"{count.heads} heads", fontsize=9, color=INK)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
