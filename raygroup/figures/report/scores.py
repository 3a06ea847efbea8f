"""Figures of scores with 95 % intervals: one row for each task, or one for each trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, INK, RIGHT
from raygroup.figures.task_names import own_name, task_title
from raygroup.scoring.word_intervals import WordInterval
from raygroup.tables.task_results import TaskResult

_UNKNOWN = "unknown"
"""The name of words without a task."""


@dataclass(frozen=True)
class ScoredRow:
    """One row of a figure."""

    name: str
    intervals: Mapping[str, WordInterval]
    """Name of a series -> score."""
    note: str = ""
    task: str | None = None
    strong: bool = True
    """False draws the row in grey."""


def task_scores_figure(results: Sequence[TaskResult]) -> Figure:
    """Draw exact match by task, on unseen words and on new images of training words. The classifier routed the words."""
    by_task: dict[str | None, dict[str, TaskResult]] = {}
    for result in results:
        by_task.setdefault(result.task, {})[result.split] = result
    rows = [
        ScoredRow(
            " ".join(filter(None, (_UNKNOWN if task is None else task_title(task), own_name(task or "")))),
            {split: result.scores["classifier"].exact for split, result in by_split.items()},
            ", ".join(f"{split} n = {result.words}" for split, result in by_split.items()),
            task,
        )
        for task, by_split in by_task.items()
    ]
    return scores_figure(rows, ("unseen", "new"), "exact match, with 95 % intervals over words")


def scores_figure(rows: Sequence[ScoredRow], series: Sequence[str], axis_title: str) -> Figure:
    """Draw a dot and an interval for each row and series. Notes stand to the right."""
    figure = Figure(figsize=(8, 1.0 + 0.38 * len(rows)), layout="constrained")
    axes = figure.subplots()
    shown = [name for name in series if any(name in row.intervals for row in rows)]
    for position, name in enumerate(shown):
        offset = 0.26 * (position - (len(shown) - 1) / 2)
        _draw_series(axes, rows, name, offset, RIGHT if position == 0 else FAINT)
    axes.set_xlim(0, 1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=9)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.update({"color": INK, **text_style(row.name, row.task)})
    for position, row in enumerate(rows):
        axes.annotate(row.note, (1, position), (6, 0), textcoords="offset points", va="center", fontsize=8, color=INK, parse_math=False)
    axes.set_xlabel(axis_title, fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if len(shown) > 1:
        figure.legend(loc="outside upper right", ncols=len(shown), frameon=False, fontsize=8)
    return figure


def _draw_series(axes: Axes, rows: Sequence[ScoredRow], name: str, offset: float, colour: str) -> None:
    label: str | None = f"{name} words" if name == "unseen" else f"{name} images"
    for position, row in enumerate(rows):
        interval = row.intervals.get(name)
        if interval is None:
            continue
        ends = [[max(interval.mean - interval.low, 0)], [max(interval.high - interval.mean, 0)]]
        row_colour = colour if row.strong else FAINT
        axes.errorbar([interval.mean], [position + offset], xerr=ends, fmt="o", color=row_colour, markersize=5, capsize=3, label=label)
        label = None
