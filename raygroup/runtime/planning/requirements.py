"""Checks on the inputs of a plan, before anything is trained."""

import functools
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.runtime.planning.jobs import Job
from raygroup.search_space import Sweep
from raygroup.trunks import CROP_SIZE


def require_inputs(sweep: Sweep, trials: list[Trial], words: Path | None, fonts: Path | None) -> None:
    """Everything that is not there, in one line."""
    lacking = []
    sources = {trial.words.source for trial in trials} - {"rendered"}
    if sources and words is None:
        lacking.append(f"a word store of {', '.join(sorted(sources))} (--words PATH)")
    files = {trial.weights.file for trial in trials} - {"laptop"}
    lacking += [f"weights {file} (python -m raygroup.pretrain makes such files)" for file in sorted(files) if not Path(file).is_file()]
    sizes = {(trial.words.height, trial.words.width) for trial in trials} - {CROP_SIZE}
    if sizes:
        raise ConfigError(f"words.height and words.width are {sizes.pop()}: the trunk reads crops of {CROP_SIZE}")
    if lacking:
        raise ConfigError(f"{sweep.name} needs what is not there: {'; '.join(lacking)}")
    if words is not None and not words.exists():
        raise ConfigError(f"--words {words}: no such file or folder")
    if fonts is not None and not fonts.is_dir():
        raise ConfigError(f"--fonts {fonts}: no such folder")


def require_trainable(jobs: list[Job], words: Path | None) -> None:
    """Raises ConfigError for what could only fail later: equal trials, weights of another kind or size, heads and tasks that differ."""
    ids = {job.id: job.label for job in jobs}
    if len(ids) < len(jobs):
        raise ConfigError("grid: two of its trials are the same; give each value once")
    for job in jobs:
        heads, about = job.trial.heads, _about_weights(job.weights)
        if "head" not in about:
            raise ConfigError(f"weights.file: {job.weights} is not a file of python -m raygroup.pretrain (no 'raygroup' metadata)")
        size = about["head"]
        if heads.start == "universal" and (size["embed"], size["hidden"]) not in zip(heads.embeds, heads.hiddens, strict=True):
            right = f"{size['embed']} and {size['hidden']}, the universal head's, of some head at least, or heads.start 'independent'"
            raise ConfigError(f"heads.embed and heads.hidden are {heads.embed} and {heads.hidden}: they must be {right}")
        tasks = len(job.trial.words.tasks)
        if words is None and job.trial.grouping.method == "one-per-task" and heads.count != tasks:
            raise ConfigError(f"heads.count is {heads.count}: grouping.method 'one-per-task' needs one for each of the {tasks} tasks")


@functools.cache
def _about_weights(path: Path) -> dict[str, Any]:
    """What a weights file says of itself, read without torch; nothing for a file that is none."""
    try:
        with safe_open(path, "np") as file:
            stored = (file.metadata() or {}).get("raygroup", "{}")
    except SafetensorError:
        return {}
    return dict(json.loads(stored))
