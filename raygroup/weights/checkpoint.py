"""Read a released checkpoint and its maps of characters."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from raygroup.errors import ConfigError

_PREFIX = "module."
"""Prefix of every name in a checkpoint of several workers."""


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by their plain names.

    The file may hold the names alone or under ``model``, with or without the prefix ``module.``.
    Pickled files are opened with weights-only loading, so they cannot run code. Raises ConfigError
    that names the file if it holds no weights.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: no such file: give a released checkpoint (.pth) or a .safetensors file")
    stored = _load(path)
    if isinstance(stored, Mapping) and isinstance(stored.get("model"), Mapping):
        stored = stored["model"]
    if not isinstance(stored, Mapping) or not stored:
        raise ConfigError(f"{path}: it holds no weights: expected names and tensors, alone or under 'model'")
    others = [str(name) for name, value in stored.items() if not isinstance(value, torch.Tensor)]
    if others:
        raise ConfigError(f"{path}: {others[0]!r} is no tensor: expected names and tensors, alone or under 'model'")
    has_prefix = all(name.startswith(_PREFIX) for name in stored)
    return {name.removeprefix(_PREFIX) if has_prefix else name: value for name, value in stored.items()}


def _load(path: Path) -> Any:
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ConfigError(f"{path}: not a safetensors file: {error}") from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises errors of many kinds for files that are damaged or hold more than weights
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: not a checkpoint that weights-only loading opens: {reason}") from error


def read_map(path: Path, num_characters: int) -> dict[str, int]:
    """Return the class of each character of a head.

    The file is a JSON object, from characters to classes or from classes to characters. Classes are
    1 to ``num_characters``, each at most once. Class 0, which stands for other characters, is left
    out. Raises ConfigError that names the file and what is wrong.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: not JSON in UTF-8: {error}") from error
    if not isinstance(stored, dict):
        raise ConfigError(f"{path}: expected an object from characters to classes, got {type(stored).__name__}")
    classes: dict[str, int] = {}
    for key, value in stored.items():
        character, number = (value, key) if isinstance(value, str) else (key, value)
        if isinstance(number, str) and number.isascii() and number.isdigit():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= num_characters:
            raise ConfigError(f"{path}: {character!r} has class {number!r}: the head has classes 1 to {num_characters} for characters")
        if len(character) != 1 or character in classes:
            raise ConfigError(f"{path}: {character!r} must be one code point, and there once")
        classes |= {character: number} if number else {}
    if len(set(classes.values())) < len(classes):
        repeated = next(number for number in classes.values() if [*classes.values()].count(number) > 1)
        raise ConfigError(f"{path}: class {repeated} belongs to several characters: each character needs its own class")
    return classes
