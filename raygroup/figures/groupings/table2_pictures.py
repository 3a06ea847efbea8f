"""Image files of Table 2."""

from collections.abc import Callable
from pathlib import Path

from raygroup.figures.groupings.co_assignment import co_assignment_figure
from raygroup.figures.groupings.sharpening import sharpening_figure
from raygroup.figures.palette import save_figure
from raygroup.tables.reproduced.table2 import Table2


def write_table2_pictures(table: Table2, folder: Path, on_picture: Callable[[int, int], None] = lambda done, total: None) -> list[Path]:
    """Write the figures of Table 2 and return their paths.

    ``co-assignment.png`` shows all runs, ``co-assignment-M.png`` those with M heads, and ``sharpening.png`` P_TM over steps. One run
    alone has no co-assignment. Raises OSError if the folder cannot be written.
    """
    agreeing = [(f"-{count.heads}", f"{count.heads} heads", count.stability) for count in table.head_counts]
    drawn = [(ending, what, one) for ending, what, one in [("", "all numbers of heads", table.stability), *agreeing] if one]
    on_picture(0, len(drawn) + 1)
    paths = []
    for number, (ending, what, stability) in enumerate(drawn, 1):
        title = f"{table.sweep.name}: share of {stability.num_runs} runs in which two tasks share a head ({what})"
        paths.append(save_figure(co_assignment_figure(stability, title), folder / f"co-assignment{ending}.png"))
        on_picture(number, len(drawn) + 1)
    paths.append(save_figure(sharpening_figure(table.head_counts), folder / "sharpening.png"))
    on_picture(len(drawn) + 1, len(drawn) + 1)
    return paths
