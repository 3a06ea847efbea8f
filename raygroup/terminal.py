"""Print tables and lines for every command, and turn errors into exit codes.

Text from files may hold control characters, which could clear the screen or write over other lines. Every function here shows them as
escapes such as ``\\u001b``.
"""

import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor
from typing import Any

from rich.console import Console, Group
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from raygroup.errors import BAD_INPUT, DONE, FAILED, INTERRUPTED, RaygroupError

PIPED_WIDTH = 180
"""Columns for output that goes to a file or to another program."""
_CONTROLS = (*range(9), *range(0xB, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Control characters but tab and line feed, separators of lines, and marks that turn the direction of what follows."""
_ESCAPES = {code: f"\\u{code:04x}" for code in _CONTROLS}


def show_controls(text: str) -> str:
    """Return the text with control characters as escapes. JSON stays the same JSON."""
    return text.translate(_ESCAPES)


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
    except BrokenExecutor:
        return _report_error("a worker process died, perhaps because memory ran out; fewer --workers need less memory", FAILED, resume)
    except OSError as error:  # a command that can continue was working on storage; any other was reading its input
        return _report_error(str(error), FAILED if resume else BAD_INPUT, resume)
    except KeyboardInterrupt as interrupt:
        print_warning("", prefix="")
        return _report_error(str(interrupt) or "interrupted", INTERRUPTED, resume)


def command_line(module: str, arguments: Sequence[str] | None) -> str:
    """Return the shell command that repeats this call.

    ``arguments`` are those of ``main``. None stands for the arguments of this process.
    """
    return shlex.join(["python", "-m", module, *(sys.argv[1:] if arguments is None else arguments)])


def _report_error(message: str, exit_code: int, resume: str | None) -> int:
    ending = f". Everything recorded so far is kept. To continue: {resume}" if resume else ""
    print_warning(f"{message.rstrip('.') if ending else message}{ending}")
    return exit_code


def print_warning(text: str, *, prefix: str = "raygroup: ") -> None:
    """Print a line on standard error at once."""
    print(show_controls(prefix + text), file=sys.stderr, flush=True)


def print_json(values: Any, *, indent: int | None = None, allow_nan: bool = True) -> None:
    """Print one JSON value on standard output at once."""
    print(show_controls(json.dumps(values, ensure_ascii=False, indent=indent, allow_nan=allow_nan)), flush=True)


def _end_on_sigterm() -> None:
    """Let SIGTERM end a command as Ctrl-C does."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt("ended by SIGTERM")

    signal.signal(signal.SIGTERM, end)


class _SafeConsole(Console):
    """A console that shows control characters in whatever it prints."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Convert a string. Cells of tables come here too, so that their width is that of the escapes."""
        return super().render_str(show_controls(text), **options)

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        """Render anything else. Segments that move the cursor come from rich itself."""
        for segment in super().render(*arguments, **options):
            yield segment if segment.control else segment._replace(text=show_controls(segment.text))


def console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    It prints plain text of a fixed width unless a terminal is there. It keeps its stream if a library redirects standard output later.
    """
    stream = sys.stderr if stderr else sys.stdout
    return _SafeConsole(file=stream, highlight=False, width=None if stream.isatty() else PIPED_WIDTH)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table. Columns named in ``right`` are aligned to the right."""
    rows = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        rows.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return rows


def titled(title: str, rows: Table) -> Group:
    """Put a title above a table. The title may be wider than the table."""
    return Group(Text(show_controls(title), style="bold"), rows)


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
