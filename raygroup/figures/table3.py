"""Table 3 as a picture: assignment changes against epsilon by every counting rule, the paper's points and the control beside them."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, HEADS, INK
from raygroup.paper import TABLE_3
from raygroup.tables.table3 import Row, Spread, Table3
from raygroup.tables.trial_evidence import TrialEvidence


@dataclass(frozen=True)
class Rule:
    """A way to count: its name, its column of a row, its figure of a trial."""

    name: str
    spread: Callable[[Row], Spread]
    count: Callable[[TrialEvidence], int]


def table3_figure(found: Table3) -> Figure:
    """A panel a counting rule: small dots are seeds, large ones their mean with the standard deviation, diamonds the paper's runs."""
    rules = _rules(list(found.rows[0].settled))
    figure = Figure(figsize=(2.9 * len(rules) + 0.6, 3.7), layout="constrained")
    panels = figure.subplots(1, len(rules), squeeze=False)[0]
    for axes, rule in zip(panels, rules, strict=True):
        _panel(axes, found, rule)
    panels[0].set_ylabel(f"assignment changes in {found.trials[0].counted:,} steps", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8)
    return figure


def _rules(holds: list[int]) -> list[Rule]:
    def settled(hold: int) -> Rule:
        return Rule(f"settled for {hold} steps", lambda row: row.settled[hold], lambda trial: trial.settled[hold])

    raw = Rule("raw: every step", lambda row: row.raw, lambda trial: trial.raw)
    return [raw, Rule("single tasks", lambda row: row.tasks, lambda trial: trial.tasks), *map(settled, holds)]


def _panel(axes: Axes, found: Table3, rule: Rule) -> None:
    epsilons = {row.name: row.epsilon for row in found.rows if row.epsilon is not None}
    ticks = sorted({*TABLE_3, *epsilons.values()})
    step = min(after - before for before, after in itertools.pairwise(ticks))
    aside = ticks[-1] + 1.6 * step
    axes.plot(list(TABLE_3), list(TABLE_3.values()), "D", color=HEADS[5], markersize=6, label="paper (one run each)", zorder=4)
    for row in found.rows:
        line = _points(axes, row, rule, epsilons[row.name], 0.25 * step, HEADS[0])
    line.set_label("ours: mean ± sd over seeds")
    if found.control is not None:
        _points(axes, found.control, rule, aside, 0.25 * step, FAINT).set_label("control: noise and Eq. (9) alone")
        axes.axvline(aside - 0.8 * step, color=FAINT, linewidth=0.6, linestyle=":")
    beside = {aside: "control"} if found.control else {}
    axes.set_xticks([*ticks, *beside], [*(f"{tick:g}" for tick in ticks), *beside.values()], fontsize=8)
    axes.set_title(rule.name, fontsize=10, color=INK)
    axes.set_xlabel(r"base coefficient $\epsilon$", fontsize=9)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_ylim(bottom=-0.4)
    axes.spines[["top", "right"]].set_visible(False)


def _points(axes: Axes, row: Row, rule: Rule, place: float, width: float, colour: str) -> ErrorbarContainer:
    """A dot a seed, side by side, behind their mean."""
    num = len(row.trials)
    seeds = [place + width * ((seed + 0.5) / num - 0.5) for seed in range(num)]
    axes.plot(seeds, [rule.count(trial) for trial in row.trials], "o", color=colour, alpha=0.4, markersize=3.5)
    spread = rule.spread(row)
    error = 0 if math.isnan(spread.sd) else spread.sd
    return axes.errorbar([place], [spread.mean], [error], fmt="o", color=colour, markersize=6, capsize=3, zorder=3)
