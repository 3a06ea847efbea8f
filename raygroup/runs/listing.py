"""``runs list``: the sweeps, the states of their trials, and their sizes."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from raygroup.files.places import Place, size_of
from raygroup.runs.find import STATES, declared_states, warn_of_damage
from raygroup.storage.layout import CACHE_FOLDER
from raygroup.storage.sweeps import StoredSweep, read_sweeps
from raygroup.terminal import print_json, print_line, print_table, size_text, table


def list_sweeps(storages: Sequence[Place], out: Console, *, as_json: bool) -> None:
    """Print one row for each sweep, and the size of the caches.

    The newest sweep comes last.
    """
    stored = {storage: read_sweeps(storage) for storage in storages}
    sweeps = {storage: [_sweep_values(storage, sweep) for sweep in stored[storage]] for storage in storages}
    caches = {storage: size_of(storage / CACHE_FOLDER) for storage in storages}
    if as_json:
        rows = [values for storage in storages for values in sweeps[storage]]
        cache_rows = [{"storage_path": str(storage), "bytes": caches[storage]} for storage in storages]
        print_json({"sweeps": rows, "caches": cache_rows})
    warn_of_damage(sweep for storage in storages for sweep in stored[storage])
    if as_json:
        return
    for storage in storages:
        _print_table(storage, sweeps[storage], out)
        if caches[storage]:
            out.print(f"caches: {size_text(caches[storage])}")


def _sweep_values(storage: Place, sweep: StoredSweep) -> dict[str, Any]:
    states = declared_states(sweep)
    counts = Counter(states.values())
    return {
        "name": sweep.name, "storage_path": str(storage), "trials": len(states),
        **{_key(state): counts[state] for state in STATES},
        "finished_at": sweep.finished_at or None, "bytes": size_of(sweep.folder), "damaged": list(sweep.damage),
    }  # fmt: skip


def _print_table(storage: Place, sweeps: Sequence[dict[str, Any]], out: Console) -> None:
    if not sweeps:
        print_line(out, f"{storage}: no sweep; make one with 'python -m raygroup.sweep --storage-path {storage}'")
        return
    rows = table("sweep", *STATES, "finished at", "size", right=(*STATES, "size"))
    for values in sweeps:
        counts = [str(values[_key(state)] or "") for state in STATES]
        finished_at = (values["finished_at"] or "-")[:19]
        rows.add_row(escape(values["name"]), *counts, finished_at, size_text(values["bytes"]))
    print_table(out, str(storage), rows)


def _key(state: str) -> str:
    return state.replace(" ", "_")
