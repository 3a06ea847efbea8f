"""Open a table of the paper, to print and to draw it."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from raygroup.figures.groupings.table2_pictures import write_table2_pictures
from raygroup.figures.reproduced.head_size_tasks import write_table4_pictures
from raygroup.figures.reproduced.size_accuracy import write_table5_pictures
from raygroup.figures.reproduced.strategy_scores import write_strategy_pictures
from raygroup.figures.table_files import write_table3_pictures
from raygroup.files.places import Place
from raygroup.storage.sweeps import StoredSweep
from raygroup.tables.reproduced.table2 import table2
from raygroup.tables.reproduced.table2_report import table2_report
from raygroup.tables.reproduced.table3_report import table3_report
from raygroup.tables.reproduced.table4 import table4
from raygroup.tables.reproduced.table4_report import table4_report
from raygroup.tables.reproduced.table5 import table5
from raygroup.tables.reproduced.table5_report import table5_report
from raygroup.tables.sheets.sheet import SheetReport, print_report
from raygroup.tables.strategies.strategy_report import strategy_report
from raygroup.tables.strategies.strategy_table import strategy_table
from raygroup.tables.table3 import table3
from raygroup.tables.table3_text import print_table3

Draw = Callable[[Path, Callable[[int, int], None]], list[Path]]
"""Draws the pictures of a table into a folder, and calls back with the numbers of pictures or trials done and in all."""


@dataclass(frozen=True)
class OpenedTable:
    """A table, its sweep, and how to show it."""

    report: SheetReport
    sweep: StoredSweep | None
    """None if the paper's table stands alone."""
    draw: Draw
    show: Callable[[Console], None]
    drawn: str = "pictures"
    """What the counts of ``draw`` are."""


def open_table(name: str, storage: Place, sweep: str | None, settle: int | None) -> OpenedTable:
    """Read a table of the paper, or that of strategies. Raises ConfigError if no sweep fits. ``settle`` is for Table 2."""
    if name == "table2":
        second = table2(storage, sweep, settle)
        return _open_report(table2_report(second), second.sweep, functools.partial(write_table2_pictures, second))
    if name == "table3":
        third = table3(storage, sweep)
        draw_third = functools.partial(write_table3_pictures, third)
        return OpenedTable(table3_report(third), third.sweep, draw_third, functools.partial(print_table3, third), "trials")
    if name == "table4":
        fourth = table4(storage, sweep)
        return _open_report(table4_report(fourth), fourth.sweep, lambda folder, on_done: write_table4_pictures(fourth, folder))
    if name == "strategies":
        strategies = strategy_table(storage, sweep)
        return _open_report(
            strategy_report(strategies), strategies.sweep, lambda folder, on_done: write_strategy_pictures(strategies, folder)
        )
    fifth = table5(storage, sweep)
    return _open_report(table5_report(fifth), fifth.sweep, lambda folder, on_done: write_table5_pictures(fifth, folder))


def _open_report(report: SheetReport, sweep: StoredSweep | None, draw: Draw) -> OpenedTable:
    return OpenedTable(report, sweep, draw, functools.partial(print_report, report))
