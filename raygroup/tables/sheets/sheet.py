"""A table of results in one form, from which the terminal and all files are written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from raygroup.tables.spread import Spread
from raygroup.terminal import print_line, print_table, print_words, table

NOTHING = "-"
"""Text of a cell without a value."""


@dataclass(frozen=True)
class SheetColumn:
    """One column: its heading, and how its values are shown.

    A value is a text, a whole number, a real number, a ``Spread``, or None if there is none. All values of a column are of one kind.
    """

    name: str
    """Name in Arrow files. A ``Spread`` becomes ``NAME_mean``, ``NAME_sd`` and ``NAME_count``."""
    heading: str
    digits: int = 0
    """Decimals of real numbers."""
    is_text: bool = False

    def text(self, value: Any) -> str:
        """Return the text of a cell."""
        if value is None or (isinstance(value, float) and value != value):
            return NOTHING
        if isinstance(value, Spread):
            return value.text(self.digits)
        return f"{value:.{self.digits}f}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Sheet:
    """A titled table."""

    key: str
    """Short name, which ends the names of its files."""
    title: str
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Any, ...], ...]
    """A value for each column."""

    def texts(self) -> list[list[str]]:
        """Return the texts of all cells, row by row."""
        return [[column.text(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]


@dataclass(frozen=True)
class SheetReport:
    """A table of the paper, ours beside it: sheets, and what they do and do not show."""

    name: str
    """Such as ``table2``. It begins the names of all files."""
    title: str
    sheets: tuple[Sheet, ...]
    """The table itself comes first."""
    remarks: tuple[str, ...]
    """Paragraphs of plain text."""
    values: dict[str, Any] = field(repr=False)
    """Every number as JSON values."""


def text_column(name: str, heading: str) -> SheetColumn:
    """Return a column of texts."""
    return SheetColumn(name, heading, is_text=True)


def whole_columns(**headings: str) -> tuple[SheetColumn, ...]:
    """Return columns of numbers without decimals."""
    return tuple(SheetColumn(name, heading) for name, heading in headings.items())


def terminal_table(sheet: Sheet) -> Table:
    """Return a sheet as a table to print."""
    rows = table(*(column.heading for column in sheet.columns), right=tuple(c.heading for c in sheet.columns if not c.is_text))
    for texts in sheet.texts():
        rows.add_row(*map(escape, texts))
    return rows


def print_report(report: SheetReport, out: Console) -> None:
    """Print the sheets and the remarks of a report."""
    print_line(out, report.title)
    for sheet in report.sheets:
        print_table(out, f"\n{sheet.title}", terminal_table(sheet))
    for remark in report.remarks:
        print_words(out, f"\n{remark}")


def common_kind(values: Sequence[Any]) -> type | None:
    """Return the type of the values, or None if all are missing."""
    return next((type(value) for value in values if value is not None), None)
