"""Copy scenes into the cache of a storage path, as a memory-mapped table, with the weights of their trials."""

import functools
from collections.abc import Sequence
from pathlib import Path

from raygroup.files.local_copies import publish
from raygroup.files.places import Place
from raygroup.files.retry import NO_RETRY, Retry
from raygroup.runtime.planning.jobs import Job, scene_jobs
from raygroup.runtime.preparation.prepare import CACHE_LOCK_WAIT_S, local_output, share_weights
from raygroup.scenes.scene_table import count_scenes, is_whole_table, write_scene_table
from raygroup.storage.locks import lock_folder
from raygroup.terminal import print_warning


def prepare_scenes(scenes: Path | None, missing: Sequence[Job], retry: Retry = NO_RETRY) -> None:
    """Write the scene tables of these jobs, and share their weights. Jobs on words need none, and then ``scenes`` may be None.

    A whole table in the cache stays as it is. ``retry`` repeats what fails on the storage path.
    """
    jobs = scene_jobs(missing)
    share_weights({each.shared: each.file for job in jobs for each in job.weights if each.shared}, retry)
    for table in sorted({job.scenes for job in jobs}, key=str):
        if scenes is not None:
            with lock_folder(table.parent, "cache", CACHE_LOCK_WAIT_S, retry):
                retry(functools.partial(make_scene_table, scenes, table))


def make_scene_table(scenes: Path, table: Place) -> None:
    """Write the table of a scene store, unless a whole one is there. A damaged one is replaced."""
    if isinstance(table, Path):
        if is_whole_table(table, count_scenes(scenes)):
            return
        if table.exists():
            print_warning(f"{table}: damaged; written anew")
    elif table.exists():
        return
    path = local_output(table)
    write_scene_table(scenes, path)
    publish(path, table)
