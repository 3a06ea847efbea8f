"""Choose a grouping and write what is needed to train and to export it."""

import functools
from pathlib import Path

from raygroup.choose.chosen_space import chosen_search_space
from raygroup.choose.latency import measure_latency
from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place, local_path, place
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.records import read_record
from raygroup.storage.sweeps import StoredSweep, read_sweeps
from raygroup.tables.choices.choice import Choice, choose_within
from raygroup.tables.choices.choice_report import choice_report
from raygroup.tables.choices.request import Request
from raygroup.tables.group_heads.group_cache import group_cache, group_heads_misfit
from raygroup.tables.sheets.sheet_files import write_sheet_files
from raygroup.tables.sweep_choice import choose_sweep

CHOSEN_SPACE = "chosen.py"


def choose_groups(
    storage_path: Place | str = "runs", sweep: str | None = None, request: Request | None = None, *, latency: bool = False
) -> Choice:
    """Return the best grouping for a request, from the newest sweep of group heads or from a named one.

    ``latency`` measures how long a word takes, on one core of this machine; a request with ``max_latency_ms`` always does. Raises
    ConfigError if no sweep fits, if no grouping meets the request (the message has the nearest one), or if too few groups have a head.
    """
    storage, request = place(storage_path), request or Request()
    stored = choose_bank_sweep(storage, sweep, "a choice", "oracle_planted")
    wants_latency = latency or request.max_latency_ms is not None
    return choose_within(request, stored, group_cache([stored]), measure_latency=measure_latency if wants_latency else None)


def write_choice(choice: Choice, folder: Path, storage_path: Place | str) -> list[Path]:
    """Write ``choice.json`` and the tables, ``choice.png``, and ``chosen.py``, the search space that trains the grouping.

    Raises OSError if the folder cannot be written.
    """
    from raygroup.figures.groupings.choice_front import write_choice_picture  # the answer comes before matplotlib

    files = [*write_sheet_files(choice_report(choice), folder), write_choice_picture(choice, folder)]
    stored = read_record(choice.settings_of.folder / CONFIG_FILE)
    weights = str(local_path(place(storage_path) / stored["weights"]).resolve()) if "start" in stored else None
    space = folder / CHOSEN_SPACE
    write_bytes(space, chosen_search_space(choice, f"{choice.sweep.name}_chosen", weights).encode(), durable=False)
    return [*files, space]


def choose_bank_sweep(storage: Place, sweep: str | None, purpose: str, makes: str) -> StoredSweep:
    """Return the newest sweep with finished banks of group heads, or the named one. Raises ConfigError as ``choose_sweep`` does."""
    return choose_sweep(read_sweeps(storage), storage, sweep, purpose, functools.partial(group_heads_misfit, partial=True), makes)
