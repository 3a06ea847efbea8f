"""Figure of Table 4: sizes of heads against characters of their tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from raygroup.figures.palette import FAINT, HEADS, INK, head_colour, save_figure
from raygroup.tables.reproduced.table4 import Table4
from raygroup.tasks import TASKS

_MOST_NAMED_SEEDS = 3
"""Most seeds of a panel whose heads have their tasks written beside them. More would cover each other."""
_NAME_OFFSETS = ((6, 3), (6, -10), (-6, 3))
"""Places of the tasks' names beside a point, in points, one for each seed."""


@dataclass(frozen=True)
class SizePoint:
    """One head with tasks."""

    characters: int
    parameters: int
    """Before pruning."""
    tasks: tuple[str, ...]
    series: int | None
    """Number of its seed, which gives its colour. None for the paper's."""


def head_size_figure(table: Table4) -> Figure:
    """Draw a panel of our heads, and one of the paper's.

    A point is a head of one seed. Heads without a task are left out.
    """
    ours = [
        SizePoint(head.num_characters, head.parameters, head.tasks, number)
        for number, run in enumerate(table.runs)
        for head in run.heads
        if head.tasks
    ]
    paper = [SizePoint(head.printed.num_characters, head.parameters, (head.printed.task,), None) for head in table.paper]
    panels = [("the paper's heads", paper, _paper_rho(table)), *([("our heads", ours, _our_rho(table))] if ours else [])]
    figure = Figure(figsize=(0.4 + 4.4 * len(panels), 3.9), layout="constrained")
    for axes, (title, points, rho) in zip(figure.subplots(1, len(panels), squeeze=False)[0], reversed(panels), strict=True):
        _draw_points(axes, points)
        axes.set_title(f"{title}\n{rho}", fontsize=9, color=INK)
    if len(table.runs) > 1:
        labels = [f"seed {run.trial.config.seed}" for run in table.runs]
        handles = [figure.axes[0].plot([], [], "o", color=head_colour(number))[0] for number in range(len(labels))]
        figure.legend(handles, labels, loc="outside lower center", ncols=min(6, len(labels)), frameon=False, fontsize=8)
    return figure


def write_table4_pictures(table: Table4, folder: Path) -> list[Path]:
    """Write ``head-sizes.png`` and return its path. Raises OSError if the folder cannot be written."""
    return [save_figure(head_size_figure(table), folder / "head-sizes.png")]


def _draw_points(axes: Axes, points: Sequence[SizePoint]) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    scale, unit = (1e6, "million") if max(point.parameters for point in points) >= 1e6 else (1e3, "thousand")
    are_named = len({point.series for point in points}) <= _MOST_NAMED_SEEDS
    for point in points:
        marker, colour = ("D", HEADS[5]) if point.series is None else ("o", head_colour(point.series))
        place = (point.characters, point.parameters / scale)
        axes.plot(*place, marker, color=colour, markersize=6, alpha=0.75)
        if are_named:
            offset = _NAME_OFFSETS[point.series or 0]
            side = "left" if offset[0] > 0 else "right"
            axes.annotate(
                _initials(point.tasks), place, offset, textcoords="offset points", ha=side, fontsize=7.5, color=INK, parse_math=False
            )
    axes.set_xlabel("characters of its tasks", fontsize=9)
    axes.set_ylabel(f"{unit} parameters before pruning", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.margins(x=0.12, y=0.1)
    axes.grid(color=FAINT, alpha=0.2, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _initials(tasks: Sequence[str]) -> str:
    """Return the tasks by their initials in the paper. A task without one keeps its name."""
    return "+".join(TASKS[task].initial if task in TASKS else task for task in tasks)


def _paper_rho(table: Table4) -> str:
    correlation = table.paper_correlation
    return "" if correlation is None else f"rho {correlation.rho:.2f}, {_interval(correlation.low, correlation.high)}one run"


def _our_rho(table: Table4) -> str:
    mean = table.mean_rho
    if mean is None:
        return "no rho: fewer than three heads with tasks"
    return f"mean rho {mean.mean:.2f}, {_interval(mean.low, mean.high)}{mean.count} run{'s' * (mean.count > 1)}"


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"95 % interval {max(low, -1):.2f} to {min(high, 1):.2f}, "
