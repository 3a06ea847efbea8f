"""Figure of a sweep over time. It shows when each trial ran, and how fast its steps were."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.storage.sweeps import TrialState
from raygroup.tables.sweep_view import TrialView

STATE_COLOURS: dict[str, str] = {TrialState.DONE: HEADS[0], TrialState.FAILED: HEADS[5]}


def sweep_figure(trials: list[TrialView]) -> Figure:
    """Draw when trials ran (left) and their speed at every step (right).

    A bar is a stretch of time in which a trial ran, in minutes since the first step of any trial. A
    gap is an interruption. Orange-red means failed, grey unfinished. Speed is in words a second, one line for each trial.
    """
    figure = Figure(figsize=(11, 1.6 + 0.28 * len(trials)), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_bars(left, trials)
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


def _draw_bars(axes: Axes, trials: list[TrialView]) -> None:
    start = min((span[0] for trial in trials for span in trial.spans), default=0.0)
    for row, trial in enumerate(trials):
        # A stretch of one step has no length: draw it one second long, so that it can be seen.
        bars = [((first - start) / 60, max(last - first, 1.0) / 60) for first, last in trial.spans]
        axes.broken_barh(bars, (row - 0.35, 0.7), color=STATE_COLOURS.get(trial.state, FAINT))
    labels = [f"{trial.label} ({trial.state})" for trial in trials]
    axes.set_yticks(range(len(trials)), labels, **text_style(" ".join(labels)))
    axes.set_ylim(len(trials) - 0.5, -0.5)
    axes.set_xlabel("minutes since the first step", fontsize=9)
    axes.set_title("when trials ran", loc="left", fontsize=10, color=INK)
