"""Print tables and lines for every command, and turn errors into exit codes.

Text from files may hold control characters, which could clear the screen or write over other lines. Every function here shows them as
escapes such as ``\\u001b``.
"""

import _thread
import argparse
import contextlib
import errno
import json
import os
import re
import select
import shlex
import sys
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TextIO

from rich.cells import cell_len
from rich.console import Console, Group
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from raygroup.errors import BAD_INPUT, DONE, FAILED, INTERRUPTED, ConfigError, RaygroupError, one_line
from raygroup.files.interrupts import interruptible, set_exit_code

PIPED_WIDTH = 180
"""Columns for output that goes to a file or to another program."""
_OUTPUT_CLOSED = "standard output was closed"
_COLUMN_GAP = 2
"""Spaces between two columns of a table."""
_CONTROLS = (*range(9), *range(0xB, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Control characters but tab and line feed, separators of lines, and marks that turn the direction of what follows."""
_ESCAPES = {code: f"\\u{code:04x}" for code in _CONTROLS}


class Parser(argparse.ArgumentParser):
    """A parser of flags that refuses wrong ones in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError. ``run_command`` prints it without the list of all flags that argparse would print."""
        raise ConfigError(f"{message}; see {self.prog} --help")


class _Console(Console):
    """A console that shows control characters in whatever it prints, and tells the command if nobody reads its output any more."""

    def on_broken_pipe(self) -> None:
        if threading.current_thread() is threading.main_thread():
            raise BrokenPipeError(errno.EPIPE, _OUTPUT_CLOSED)
        _thread.interrupt_main()
        sys.exit()  # this thread

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert a string. Cells of tables come here too, so that their width is that of the escapes."""
        return super().render_str(show_controls(text), **options)

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        """Render anything else. Segments that move the cursor come from rich itself."""
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else segment._replace(text=show_controls(segment.text))


def show_controls(text: str) -> str:
    """Return the text with control characters as escapes. JSON stays the same JSON."""
    return text.translate(_ESCAPES)


def visible_character(character: str) -> str:
    """Return a character as it shows in a row: a mark stands on a dotted circle, others without ink are code points."""
    if unicodedata.category(character).startswith("M"):
        return f"\N{DOTTED CIRCLE}{character}"
    return character if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"


def run_command(work: Callable[[], int | None], *, resume: str | None = None) -> int:
    """Run a command and return its exit code.

    An error that a user can act on becomes one line on standard error. Every other exception is a defect and keeps its traceback.
    ``resume`` is the command line that continues the work. The line names it if running the same command again can help.
    ``work`` also parses the arguments, so that characters which the terminal cannot show are printed as escapes there too.
    """
    _prepare_streams()
    try:
        with interruptible(on_kill=lambda: _report_error("interrupted", INTERRUPTED, resume)):
            return set_exit_code(_exit_code(work, resume))
    finally:
        _discard_unwritable(sys.stdout)


def _exit_code(work: Callable[[], int | None], resume: str | None) -> int:
    try:
        exit_code = work() or DONE
        sys.stdout.flush()
        return exit_code
    except RaygroupError as error:
        can_continue = error.exit_code != BAD_INPUT
        return _report_error(str(error), error.exit_code, resume if can_continue else None)
    except OSError as error:  # a command that can continue was working on storage; any other was reading its input
        if _reader_has_left(sys.stdout):  # such as ``| head``: it wants no more lines
            return _report_error(_OUTPUT_CLOSED, INTERRUPTED, resume) if resume else INTERRUPTED
        return _report_error(str(error), FAILED if resume else BAD_INPUT, resume)
    except KeyboardInterrupt as interrupt:
        with contextlib.suppress(BrokenPipeError):
            print(file=sys.stderr, flush=True)
        reason = _OUTPUT_CLOSED if _reader_has_left(sys.stdout) else str(interrupt) or "interrupted"
        return _report_error(reason, INTERRUPTED, resume)


def print_json(value: Any, *, indent: int | None = None, allow_nan: bool = True) -> None:
    """Print a value as JSON on standard output at once. Characters that it cannot show are escaped as JSON does."""
    text = show_controls(json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=allow_nan))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent, allow_nan=allow_nan)
    print(text, flush=True)


