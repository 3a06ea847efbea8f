"""The sweeps that the notebooks under ``analysis/`` read."""

import os
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.places import Place, parse_place
from raygroup.storage.sweeps import StoredSweep, read_sweeps


def notebook_storage() -> Place:
    """Return the storage path of a notebook.

    It is the value of ``RAYGROUP_STORAGE``, or the nearest folder ``runs``: Jupyter starts a
    notebook in its own folder, and a program may start it in the folder above.
    """
    named = os.environ.get("RAYGROUP_STORAGE")
    if named:
        return parse_place(named)
    return next((folder for folder in (Path("runs"), Path("..") / "runs") if folder.is_dir()), Path("runs"))


def notebook_sweep() -> StoredSweep:
    """Return the sweep that ``RAYGROUP_SWEEP`` names, or the newest one.

    Raises ConfigError if there is none. The message lists those that are there.
    """
    storage, name = notebook_storage(), os.environ.get("RAYGROUP_SWEEP")
    sweeps = read_sweeps(storage)
    fitting = [sweep for sweep in sweeps if name in (None, sweep.name)]
    if not fitting:
        wanted = f"RAYGROUP_SWEEP: no sweep '{name}'" if name else "no sweep"
        raise ConfigError(f"{wanted} in {storage}; there are: {', '.join(sweep.name for sweep in sweeps) or 'none'}")
    return fitting[-1]
