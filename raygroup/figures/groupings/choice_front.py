"""Figure of a choice: 1-NED against parameters of all groupings, with the front and what other rules would do."""

from pathlib import Path

from matplotlib.figure import Figure

from raygroup.figures.palette import FAINT, INK, head_colour, save_figure
from raygroup.tables.choices.choice import Choice

_THOUSAND = 1e3
_POINTS = 100
_MARKERS = "sDv^P"


def choice_figure(choice: Choice) -> Figure:
    """Draw every grouping as a grey dot, the best of each number of heads as a line, the choice as a star, and other rules as marks."""
    figure = Figure(figsize=(8.6, 4.6), layout="constrained")
    axes = figure.subplots()
    scores, sizes = choice.everything
    if len(scores):
        axes.plot(sizes / _THOUSAND, _POINTS * scores, ".", color=FAINT, alpha=0.35, markersize=4, label="all groupings", zorder=1)
    front = sorted(choice.front, key=lambda row: row.parameters)
    axes.plot(
        [row.parameters / _THOUSAND for row in front], [_POINTS * row.one_minus_ned for row in front], "-o", color=head_colour(0),
        markersize=5, linewidth=1.2, label="best of each number of heads", zorder=2,
    )  # fmt: skip
    for row in front:
        place = (row.parameters / _THOUSAND, _POINTS * row.one_minus_ned)
        axes.annotate(str(len(row.groups)), place, xytext=(4, 4), textcoords="offset points", fontsize=8, color=INK)
    for number, row in enumerate(choice.alternatives):
        axes.plot(
            row.parameters / _THOUSAND, _POINTS * row.one_minus_ned, _MARKERS[number % len(_MARKERS)], color=head_colour(number + 1),
            markeredgecolor=INK, markeredgewidth=0.6, markersize=6, linestyle="", label=row.name, zorder=3,
        )  # fmt: skip
    chosen = choice.chosen
    axes.plot(
        chosen.parameters / _THOUSAND, _POINTS * chosen.one_minus_ned, "*", color=head_colour(5), markeredgecolor=INK, markersize=14,
        linestyle="", label="the choice", zorder=4,
    )  # fmt: skip
    axes.set_xlabel("thousand parameters of all heads, after pruning", fontsize=9)
    axes.set_ylabel("1-NED, %, mean over tasks", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(color=FAINT, alpha=0.2, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=8)
    return figure


def write_choice_picture(choice: Choice, folder: Path) -> Path:
    """Write ``choice.png`` and return its path. Raises OSError if the folder cannot be written."""
    return save_figure(choice_figure(choice), folder / "choice.png")