def _prepare_streams() -> None:
    """Let both streams print every text, whatever the encoding of the terminal. A closed one prints nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (it stays open)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    for name in ("COLUMNS", "LINES"):  # rich would fail on sizes that are no numbers
        if not re.fullmatch("[1-9][0-9]{0,4}", os.environ.get(name, "1")):
            del os.environ[name]


def _reader_has_left(stream: TextIO) -> bool:
    """Return True if a stream is a pipe or a terminal that nobody reads any more."""
    with contextlib.suppress(OSError, ValueError):
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP | select.POLLNVAL) for _, event in poll.poll(0))
    return False


def _discard_unwritable(stream: TextIO) -> None:
    """Drop text that a stream cannot write. Python would complain about it when it ends."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def command_line(module: str, arguments: Sequence[str] | None) -> str:
    """Return the shell command that repeats this call.

    ``arguments`` are those of ``main``. None stands for the arguments of this process.
    """
    return shlex.join(["python", "-m", module, *(sys.argv[1:] if arguments is None else arguments)])


def _report_error(message: str, exit_code: int, resume: str | None) -> int:
    ending = f". Everything recorded so far is kept. To continue: {resume}" if resume else ""
    line = one_line(message)
    with contextlib.suppress(OSError):
        print_warning(f"{line.rstrip('.') if ending else line}{ending}")
    return exit_code


def print_warning(text: str, *, prefix: str = "raygroup: ") -> None:
    """Print a line on standard error at once."""
    print(show_controls(prefix + text), file=sys.stderr, flush=True)


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    It prints plain text of a fixed width unless a terminal is there. It keeps its stream if a library redirects standard output later.
    """
    stream = sys.stderr if stderr else sys.stdout
    return _Console(file=stream, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table. Columns named in ``right`` are aligned to the right."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        rows.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return rows


@dataclass(frozen=True)
class Column:
    """A column of a table that must fit the terminal."""

    name: str
    right: bool = False
    rank: int = 0
    """Columns of the highest rank are left out first. Those of rank 0 stay."""
    shortest: int | None = None
    """Fewest characters to which a long cell may be cut, but never its heading. None never cuts a cell."""


def fitted_table(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> Table:
    """Return a table that is no wider than ``width``.

    It leaves out columns by rank, then cuts long cells. A cut cell ends in an ellipsis.
    """
    widths = {
        column: max([cell_len(column.name), *(row[place].cell_len for row in rows)]) for place, column in enumerate(columns)
    }  # fmt: skip
    kept = [*columns]
    while _total_width(widths, kept) > width and (ranked := [column for column in kept if column.rank]):
        kept.remove(max(ranked, key=lambda column: column.rank))
    for column in reversed(kept):
        excess = _total_width(widths, kept) - width
        if excess > 0 and column.shortest is not None:
            shortest = min(widths[column], max(column.shortest, cell_len(column.name)))
            widths[column] = max(shortest, widths[column] - excess)
    fitted = Table(box=None, pad_edge=False, header_style="dim")
    for column in kept:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        fitted.add_column(column.name, justify=justify, width=widths[column], no_wrap=True, overflow="ellipsis")
    for row in rows:
        fitted.add_row(*(cell for column, cell in zip(columns, row, strict=True) if column in kept))
    return fitted


def _total_width(widths: Mapping[Column, int], columns: Sequence[Column]) -> int:
    return sum(widths[column] for column in columns) + _COLUMN_GAP * (len(columns) - 1)


def titled(title: str, rows: Table) -> Group:
    """Put a title above a table. The title may be wider than the table."""
    return Group(Text(show_controls(title), style="bold"), rows)


def print_line(out: Console, text: str) -> None:
    """Print one line at its full length, with no markup."""
    out.print(text, soft_wrap=True, markup=False)


def print_words(out: Console, text: str, *, style: str | None = None) -> None:
    """Print a sentence. On a terminal its lines end between words; elsewhere it is one line."""
    out.print(text, soft_wrap=not out.is_terminal, markup=False, style=style)


def wrapped(out: Console, text: str, width: int) -> list[str]:
    """Return the lines of a text, which end between words and have no blanks at their end."""
    return [line.plain.rstrip() for line in Text(text).wrap(out, width)]


def print_table(out: Console, title: str, rows: Table) -> None:
    """Print a table under its title, as wide as it needs.

    A narrow terminal wraps its lines, but no cell is broken or cut.
    """
    width = out.width
    out.width = max(width, Measurement.get(out, out.options.update(max_width=10_000), rows).maximum)
    try:
        out.print(titled(title, rows))
    finally:
        out.width = width


def size_text(size: float) -> str:
    """Format a number of bytes, such as ``12.3 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def seconds_text(seconds: float) -> str:
    """Format a duration, such as ``1:02:03`` or ``2:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
