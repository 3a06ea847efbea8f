"""Find the head that a new task should join, and write what says so."""

from pathlib import Path

from raygroup.choose.choosing import choose_bank_sweep
from raygroup.errors import ConfigError
from raygroup.files.places import Place, place
from raygroup.tables.choices.added_task import AddedTask, place_added_task
from raygroup.tables.choices.added_task_report import added_task_report
from raygroup.tables.sheets.sheet_files import write_sheet_files
from raygroup.task_groups import Groups


def add_task(task: str, storage_path: Place | str = "runs", sweep: str | None = None, to: str | Groups | None = None) -> AddedTask:
    """Return whether a new task should be attached to a head or get one of its own, from a sweep of group heads.

    ``to`` is the grouping that it comes to, such as ``"ar+ko | bn"``. None takes the groups of the banks without the task. Raises
    ConfigError if no sweep fits, or if a group has no head.
    """
    storage = place(storage_path)
    stored = choose_bank_sweep(storage, sweep, "an added task", "language_later")
    return place_added_task(stored, task, parse_groups(to) if isinstance(to, str) else to)


def parse_groups(text: str) -> Groups:
    """Parse ``ar+ko | bn``. Raises ConfigError if it is no grouping."""
    groups = [[task.strip() for task in group.split("+")] for group in text.split("|")]
    listed = [task for group in groups for task in group]
    if not all(listed) or len(set(listed)) < len(listed):
        raise ConfigError(f"--to '{text}' is no grouping: write each task once, such as 'ar+ko | bn'")
    return frozenset(map(frozenset, groups))


def write_added_task(added: AddedTask, folder: Path) -> list[Path]:
    """Write ``added.json`` and the tables. Raises OSError if the folder cannot be written."""
    return write_sheet_files(added_task_report(added), folder)
