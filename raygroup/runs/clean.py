"""``runs clean``: remove the files that a storage path no longer needs."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from raygroup.files.places import Place
from raygroup.runs.find import warn_of_damage
from raygroup.storage.cleanup import Leftover, leftovers
from raygroup.storage.sweeps import read_sweeps
from raygroup.terminal import print_json, print_line, print_table, size_text, table


def clean(
    storages: Sequence[Place], out: Console, *, include_caches: bool, include_heads: bool, dry_run: bool, as_json: bool
) -> None:  # fmt: skip
    """Remove leftovers and print them with their sizes. A dry run only prints them."""
    removed: list[dict[str, object]] = []
    for storage in storages:
        files = leftovers(storage, include_caches=include_caches, include_heads=include_heads)
        for leftover in files:
            if not dry_run:
                leftover.remove()
            name = _relative_path(storage, leftover)
            removed.append({"storage_path": str(storage), "path": name, "reason": leftover.reason, "bytes": leftover.size})
        if not as_json:
            _print_table(storage, files, out, dry_run)
    warn_of_damage(sweep for storage in storages for sweep in read_sweeps(storage))
    if as_json:
        print_json({"dry_run": dry_run, "leftovers": removed})


def _print_table(storage: Place, files: Sequence[Leftover], out: Console, dry_run: bool) -> None:
    rows = table("size", "what", "where", right=("size",))
    for leftover in files:
        rows.add_row(size_text(leftover.size), leftover.reason, escape(_relative_path(storage, leftover)))
    if files:
        print_table(out, str(storage), rows)
    total = size_text(sum(leftover.size for leftover in files))
    print_line(out, f"{storage}: {total} {'would be removed; nothing was' if dry_run else 'removed'}")


def _relative_path(storage: Place, leftover: Leftover) -> str:
    return str(leftover.path)[len(str(storage)) + 1 :]
