"""Figure of Table 5: accuracy against parameters, one point for each trial."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, INK, head_colour, save_figure
from raygroup.tables.arrangements.arranged_trial import ArrangedTrial
from raygroup.tables.arrangements.arrangement import ONE_HEAD, ONE_PER_TASK, Arrangement
from raygroup.tables.arrangements.rows import ArrangementRow
from raygroup.tables.reproduced.table5 import Table5

_MARKERS = {ONE_HEAD: "s", ONE_PER_TASK: "D"}
"""Kind of arrangement -> marker. Others are round."""
_THOUSAND = 1e3


@dataclass(frozen=True)
class Measure:
    """A score of a trial, and the title of its axis."""

    title: str
    value: Callable[[ArrangedTrial], float | None]
    """Returns a score from 0 to 1, or None."""


EXACT = Measure("unseen words: exact, %", lambda trial: trial.value("unseen", "accuracy"))
SIMILAR = Measure("unseen words: 1-NED, %", lambda trial: trial.value("unseen", "one_minus_ned"))
END_TO_END = Measure("end-to-end F, %", lambda trial: trial.end_to_end.f if trial.end_to_end else None)


def size_accuracy_figure(rows: Sequence[ArrangementRow]) -> Figure:
    """Draw a panel for each measure and each stage.

    A small point is a trial. A large one is the mean of an arrangement, in the colour of its number of heads. A square is one head for all
    tasks, and a diamond one head for each task.
    """
    measures = [measure for measure in (EXACT, SIMILAR, END_TO_END) if any(_points(row, measure) for row in rows)]
    stages = sorted({row.stage for row in rows})
    figure = Figure(figsize=(2.2 + 3.6 * len(stages), 0.6 + 3.1 * max(1, len(measures))), layout="constrained")
    if not measures:
        figure.text(0.5, 0.5, "no trial has both a score and a size", ha="center", color=INK)
        return figure
    panels = figure.subplots(len(measures), len(stages), sharex=True, sharey="row", squeeze=False)
    for measure, line in zip(measures, panels, strict=True):
        line[0].set_ylabel(measure.title, fontsize=9)
        for stage, axes in zip(stages, line, strict=True):
            _draw_panel(axes, [row for row in rows if row.stage == stage], measure)
    for stage, axes in zip(stages, panels[0], strict=True):
        axes.set_title(f"after stage {stage}", fontsize=10, color=INK)
    figure.supxlabel("thousand parameters after pruning   (small: a trial, large: mean over seeds)", fontsize=9)
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8)
    return figure


def write_table5_pictures(table: Table5, folder: Path) -> list[Path]:
    """Write ``size-accuracy.png`` and return its path. Raises OSError if the folder cannot be written."""
    return [save_figure(size_accuracy_figure(table.rows), folder / "size-accuracy.png")]


def _points(row: ArrangementRow, measure: Measure) -> list[tuple[float, float]]:
    """Return size and score of each trial that has both.

    They are thousands of parameters after pruning, and percent.
    """
    pairs = [(trial.pruned_parameters, measure.value(trial)) for trial in row.trials]
    return [(size / _THOUSAND, 100 * score) for size, score in pairs if size is not None and score is not None]


def _draw_panel(axes: Axes, rows: Sequence[ArrangementRow], measure: Measure) -> None:
    for row, points in ((row, points) for row in rows if (points := _points(row, measure))):
        mean = [sum(numbers) / len(numbers) for numbers in zip(*points, strict=True)]
        marker = _MARKERS.get(row.arrangement.kind, "o")
        style: dict[str, Any] = {"color": head_colour(row.arrangement.heads - 1), "linestyle": ""}
        axes.plot(*zip(*points, strict=True), marker, alpha=0.4, markersize=4, **style)
        axes.plot(*mean, marker, markersize=9, markeredgecolor=INK, markeredgewidth=0.6, label=_label(row.arrangement), **style)
    axes.tick_params(labelsize=8)
    axes.grid(color=FAINT, alpha=0.2, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _label(arrangement: Arrangement) -> str:
    return f"{arrangement} ({arrangement.heads} heads)" if arrangement.kind == ONE_PER_TASK else str(arrangement)
