"""One trial's assignment over time: which head each task was on at every step, how surely, and when that settled."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Patch
from numpy.typing import NDArray

from raygroup.figures.palette import FAINT, INK, head_colour
from raygroup.figures.script_text import OWN_NAMES, lettering, title
from raygroup.history.assignments import assignment, grouping, max_probability, settling_row
from raygroup.history.reader import History
from raygroup.tasks import by_paper_order


def assignment_figure(history: History, label: str) -> Figure:
    """A row a task; colour = head, paler the nearer max P_TM is to 1/m; below, max P_TM. The dashed line is the settling step."""
    figure = Figure(figsize=(10, 1.9 + 0.42 * len(history.tasks)), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(0.42 * len(history.tasks), 1.1))
    assigned = assignment(history.r_tm)
    order = [history.tasks.index(task) for task in by_paper_order(set(history.tasks))]
    ends = (float(history.step[0]) - 0.5, float(history.step[-1]) + 0.5)
    pixels = _shaded(assigned[:, order], max_probability(history.r_tm)[:, order], history.heads)
    upper.imshow(pixels, aspect="auto", interpolation="nearest", extent=(*ends, len(order) - 0.5, -0.5))
    upper.hlines(np.arange(1, len(order)) - 0.5, *ends, color="white", linewidth=2)
    _name_rows(upper, [history.tasks[row] for row in order])
    _number_heads(upper, assigned[-1, order].tolist(), ends[1])
    final = grouping(history.tasks, history.heads, assigned[-1])
    upper.set_title(f"{label}\n{final}", loc="left", fontsize=10, color=INK)
    _legend(upper, history.heads, final.idle)
    _decisiveness(lower, history)
    settled = int(history.step[settling_row(assigned)])
    for axes in (upper, lower):
        axes.axvline(settled - 0.5, color="white", linewidth=2.4, alpha=0.7)
        axes.axvline(settled - 0.5, color=INK, linestyle="--", linewidth=1.2)
        axes.spines[:].set_visible(False)
    late = settled > (ends[0] + ends[1]) / 2
    place = {"xytext": (-5 if late else 5, 0), "textcoords": "offset points", "ha": "right" if late else "left"}
    lower.annotate(f"settled at step {settled}", (settled - 0.5, 0.04), fontsize=8, color=INK, **place)
    return figure


def _shaded(assigned: NDArray[np.int64], probability: NDArray[np.float64], heads: int) -> NDArray[np.float64]:
    """(tasks, steps, 3): the head's colour, mixed with white where the assignment is unsure."""
    colours = np.array([head_colour(head) for head in range(heads)])
    least = 1 / heads
    sure = np.clip((probability - least) / (1 - least), 0, 1) if heads > 1 else np.ones_like(probability)
    strength = (0.25 + 0.75 * sure)[..., None]
    return np.asarray((1 - strength * (1 - colours[assigned])).transpose(1, 0, 2))


def _name_rows(axes: Axes, tasks: list[str]) -> None:
    """English names as tick labels, own names as pictures between them and the rows."""
    axes.set_yticks(range(len(tasks)), [title(task) for task in tasks], fontsize=9)
    axes.tick_params(length=0, labelbottom=False)
    axes.tick_params(axis="y", pad=58)
    for row, task in enumerate(tasks):
        if task in OWN_NAMES:
            ink = lettering(OWN_NAMES[task], task, 30).astype(np.float64) / 255
            coloured = np.dstack([np.full_like(ink, 0.2)] * 3 + [ink])
            box = OffsetImage(coloured, zoom=0.4)
            axes.add_artist(AnnotationBbox(box, (0, row), (-30, 0), ("axes fraction", "data"), "offset points", frameon=False))


def _number_heads(axes: Axes, heads: list[int], end: float) -> None:
    """The head each task ended on, at the end of its row."""
    for row, head in enumerate(heads):
        axes.annotate(str(head), (end, row), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9, color=INK)


def _legend(axes: Axes, heads: int, idle: tuple[int, ...]) -> None:
    patches = [Patch(color=head_colour(head), label=f"head {head}{' (idle)' if head in idle else ''}") for head in range(heads)]
    axes.legend(handles=patches, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=8)


def _decisiveness(axes: Axes, history: History) -> None:
    probability = max_probability(history.r_tm)
    axes.fill_between(history.step, probability.min(axis=1), probability.max(axis=1), color=FAINT, alpha=0.3, linewidth=0)
    axes.plot(history.step, probability.mean(axis=1), color=INK, linewidth=1.2)
    axes.axhline(1 / history.heads, color=FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.5, 1])
    axes.tick_params(labelsize=8)
    axes.set_ylabel("max $P_{TM}$", fontsize=8)
    axes.set_xlabel("step   (line: mean over tasks; band: lowest to highest; dotted: undecided)", fontsize=8)
