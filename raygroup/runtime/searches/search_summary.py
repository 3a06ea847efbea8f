"""Show the result of a search: its tables and its picture, on the terminal, as JSON and in files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.searches.journal import require_local_file
from raygroup.runtime.searches.search_plan import stored_points
from raygroup.runtime.searches.search_run import is_finished, reread_plan
from raygroup.storage.layout import FIGURES_FOLDER
from raygroup.tables.searches.search_result import SizeSearchResult, size_search_result
from raygroup.tables.searches.size_report import REPORT_NAME, size_report
from raygroup.tables.sheets.sheet import print_report
from raygroup.tables.sheets.sheet_files import write_sheet_files
from raygroup.terminal import print_json, print_warning, print_words


def show_search(plan: Plan, failed: Mapping[str, str], out: Console, *, as_json: bool) -> bool:
    """Print a search as tables or as one JSON object, and write its tables and its picture. Returns True if it is finished.

    ``failed`` holds the reasons of the trials that failed in this run, by id.
    """
    result = size_search_result(plan.folder, failed)
    files = write_search_files(plan, result)
    if as_json:
        print_json(result.to_json() | {"files": [str(path) for path in files]})
    else:
        _print_search(result, files, out)
    return is_finished(reread_plan(plan), stored_points(plan))


def _print_search(result: SizeSearchResult, files: Sequence[Path], out: Console) -> None:
    if result.points.points:
        print_report(size_report(result.points), out)
    for label, reason in result.failed.items():
        out.print(f"failed: {label}: {reason}", style="red", soft_wrap=True, markup=False)
    if files:
        print_words(out, f"{len(files)} files of the search in {files[0].parent}")


def write_search_files(plan: Plan, result: SizeSearchResult) -> list[Path]:
    """Write the tables and the picture of a search, and return their paths. A folder that cannot be written is a warning."""
    if not result.points.points:
        return []
    folder = require_local_file(plan.folder / FIGURES_FOLDER)
    try:
        return [*write_sheet_files(size_report(result.points), folder), _draw(result, folder)]
    except OSError as error:
        print_warning(f"{folder}: tables and picture cannot be written: {error}")
        return []


def _draw(result: SizeSearchResult, folder: Path) -> Path:
    from raygroup.figures.palette import save_figure
    from raygroup.figures.searches.size_front import size_front_figure

    return save_figure(size_front_figure(result.points), folder / f"{REPORT_NAME}.png")
