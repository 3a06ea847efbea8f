"""Figure of the table of strategies: the score of each strategy at every number of heads, against all groupings."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, INK, head_colour, save_figure
from raygroup.tables.strategies.rows import LEARNED, StrategyRow
from raygroup.tables.strategies.strategy_table import StrategyTable

_POINTS = 100
_MARKERS = "oDs^vPX*<>"
_BAND = (0.05, 0.95)
_SPREAD = 0.5
"""Width over which the strategies of one number of heads are spread, so that their points do not hide each other."""


def strategy_figure(table: StrategyTable) -> Figure:
    """Draw all groupings of each number of heads as a grey band, and each strategy as a point in it.

    Learned groupings are hollow, with their interval over runs. Other intervals are in the table: seeds shift all groupings alike.
    """
    figure = Figure(figsize=(9.5, 5.2), layout="constrained")
    axes = figure.subplots()
    _draw_all_groupings(axes, table)
    names = list(dict.fromkeys(row.strategy for row in table.rows if row.choices))
    for number, name in enumerate(names):
        rows = [row for row in table.rows if row.strategy == name]
        _draw_strategy(axes, rows, number, (number + 0.5) / len(names) - 0.5)
    axes.set_xlabel("heads", fontsize=9)
    axes.set_ylabel("1-NED, %, mean over tasks", fontsize=9)
    axes.set_xticks([regime.heads for regime in table.regimes])
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color=FAINT, alpha=0.2, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=7)
    return figure


def write_strategy_pictures(table: StrategyTable, folder: Path) -> list[Path]:
    """Write ``strategies.png`` and return its path. Raises OSError if the folder cannot be written."""
    return [save_figure(strategy_figure(table), folder / "strategies.png")]


def _draw_all_groupings(axes: Axes, table: StrategyTable) -> None:
    scale = _POINTS / len(table.cache.tasks)
    for place, regime in enumerate(table.regimes):
        scores = table.fit.distributions[regime.heads]
        low, middle, high = (scale * scores.quantile(share) for share in (_BAND[0], 0.5, _BAND[1]))
        left, right = regime.heads - 0.4, regime.heads + 0.4
        label = "middle 90 % of all groupings" if place == 0 else None
        axes.fill_between([left, right], low, max(high, low + 1e-6), color=FAINT, alpha=0.25, linewidth=0, label=label)
        axes.plot([left, right], [middle, middle], color=FAINT, linewidth=1)
        axes.plot([left, right], [scale * scores.scores[-1]] * 2, color=FAINT, linewidth=1, linestyle=":")


def _draw_strategy(axes: Axes, rows: list[StrategyRow], number: int, offset: float) -> None:
    heads = np.array([row.heads + _SPREAD * offset for row in rows])
    means = np.array([_POINTS * row.score.mean for row in rows])
    errors = np.array([_POINTS * (row.score.mean - row.score.low) if row.score.low is not None else 0.0 for row in rows])
    is_learned = rows[0].kind == LEARNED
    colour = head_colour(number)
    axes.errorbar(
        heads, means, yerr=errors if is_learned else None, fmt=_MARKERS[number % len(_MARKERS)], color=colour, markersize=5,
        markerfacecolor="white" if is_learned else colour, markeredgecolor=colour if is_learned else INK, markeredgewidth=0.8,
        elinewidth=0.8, label=rows[0].strategy,
    )  # fmt: skip
