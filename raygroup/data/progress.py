"""Show the progress of a subcommand of ``data``."""

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console


@contextlib.contextmanager
def show_progress(out: Console, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows (label, done, total).

    It moves a bar on a terminal and prints a line now and then elsewhere. If ``quiet``, it prints
    nothing, because a program reads standard output.
    """
    if quiet:
        yield lambda label, done, total: None
        return
    from raygroup.runtime.preparation.extraction_report import extraction_progress

    with extraction_progress(out) as report:
        yield report
