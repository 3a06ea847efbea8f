"""Figure of one trial over time.

It shows the head of each task at every step, how sure it was, and when it settled.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from raygroup.errors import one_line
from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, INK, head_colour
from raygroup.figures.task_names import own_name, task_title
from raygroup.history.assignments import assignment, grouping, max_probability, settling_row
from raygroup.history.reader import History
from raygroup.tasks import by_paper_order

_MOST_LETTERS = 100
"""Letters of a grouping above the figure. A longer line would squeeze the figure. The head of each task stands beside its row."""


def assignment_figure(history: History, label: str) -> Figure:
    """Draw one row for each task, and max P_TM below.

    The colour of a row is the head. It is paler the nearer max P_TM is to 1/m. The dashed line is
    the settling step.
    """
    num_tasks = len(history.tasks)
    figure = Figure(figsize=(10, 1.9 + 0.42 * num_tasks), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(0.42 * num_tasks, 1.1))
    assigned = assignment(history.r_tm)
    order = [history.tasks.index(task) for task in by_paper_order(set(history.tasks))]
    ends = (float(history.step[0]) - 0.5, float(history.step[-1]) + 0.5)
    pixels = _shaded(assigned[:, order], max_probability(history.r_tm)[:, order], history.heads)
    upper.imshow(pixels, aspect="auto", interpolation="nearest", extent=(*ends, num_tasks - 0.5, -0.5))
    upper.hlines(np.arange(1, num_tasks) - 0.5, *ends, color="white", linewidth=2)
    _name_rows(upper, [history.tasks[row] for row in order])
    _number_heads(upper, assigned[-1, order].tolist(), ends[1])
    final = grouping(history.tasks, history.heads, assigned[-1])
    heading = f"{label}\n{one_line(str(final), _MOST_LETTERS)}"
    upper.set_title(heading, loc="left", fontsize=10, color=INK, **text_style(heading))
    _draw_legend(upper, history.heads, final.idle)
    _draw_decisiveness(lower, history)
    _mark_settling_step(upper, lower, int(history.step[settling_row(assigned)]), ends)
    return figure


def _shaded(assigned: NDArray[np.int64], probability: NDArray[np.float64], heads: int) -> NDArray[np.float64]:
    """Return the colours of heads, (tasks, steps, 3).

    They are mixed with white where the assignment is unsure.
    """
    colours = np.array([head_colour(head) for head in range(heads)])
    least = 1 / heads
    sure = np.clip((probability - least) / (1 - least), 0, 1) if heads > 1 else np.ones_like(probability)
    strength = (0.25 + 0.75 * sure)[..., None]
    return np.asarray((1 - strength * (1 - colours[assigned])).transpose(1, 0, 2))


def _name_rows(axes: Axes, tasks: list[str]) -> None:
    """Write the names of the tasks.

    English names are tick labels, and own names stand between them and the rows.
    """
    room = 58 if any(map(own_name, tasks)) else 4
    axes.set_yticks(range(len(tasks)), [task_title(task) for task in tasks], fontsize=9)
    axes.tick_params(length=0, labelbottom=False)
    axes.tick_params(axis="y", pad=room)
    for row, (task, label) in enumerate(zip(tasks, axes.get_yticklabels(), strict=True)):
        label.update(text_style(task_title(task)))
        name = own_name(task)
        text = axes.annotate(name, (0, row), (-30, 0), ("axes fraction", "data"), "offset points", ha="center", va="center", fontsize=10)
        text.update({"color": INK, **text_style(name, task)})


def _number_heads(axes: Axes, heads: list[int], end: float) -> None:
    """Write each task's final head after its row."""
    for row, head in enumerate(heads):
        axes.annotate(str(head), (end, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9, color=INK)


def _draw_legend(axes: Axes, heads: int, idle: tuple[int, ...]) -> None:
    patches = [Patch(color=head_colour(head), label=f"head {head}{' (idle)' if head in idle else ''}") for head in range(heads)]
    axes.legend(handles=patches, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=8)


def _draw_decisiveness(axes: Axes, history: History) -> None:
    probability = max_probability(history.r_tm)
    axes.fill_between(history.step, probability.min(axis=1), probability.max(axis=1), color=FAINT, alpha=0.3, linewidth=0)
    axes.plot(history.step, probability.mean(axis=1), color=INK, linewidth=1.2)
    axes.axhline(1 / history.heads, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(labelsize=8)
    axes.set_ylabel("max $P_{TM}$", fontsize=8)
    axes.set_xlabel("step   (line: mean over tasks; band: lowest to highest; dotted: undecided)", fontsize=8)


def _mark_settling_step(upper: Axes, lower: Axes, settled: int, ends: tuple[float, float]) -> None:
    for axes in (upper, lower):
        axes.axvline(settled - 0.5, color="white", linewidth=2.4, alpha=0.7)
        axes.axvline(settled - 0.5, color=INK, linestyle="--", linewidth=1.2)
        axes.spines[:].set_visible(False)
    is_late = settled > (ends[0] + ends[1]) / 2
    offset, side = (-5, "right") if is_late else (5, "left")
    text = lower.annotate(f"settled at step {settled}", (settled - 0.5, 0.04), (offset, 0), textcoords="offset points", ha=side)
    text.set(fontsize=8, color=INK)
