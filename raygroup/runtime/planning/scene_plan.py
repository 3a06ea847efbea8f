"""Plan a sweep on scenes: each trial trains a detector."""

from pathlib import Path

from raygroup.config import trial_id
from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import SceneJob
from raygroup.scenes.scene_table import count_scenes, scenes_fingerprint
from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector
from raygroup.storage.layout import scenes_path


def plan_scene_jobs(sweep: Sweep, storage: Place, scenes: Path) -> tuple[SceneJob, ...]:
    """Give every trial its id and its places.

    ``scenes`` is an import of ``raygroup.data``. Raises ConfigError if it has no scenes, or if two trials are the same.
    """
    if not count_scenes(scenes):
        raise ConfigError(f"--scenes {scenes}: it has no scenes")
    data = scenes_fingerprint(scenes)
    jobs = []
    for label, trial in sweep.trials():
        if isinstance(trial, Detector):
            job_id = trial_id(sweep.name, trial, data)
            jobs.append(SceneJob(job_id, label, trial, storage / sweep.name / job_id, data, scenes_path(storage, data)))
    if len({job.id for job in jobs}) < len(jobs):
        raise ConfigError("grid: two of its trials are the same; give each value once")
    return tuple(jobs)
