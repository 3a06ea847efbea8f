"""Import a released checkpoint as a spotter of raygroup."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.model.spotter.reference_names import GROUPER, HEAD_PREFIX
from raygroup.model.spotter.reference_weights import build_reference, head_names
from raygroup.model.spotter.shape import REFERENCE, SpotterShape
from raygroup.training.spotter_weights import save_spotter
from raygroup.weights.checkpoint import read_checkpoint, read_map

WEIGHTS = "spotter.safetensors"
"""The imported weights."""
CHARSETS = "charsets.json"
"""The classes of each head's characters."""


@dataclass(frozen=True)
class ImportedHead:
    """A recognition head of an imported spotter."""

    name: str
    classes: int
    """Classes, with begin and end."""
    characters: int
    """Characters of its map."""
    bank: int
    """Number of its bank. Heads of a bank share a map."""


@dataclass(frozen=True)
class ImportedSpotter:
    """The result of an import."""

    folder: Path
    tasks: tuple[str, ...]
    heads: tuple[ImportedHead, ...]
    grouped: bool
    """Whether the checkpoint has R_TM. Without it, head i reads task i."""
    parameters: int
    """Number of all weights."""


def import_checkpoint(
    file: Path, maps: Path, out: Path, tasks: Sequence[str] | None = None, shape: SpotterShape = REFERENCE
) -> ImportedSpotter:  # fmt: skip
    """Write a released checkpoint as ``WEIGHTS`` and ``CHARSETS`` in the folder ``out``.

    ``maps`` is a folder with ``<head>.json`` for each head. ``tasks`` names the outputs of the
    language predictor. By default they are the names of the heads, if there are as many. Raises
    ConfigError if a weight has no place or another shape, or if a map does not fit its head.
    """
    weights = read_checkpoint(file)
    names = head_names(weights)
    if not names:
        raise ConfigError(f"{file}: no recognition heads: expected names such as {HEAD_PREFIX}la.seq_decoder.out.bias")
    missing = [str(path) for name in names if not (path := maps / f"{name}.json").is_file()]
    if missing:
        raise ConfigError(f"--maps {maps}: no {', '.join(missing)}: it needs one map for each head")
    classes = {name: _num_classes(weights, name) for name in names}
    charsets = {name: read_map(maps / f"{name}.json", classes[name] - 2) for name in names}
    # Heads that follow one another with the same map share a bank. Their order is that of R_TM's columns.
    banks = [list(group) for _, group in itertools.groupby(names, lambda name: (classes[name], charsets[name]))]
    try:
        spotter = build_reference(weights, banks, shape)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
    task_names = _task_names(file, tasks, names, len(spotter.r_tm))
    out.mkdir(parents=True, exist_ok=True)
    save_spotter(out / WEIGHTS, spotter, task_names, names)
    write_json(out / CHARSETS, {"heads": charsets})
    heads = tuple(ImportedHead(name, classes[name], len(charsets[name]), number) for number, bank in enumerate(banks) for name in bank)
    return ImportedSpotter(out, task_names, heads, GROUPER in weights, sum(value.numel() for value in weights.values()))


def _num_classes(weights: Mapping[str, Tensor], name: str) -> int:
    key = f"{HEAD_PREFIX}{name}.seq_decoder.out.bias"
    if key not in weights:
        raise ConfigError(f"head {name}: no weights for {key}")
    return len(weights[key])


def _task_names(file: Path, tasks: Sequence[str] | None, heads: Sequence[str], count: int) -> tuple[str, ...]:
    """Return the names of the tasks. They must be as many as the language predictor has outputs."""
    names = tuple(heads if tasks is None else tasks)
    if len(names) != count or len(set(names)) != count:
        source = "without --tasks they are its heads" if tasks is None else "--tasks gives"
        raise ConfigError(f"{file}: the language predictor has {count} tasks; {source} {' '.join(names)}: give {count} different names")
    return names
