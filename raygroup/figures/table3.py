"""Figure of Table 3.

It shows assignment changes against epsilon, with the paper's points and the control.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.paper import TABLE_3
from raygroup.tables.spread import Spread
from raygroup.tables.table3 import Table3, Table3Row
from raygroup.tables.trial_evidence import TrialEvidence


@dataclass(frozen=True)
class CountingRule:
    """A way to count assignment changes."""

    name: str
    spread: Callable[[Table3Row], Spread]
    """Returns the counts of a row over its seeds."""
    count: Callable[[TrialEvidence], int]
    """Returns the count of one trial."""


def table3_figure(table: Table3) -> Figure:
    """Draw one panel for each counting rule.

    Small dots are seeds, large ones their mean with the standard deviation. Diamonds are the
    paper's runs.
    """
    rules = _counting_rules(list(table.rows[0].settled))
    figure = Figure(figsize=(2.9 * len(rules) + 0.6, 3.7), layout="constrained")
    panels = figure.subplots(1, len(rules), squeeze=False)[0]
    for axes, rule in zip(panels, rules, strict=True):
        _draw_panel(axes, table, rule)
    panels[0].set_ylabel(f"assignment changes in {table.trials[0].counted:,} steps", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8)
    return figure


def _counting_rules(holds: list[int]) -> list[CountingRule]:
    def settled(hold: int) -> CountingRule:
        return CountingRule(f"settled for {hold} steps", lambda row: row.settled[hold], lambda trial: trial.settled[hold])

    raw = CountingRule("raw: every step", lambda row: row.raw, lambda trial: trial.raw)
    single_tasks = CountingRule("single tasks", lambda row: row.tasks, lambda trial: trial.tasks)
    return [raw, single_tasks, *map(settled, holds)]


def _draw_panel(axes: Axes, table: Table3, rule: CountingRule) -> None:
    epsilons = {row.name: row.epsilon for row in table.rows if row.epsilon is not None}
    ticks = sorted({*TABLE_3, *epsilons.values()})
    step = min(after - before for before, after in itertools.pairwise(ticks))
    axes.plot(list(TABLE_3), list(TABLE_3.values()), "D", color=HEADS[5], markersize=6, label="paper (one run each)", zorder=4)
    for row in table.rows:
        line = _draw_row(axes, row, rule, epsilons[row.name], 0.25 * step, HEADS[0])
    line.set_label("ours: mean ± sd over seeds")
    # The control has no epsilon of its own, so it stands to the right of all others.
    control_x = ticks[-1] + 1.6 * step
    if table.control is not None:
        _draw_row(axes, table.control, rule, control_x, 0.25 * step, FAINT).set_label("control: noise and Eq. (9) alone")
        axes.axvline(control_x - 0.8 * step, color=FAINT, linewidth=0.6, linestyle=":")
    control_tick = {control_x: "control"} if table.control else {}
    axes.set_xticks([*ticks, *control_tick], [*(f"{tick:g}" for tick in ticks), *control_tick.values()], fontsize=8)
    axes.set_title(rule.name, fontsize=10, color=INK)
    axes.set_xlabel(r"base coefficient $\epsilon$", fontsize=9)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(bottom=-0.4)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_row(axes: Axes, row: Table3Row, rule: CountingRule, x: float, width: float, colour: str) -> ErrorbarContainer:
    """Draw one dot for each seed, side by side, behind their mean."""
    num = len(row.trials)
    seeds = [x + width * ((seed + 0.5) / num - 0.5) for seed in range(num)]
    axes.plot(seeds, [rule.count(trial) for trial in row.trials], "o", color=colour, alpha=0.4, markersize=3.5)
    spread = rule.spread(row)
    error = 0 if math.isnan(spread.sd) else spread.sd
    return axes.errorbar([x], [spread.mean], [error], fmt="o", color=colour, markersize=6, capsize=3, zorder=3)
