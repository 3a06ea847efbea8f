"""Print tables and lines for every command, and turn errors into exit codes."""

import _thread
import contextlib
import errno
import os
import select
import shlex
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor

from rich.console import Console, Group
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from raygroup.errors import BAD_INPUT, DONE, FAILED, INTERRUPTED, RaygroupError
from raygroup.interrupts import interruptible, set_exit_code

PIPED_WIDTH = 180
"""Columns for output that goes to a file or to another program."""

_OUTPUT_CLOSED = "standard output was closed"


class _Console(Console):
    """A console that tells the command if nobody reads its output any more."""

    def on_broken_pipe(self) -> None:
        if threading.current_thread() is threading.main_thread():
            raise BrokenPipeError(errno.EPIPE, _OUTPUT_CLOSED)
        _thread.interrupt_main()
        sys.exit()  # this thread


def run_command(work: Callable[[], int | None], *, resume: str | None = None) -> int:
    """Run a command and return its exit code.

    An error that a user can act on becomes one line on standard error. Every other exception is a defect and keeps its traceback.
    ``resume`` is the command line that continues the work. The line names it if running the same command again can help.
    """
    with interruptible(on_kill=lambda: _report_error("interrupted", INTERRUPTED, resume)):
        return set_exit_code(_run(work, resume))


def _run(work: Callable[[], int | None], resume: str | None) -> int:
    try:
        exit_code = work() or DONE
        sys.stdout.flush()
        return exit_code
    except RaygroupError as error:
        can_continue = error.exit_code != BAD_INPUT
        return _report_error(str(error), error.exit_code, resume if can_continue else None)
    except BrokenExecutor:
        return _report_error("a worker process died, perhaps because memory ran out; fewer --workers need less memory", FAILED, resume)
    except OSError as error:  # a command that can continue was working on storage; any other was reading its input
        if _is_output_closed():
            return _report_error(_OUTPUT_CLOSED, INTERRUPTED, resume)
        return _report_error(str(error), FAILED if resume else BAD_INPUT, resume)
    except KeyboardInterrupt as interrupt:
        with contextlib.suppress(BrokenPipeError):
            print(file=sys.stderr, flush=True)
        reason = _OUTPUT_CLOSED if _is_output_closed() else str(interrupt) or "interrupted"
        return _report_error(reason, INTERRUPTED, resume)


def _is_output_closed() -> bool:
    """Return whether the reader of standard output is gone, as after ``| head``.

    What is left to print then goes nowhere, so that Python does not complain at its end.
    """
    try:
        output = sys.stdout.fileno()
        poll = select.poll()
        poll.register(output, 0)
        is_closed = any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
    except (OSError, ValueError):  # no file
        return False
    if is_closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return is_closed


def command_line(module: str, arguments: Sequence[str] | None) -> str:
    """Return the shell command that repeats this call.

    ``arguments`` are those of ``main``. None stands for the arguments of this process.
    """
    return shlex.join(["python", "-m", module, *(sys.argv[1:] if arguments is None else arguments)])


def _report_error(message: str, exit_code: int, resume: str | None) -> int:
    ending = f". Everything recorded so far is kept. To continue: {resume}" if resume else ""
    with contextlib.suppress(BrokenPipeError):  # nobody reads standard error either, as after ``2>&1 | head``
        print(f"raygroup: {message.rstrip('.') if ending else message}{ending}", file=sys.stderr, flush=True)
    return exit_code


def console() -> Console:
    """Return a console on standard output.

    It prints plain text of a fixed width unless a terminal is there. It keeps its stream if a library redirects standard output later.
    """
    return _Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


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
