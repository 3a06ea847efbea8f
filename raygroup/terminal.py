"""Print tables and lines for every command, and turn errors into exit codes."""

import shlex
import signal
import sys
from collections.abc import Callable, Sequence

from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from raygroup.errors import BAD_INPUT, DONE, FAILED, INTERRUPTED, RaygroupError

PIPED_WIDTH = 180
"""Columns for output that goes to a file or to another program."""


def run_command(work: Callable[[], int | None], *, resume: str | None = None) -> int:
    """Run a command and return its exit code.

    An error that a user can act on becomes one line on standard error. Every other exception is a defect and keeps its traceback.
    ``resume`` is the command line that continues the work. The line names it if running the same command again can help.
    """
    _end_on_sigterm()
    try:
        return work() or DONE
    except RaygroupError as error:
        can_continue = error.exit_code != BAD_INPUT
        return _report_error(str(error), error.exit_code, resume if can_continue else None)
    except OSError as error:  # a command that can continue was working on storage; any other was reading its input
        return _report_error(str(error), FAILED if resume else BAD_INPUT, resume)
    except KeyboardInterrupt as interrupt:
        print(file=sys.stderr)
        return _report_error(str(interrupt) or "interrupted", INTERRUPTED, resume)


def command_line(module: str, arguments: Sequence[str] | None) -> str:
    """Return the shell command that repeats this call.

    ``arguments`` are those of ``main``. None stands for the arguments of this process.
    """
    return shlex.join(["python", "-m", module, *(sys.argv[1:] if arguments is None else arguments)])


def _report_error(message: str, exit_code: int, resume: str | None) -> int:
    ending = f". Everything recorded so far is kept. To continue: {resume}" if resume else ""
    print(f"raygroup: {message.rstrip('.') if ending else message}{ending}", file=sys.stderr)
    return exit_code


def _end_on_sigterm() -> None:
    """Let SIGTERM end a command as Ctrl-C does."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt("ended by SIGTERM")

    signal.signal(signal.SIGTERM, end)


def console() -> Console:
    """Return a console on standard output.

    It prints plain text of a fixed width unless a terminal is there. It keeps its stream if a library redirects standard output later.
    """
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table. Columns named in ``right`` are aligned to the right."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        rows.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return rows


def titled(title: str, rows: Table) -> Group:
    """Put a title above a table. The title may be wider than the table."""
    return Group(Text(title, style="bold"), rows)


def print_line(out: Console, text: str) -> None:
    """Print one line at its full length, with no markup."""
    out.print(text, soft_wrap=True, markup=False)


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
