"""A sweep over time: when each trial ran, and how fast its steps were."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.storage.sweeps import DONE, FAILED
from raygroup.tables.sweep_view import TrialView

STATE_COLOURS = {DONE: HEADS[0], FAILED: HEADS[5]}


def sweep_figure(trials: list[TrialView]) -> Figure:
    """Left: a bar for every stretch a trial ran, in minutes since the first step of any (orange-red: failed, grey: unfinished).
    Right: words a second of every step, a line a trial."""
    figure = Figure(figsize=(11, 1.6 + 0.28 * len(trials)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _bars(left, trials)
    for trial in trials:
        if trial.history is not None:
            colour = STATE_COLOURS.get(trial.state, FAINT)
            right.plot(trial.history.step, trial.history.words_per_s, color=colour, alpha=0.5, linewidth=0.8)
    right.set_ylim(0, 1.1 * max(right.get_ylim()[1], 1))
    right.set_xlabel("step", fontsize=9)
    right.set_title("words a second", loc="left", fontsize=10, color=INK)
    for axes in (left, right):
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _bars(axes: Axes, trials: list[TrialView]) -> None:
    start = min((span[0] for trial in trials for span in trial.spans), default=0.0)
    for row, trial in enumerate(trials):
        bars = [((first - start) / 60, max(last - first, 1.0) / 60) for first, last in trial.spans]
        axes.broken_barh(bars, (row - 0.35, 0.7), color=STATE_COLOURS.get(trial.state, FAINT))
    axes.set_yticks(range(len(trials)), [f"{trial.label} ({trial.state})" for trial in trials])
    axes.set_ylim(len(trials) - 0.5, -0.5)
    axes.set_xlabel("minutes since the first step", fontsize=9)
    axes.set_title("when trials ran", loc="left", fontsize=10, color=INK)
