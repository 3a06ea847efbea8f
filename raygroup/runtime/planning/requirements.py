"""Check the inputs and the trials of a plan before training."""

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.files.places import local_path
from raygroup.runtime.planning.jobs import WordJob
from raygroup.search_space import Sweep
from raygroup.trunks import CROP_SIZE
from raygroup.words.charset import Charset
from raygroup.words.importing.formats.chosen import split_choice


def require_data(sweep: Sweep, words: Path | None, fonts: Path | None, scenes: Path | None) -> None:
    """Raise ConfigError if a sweep on scenes has none, or if inputs of the other kind are passed."""
    if isinstance(sweep.trial, Trial):
        if scenes is not None:
            raise ConfigError(f"--scenes {scenes}: the search space {sweep.name} trains on words; leave --scenes out")
        return
    for name, path in {"words": words, "fonts": fonts}.items():
        if path is not None:
            raise ConfigError(f"--{name} {path}: the search space {sweep.name} trains on scenes; leave --{name} out")
    if scenes is None:
        raise ConfigError(f"{sweep.name}: an input is missing: scenes (pass --scenes PATH, an import of python -m raygroup.data)")


def require_inputs(
    sweep: Sweep, trials: Sequence[Trial], words: Path | None, fonts: Path | None, is_there: Callable[[Path], bool] = Path.exists
) -> None:
    """Raise ConfigError if an input of a sweep is missing. One message names all of them.

    ``is_there`` says whether a file or folder exists, perhaps on another machine.
    """
    sizes = {(trial.words.height, trial.words.width) for trial in trials} - {CROP_SIZE}
    if sizes:
        raise ConfigError(f"words.height and words.width are {sizes.pop()}: the trunk reads crops of {CROP_SIZE}")
    divided = [trial.words.parts for trial in trials if trial.words.parts]
    if words is not None and divided:
        raise ConfigError(f"words.parts is {divided[0]}: it must be empty with --words {words}, because it divides the built-in word lists")
    missing = _missing_words(trials) if words is None else []
    missing += _missing_weights(trials, is_there)
    if missing:
        are_missing = "an input is missing" if len(missing) == 1 else f"{len(missing)} inputs are missing"
        raise ConfigError(f"{sweep.name}: {are_missing}: {' and '.join(missing)}")
    if words is not None and not is_there(split_choice(words)[0]):
        raise ConfigError(f"--words {words}: no such file or folder")
    if fonts is not None and (not is_there(fonts) or fonts.is_file()):
        raise ConfigError(f"--fonts {fonts}: no such folder")


def require_trainable(jobs: Sequence[WordJob], words: Path | None) -> None:
    """Raise ConfigError for trials that could only fail later.

    Two trials are equal, the weights have no head of the right size, or the heads do not fit the
    tasks.
    """
    if len({job.id for job in jobs}) < len(jobs):
        raise ConfigError("grid: two of its trials are the same; give each value once")
    for job in jobs:
        heads, metadata = job.trial.heads, weights_metadata(job.weights)
        if "head" not in metadata:
            raise ConfigError(f"weights.file: {job.weights} is not a file of python -m raygroup.pretrain (no 'raygroup' metadata)")
        size = metadata["head"]
        if heads.start == "universal" and (size["embed"], size["hidden"]) not in zip(heads.embeds, heads.hiddens, strict=True):
            raise ConfigError(
                f"heads.embed and heads.hidden are {heads.embed} and {heads.hidden}: they must be {size['embed']} and {size['hidden']}, "
                "the sizes of the universal head, in at least one head; or set heads.start to 'independent'"
            )
        num_tasks = len(job.trial.words.task_names)
        if words is None and job.trial.grouping.method == "one-per-task" and heads.count != num_tasks:
            raise ConfigError(f"heads.count is {heads.count}: grouping.method 'one-per-task' needs one for each of the {num_tasks} tasks")


def _missing_words(trials: Iterable[Trial]) -> list[str]:
    sources = sorted({trial.words.source for trial in trials} - {"rendered"})
    return [f"words of {', '.join(sources)} (pass --words PATH; docs/data.md shows how to import them)"] if sources else []


def _missing_weights(trials: Iterable[Trial], is_there: Callable[[Path], bool]) -> list[str]:
    files = sorted({trial.weights.file for trial in trials} - {"laptop"})
    hint = "set weights.file to a stage-1 file; python -m raygroup.pretrain makes one"
    return [f"the weights file {file} ({hint})" for file in files if not is_there(local_path(file)) or local_path(file).is_dir()]


def universal_charset(weights: Path) -> Charset:
    """Return the characters that the universal head in a weights file has seen. An older file may have none."""
    stored = weights_metadata(weights).get("charset")
    return Charset.from_json(stored) if stored else Charset(())


@functools.cache
def weights_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a weights file, without torch. For any other file it is empty."""
    try:
        with safe_open(path, "np") as file:
            text = (file.metadata() or {}).get("raygroup", "{}")
    except SafetensorError:
        return {}
    return dict(json.loads(text))
