import io

import pytest
from rich.console import Console

from raygroup.runtime.preparation.extraction_report import extraction_progress
from raygroup.runtime.progress import progress_bars


@pytest.mark.parametrize("open_progress", [extraction_progress, progress_bars])
def test_without_a_terminal_long_work_is_told_of_as_it_begins(open_progress):
    screen = Console(file=io.StringIO(), width=100)
    with open_progress(screen) as progress:
        progress("words", 0, 100)
        assert screen.file.getvalue() == ""
        progress("labels read", 0, 1_000_000)
        assert screen.file.getvalue() == "0 of 1000000 labels read\n"
