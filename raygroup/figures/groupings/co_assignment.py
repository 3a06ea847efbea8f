"""Figure of groupings over runs: how often two tasks share a head, with a dendrogram."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from raygroup.figures.font_families import text_style
from raygroup.figures.palette import FAINT, INK
from raygroup.figures.task_names import task_title
from raygroup.tables.stability.agreement import Floats
from raygroup.tables.stability.consensus import Cluster, average_linkage
from raygroup.tables.stability.stability import Stability


def co_assignment_figure(stability: Stability, title: str) -> Figure:
    """Draw the co-assignment matrix, (t, t), its tasks ordered by average linkage, and the dendrogram beside it.

    A cell is the share of runs in which two tasks share a head. Two branches of the dendrogram join at the mean share that they were
    apart.
    """
    (root,) = average_linkage(1 - stability.together)
    order = list(root.members)
    titles = [task_title(stability.tasks[number]) for number in order]
    size = len(order)
    figure = Figure(figsize=(3.6 + 0.75 * size, 1.9 + 0.52 * size), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.1, 2.2))
    _draw_matrix(right, stability.together[np.ix_(order, order)])
    _draw_cluster(left, root, {number: row for row, number in enumerate(order)})
    left.set_xlim(1.03, -0.03)
    left.set_xlabel("share of runs apart", fontsize=8, color=INK)
    left.tick_params(labelsize=8, left=False, labelleft=False)
    left.spines[["top", "left", "right"]].set_visible(False)
    right.set_xticks(range(size), titles, fontsize=9, rotation=45, ha="right")
    right.yaxis.set_tick_params(labelleft=True, length=0)
    right.set_yticks(range(size), titles, fontsize=9)
    for label in (*right.get_xticklabels(), *right.get_yticklabels()):
        label.update(text_style(label.get_text()))
    figure.suptitle(title, fontsize=10, color=INK, x=0.02, ha="left", **text_style(title))
    return figure


def _draw_matrix(axes: Axes, together: Floats) -> None:
    """Draw the shares as numbers on shades of blue. The diagonal is always 1, so it stays grey."""
    shown = np.ma.masked_array(together, mask=np.eye(len(together), dtype=bool))
    axes.set_facecolor("#eeeeee")
    axes.imshow(shown, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), share in np.ndenumerate(together):
        if row != column:
            colour = "white" if share > 0.6 else INK
            axes.text(column, row, f"{share:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axes.spines[:].set_visible(False)


def _draw_cluster(axes: Axes, cluster: Cluster, row_of: dict[int, int]) -> float:
    """Draw a cluster and its parts, and return the place of its stem."""
    if not cluster.parts:
        return float(row_of[cluster.members[0]])
    stems = [_draw_cluster(axes, part, row_of) for part in cluster.parts]
    for part, stem in zip(cluster.parts, stems, strict=True):
        axes.plot([part.height, cluster.height], [stem, stem], color=INK, linewidth=1.2)
    axes.plot([cluster.height] * 2, stems, color=INK, linewidth=1.2)
    axes.axvline(1, color=FAINT, linewidth=0.5, linestyle=":")
    return sum(stems) / len(stems)
