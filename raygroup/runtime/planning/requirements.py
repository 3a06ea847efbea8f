"""Check the inputs and the trials of a plan before training."""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from raygroup.config import Finetuning, Pretraining, Trial, Words
from raygroup.errors import ConfigError
from raygroup.files.places import local_path
from raygroup.runtime.planning.jobs import LAPTOP, SPOTTER, WordJob
from raygroup.search_space import Sweep
from raygroup.task_groups import heads_to_go_on_from, require_fitting_groups
from raygroup.trunks import CROP_SIZE
from raygroup.words.charset import Charset
from raygroup.words.importing.formats.chosen import split_choice


def require_data(sweep: Sweep, words: Path | None, fonts: Path | None, scenes: Path | None) -> None:
    """Raise ConfigError if a sweep on scenes has none, or if inputs of the other kind are passed."""
    if isinstance(sweep.trial, Trial | Pretraining | Finetuning):
        if scenes is not None:
            raise ConfigError(f"--scenes {scenes}: the search space {sweep.name} trains on words; leave --scenes out")
        return
    for name, path in {"words": words, "fonts": fonts}.items():
        if path is not None:
            raise ConfigError(f"--{name} {path}: the search space {sweep.name} trains on scenes; leave --{name} out")
    if scenes is None:
        raise ConfigError(f"{sweep.name}: an input is missing: scenes (pass --scenes PATH, an import of python -m raygroup.data)")


def require_inputs(
    sweep: Sweep, trials: Sequence[Trial | Pretraining], words: Path | None, fonts: Path | None,
    is_there: Callable[[Path], bool] = Path.exists,
) -> None:  # fmt: skip
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


def require_trainable(
    jobs: Sequence[WordJob], tasks_of: Callable[[Words], Sequence[str]], universal_size: Callable[[WordJob], tuple[int, int]],
    befores: Mapping[str, WordJob],
) -> None:  # fmt: skip
    """Raise ConfigError for trials that could only fail later.

    The weights have no head of the right size, or the heads do not fit the tasks. ``tasks_of``
    returns the tasks that words have, and ``universal_size`` embed and hidden of
    the universal head. ``befores`` are the grouped trials from whose heads trials go on: id -> trial before.
    """
    for job in jobs:
        heads, size = job.trial.heads, universal_size(job)
        if job.id in befores:
            require_added_tasks(job.trial, befores[job.id].trial, tasks_of, size)
        elif heads.start == "trained" and job.trial.grouping.is_cover:
            raise ConfigError("heads.start is 'trained': a bank of group heads needs the sweep from whose heads it goes on: set after")
        elif heads.start == "trained" or job.trial.grouping.method == "trained":
            raise ConfigError(
                "heads.start and grouping.method cannot be 'trained' in a Trial: a sweep of Finetuning that comes after this one sets them"
            )
        if heads.start == "universal" and size not in zip(heads.embeds, heads.hiddens, strict=True):
            raise ConfigError(
                f"heads.embed and heads.hidden are {heads.embed} and {heads.hidden}: they must be {size[0]} and {size[1]}, "
                "the sizes of the universal head, in at least one head; or set heads.start to 'independent'"
            )
        require_fitting_groups(job.trial, tasks_of(job.trial.words))


def require_added_tasks(
    trial: Trial, before: Trial, tasks_of: Callable[[Words], Sequence[str]], universal_size: tuple[int, int]
) -> None:  # fmt: skip
    """Raise ConfigError unless a bank can go on from the heads of a grouped trial, with which its new heads are compared.

    A learned grouping is checked when its heads are loaded.
    """
    heads, size = trial.heads, (trial.heads.embeds[0], trial.heads.hiddens[0])
    if heads.start != "trained":
        raise ConfigError(f"heads.start is '{heads.start}': it must be 'trained' in all trials of a bank that comes after grouped trials")
    sizes = {universal_size, *zip(before.heads.embeds, before.heads.hiddens, strict=True)}
    if sizes != {size}:
        listed = ", ".join(f"{embed} and {hidden}" for embed, hidden in sorted(sizes))
        raise ConfigError(
            f"heads.embed and heads.hidden are {size[0]} and {size[1]}: they must be those of the heads before and of the universal head, "
            f"which have {listed}"
        )
    if before.grouping.method in ("explicit", "one-per-task"):
        tasks = tasks_of(before.words)
        groups = before.grouping.groups or tuple((task,) for task in tasks)
        heads_to_go_on_from(trial.grouping.groups, tuple(map(frozenset, groups)))


def universal_head_size(weights: Path) -> tuple[int, int]:
    """Return embed and hidden of the universal head in a weights file. Raises ConfigError for any other file."""
    size = weights_metadata(weights).get("head")
    if size is None:
        raise ConfigError(f"weights.file: {weights} is not a file of python -m raygroup.pretrain (no 'raygroup' metadata)")
    return size["embed"], size["hidden"]


def _missing_words(trials: Iterable[Trial | Pretraining]) -> list[str]:
    sources = sorted({trial.words.source for trial in trials} - {"rendered"})
    return [f"words of {', '.join(sources)} (pass --words PATH; docs/data.md shows how to import them)"] if sources else []


def _missing_weights(trials: Iterable[Trial | Pretraining], is_there: Callable[[Path], bool]) -> list[str]:
    starts = {trial.start for trial in trials if isinstance(trial, Pretraining)} - {"", LAPTOP, SPOTTER}
    weights = {trial.weights.file for trial in trials if isinstance(trial, Trial)} - {LAPTOP}
    fields = {**dict.fromkeys(starts, "start"), **dict.fromkeys(weights, "weights.file")}
    return [
        f"the weights file {file} (set {fields[file]} to a stage-1 file; python -m raygroup.pretrain makes one)"
        for file in sorted(fields)
        if not is_there(local_path(file)) or local_path(file).is_dir()
    ]


def universal_charset(weights: Path) -> Charset:
    """Return the characters that the universal head in a weights file has seen.

    An older file may have none, and so has one that a trial of stage 1 has not written yet.
    """
    stored = weights_metadata(weights).get("charset") if weights.is_file() else None
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
