"""The elements of a report: sections with lines, tables and pictures. The template turns them into HTML."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A text in its own script. It shows in its own direction."""

    text: str
    language: str | None = None
    """Tag of HTML's ``lang``. It tells a browser which shapes to use where languages share characters."""
    image: str | None = None
    """A picture as a ``data:`` address."""


Cell = str | Word


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    is_number: bool = False
    """Numbers are aligned to the right."""


@dataclass(frozen=True)
class Table:
    """A table with a caption. The first cell of a row is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    marked: frozenset[int] = frozenset()
    """Positions of rows that stand out."""
    is_folded: bool = False
    """True shows the rows only when a reader asks for them. They are printed anyway."""


@dataclass(frozen=True)
class Picture:
    """A figure with its caption."""

    svg: str
    """An ``<svg>`` element of ``figures.report.inline_svg``, in which all text is escaped."""
    caption: str


@dataclass(frozen=True)
class Section:
    """A part of a report."""

    name: str
    """Its anchor."""
    title: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    code: str = ""
    """A command to show."""


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    hypothesis: str
    facts: tuple[tuple[str, str], ...]
    """Names and values of the first lines."""
    missing: tuple[str, ...]
    """What the page lacks. Empty if the sweep is complete."""
    sections: tuple[Section, ...]


def columns(*names: str) -> tuple[Column, ...]:
    """Return columns. A name that begins with ``#`` is one of numbers."""
    return tuple(Column(name.lstrip("#"), name.startswith("#")) for name in names)


def first_rows(table: Table, most: int) -> Table:
    """Return a table with its first rows alone. The note says so."""
    if len(table.rows) <= most:
        return table
    cut = f"The first {most} of {len(table.rows)} rows. python -m raygroup.runs show --json prints all."
    marked = frozenset(row for row in table.marked if row < most)
    return Table(table.caption, table.columns, table.rows[:most], f"{cut} {table.note}".strip(), marked, table.is_folded)


def number_text(value: float | None, digits: str = "") -> str:
    """Return a number for a cell, or a dash if it is None or nan."""
    return "-" if value is None or value != value else format(value, digits)
