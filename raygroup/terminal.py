"""How entry points print: tables that fit the terminal, and are not cut where there is none; one line for what cannot be done."""

import shlex
import signal
import sys
from collections.abc import Sequence

from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from raygroup.errors import ConfigError

PIPED_WIDTH = 180
"""Columns for output that goes to a file or another program."""


def console() -> Console:
    """Standard output: plain text of a fixed width where nobody looks. It stays this one when a library's output is redirected."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def end_on_sigterm() -> None:
    """SIGTERM ends a command as Ctrl-C does, with a word of its own."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt("ended by SIGTERM")

    signal.signal(signal.SIGTERM, end)


def same_command(module: str, arguments: Sequence[str] | None) -> str:
    """What to type to go on; ``arguments`` are those of ``main``, None for those of this process."""
    return shlex.join(["python", "-m", module, *(sys.argv[1:] if arguments is None else arguments)])


def refuse(error: ConfigError) -> int:
    """Prints the one line of an input that cannot be used; the exit code 2."""
    print(f"raygroup: {error}", file=sys.stderr)
    return 2


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; columns named in ``right`` are aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return made


def titled(title: str, rows: Table) -> Group:
    """A table under its title, which may be wider than the table."""
    return Group(Text(title, style="bold"), rows)


def say(out: Console, text: str) -> None:
    """A line as long as it is, whatever signs stand in it."""
    out.print(text, soft_wrap=True, markup=False)


def show(out: Console, title: str, rows: Table) -> None:
    """Prints a table under its title, as wide as it needs: a narrow terminal breaks its lines, but no cell is broken or cut."""
    width = out.width
    out.width = max(width, Measurement.get(out, out.options.update(max_width=10_000), rows).maximum)
    try:
        out.print(titled(title, rows))
    finally:
        out.width = width


def size_text(size: float) -> str:
    """Bytes as ``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def seconds_text(seconds: float) -> str:
    """A duration as ``1:02:03`` or ``2:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
