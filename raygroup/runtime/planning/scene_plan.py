"""Plan a sweep on scenes: each trial trains a detector or a whole spotter."""

import functools
from collections.abc import Callable
from pathlib import Path

from raygroup.config import trial_id
from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS, SceneJob, StartWeights, file_hash, require_distinct, weights_file
from raygroup.runtime.planning.requirements import weights_metadata
from raygroup.scenes.scene_table import count_scenes, read_labels, scenes_fingerprint
from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector
from raygroup.spotting_config import Spotting
from raygroup.storage.layout import scenes_path, weights_path

_DETECTOR, _READER = "detector", "reader"


def plan_scene_jobs(sweep: Sweep, storage: Place, scenes: Path) -> tuple[SceneJob, ...]:
    """Give every trial its id and its places.

    ``scenes`` is an import of ``raygroup.data``. Raises ConfigError if it has no scenes, if two
    trials are the same, or if a whole spotter could only fail later.
    """
    if not count_scenes(scenes):
        raise ConfigError(f"--scenes {scenes}: it has no scenes")
    trials = sweep.trials()
    spotters = [trial for _, trial in trials if isinstance(trial, Spotting)]
    for spotter in spotters:
        spotter.require_trainable()
    if spotters and not read_labels(scenes).tasks:
        raise ConfigError(f"--scenes {scenes}: no word has a polygon, a task and a text, so heads have nothing to read")
    scenes_hash = scenes_fingerprint(scenes)
    hash_once = functools.cache(file_hash)
    jobs = []
    for label, trial in trials:
        weights: tuple[StartWeights, ...] = ()
        data = scenes_hash
        if isinstance(trial, Spotting):
            weights = _start_weights(trial, storage, hash_once)
            data = fingerprint(scenes_hash, {each.name: hash_once(each.file) for each in weights})
        if isinstance(trial, Detector | Spotting):
            job_id = trial_id(sweep.name, trial, data)
            jobs.append(SceneJob(job_id, label, trial, storage / sweep.name / job_id, data, scenes_path(storage, scenes_hash), weights))
    require_distinct(jobs)
    return tuple(jobs)


def _start_weights(trial: Spotting, storage: Place, hash_once: Callable[[Path], str]) -> tuple[StartWeights, ...]:
    """Return the weights files of a trial. Raises ConfigError for one that is missing or that does not fit."""
    named = {_DETECTOR: trial.weights.detector, _READER: trial.weights.reader}
    weights = []
    for name, file in ((name, file) for name, file in named.items() if file):
        path = weights_file(file, f"weights.{name}")
        require_fit = _require_detector if name == _DETECTOR else _require_reader
        require_fit(trial, path)
        weights.append(StartWeights(name, path, None if path == LAPTOP_WEIGHTS else weights_path(storage, hash_once(path))))
    return tuple(weights)


def _require_detector(trial: Spotting, path: Path) -> None:
    about = weights_metadata(path)
    if about.get("kind") != "detector":
        raise ConfigError(f"weights.detector: {path} is not a detector: python -m raygroup.pretrain --scenes writes one")
    if about.get("size") != trial.size:
        raise ConfigError(f"weights.detector: {path} is a detector of size '{about.get('size')}', but size is '{trial.size}'")


def _require_reader(trial: Spotting, path: Path) -> None:
    size = weights_metadata(path).get("head")
    if size is None:
        raise ConfigError(f"weights.reader: {path} is not a stage-1 file of python -m raygroup.pretrain")
    takes_head = trial.heads.decoder == "attention"  # CTC heads begin at random
    if takes_head and (size["embed"], size["hidden"]) != (trial.heads.embed, trial.heads.hidden):
        raise ConfigError(
            f"heads.embed and heads.hidden are {trial.heads.embed} and {trial.heads.hidden}: they must be {size['embed']} and "
            f"{size['hidden']}, the sizes of the universal head of weights.reader"
        )
