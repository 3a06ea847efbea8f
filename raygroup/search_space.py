"""A sweep as pure data: a base trial, a grid of fields, and seeds.

A search space is a Python file of at most 30 lines that defines one ``Sweep``.
"""

import ast
import importlib.util
import itertools
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

from raygroup.config import Trial
from raygroup.config_sections import require, section
from raygroup.errors import ConfigError

Definition = TypeVar("Definition")
SHIPPED = (Path(__file__).parent.parent / "search_spaces", Path(__file__).parent / "search_spaces")
"""Folders of the bundled search spaces: in a checkout, and in an installed wheel."""
CACHE_FOLDER = "cache"
"""The folder of prepared words and features. It lies beside the sweeps, so no sweep may have its name."""


@section
class Sweep:
    """A declared set of trials: grid x seeds."""

    name: str
    trial: Trial = Trial()
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The values of each varied field, such as ``{"grouping.base_coefficient": (0.0, 0.1)}``. All combinations are run, with every
    seed."""
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        require(bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", str(self.name))), "name", self.name, "lower-case letters, digits, _ and -")
        require(
            self.name != CACHE_FOLDER, "name", self.name, "another name: this folder of a storage path holds prepared words and features"
        )
        require(len(set(self.seeds)) == len(self.seeds) > 0, "seeds", self.seeds, "whole numbers, each once")
        for seed in self.seeds:
            self.trial.replaced("seed", seed)
        for path, values in self.grid.items():
            is_tuple = isinstance(values, tuple | list) and len(values) > 0
            require(is_tuple, f"grid['{path}']", values, "a tuple of values")
            require(path != "seed", "grid", path, "given as 'seeds'")
            for value in values:
                self.trial.replaced(path, value)

    def trials(self) -> list[tuple[str, Trial]]:
        """Return every (label, trial). The label names what varies, such as ``base_coefficient=0.2 seed=1``."""
        trials = []
        for point in itertools.product(*self.grid.values()):
            for seed in self.seeds:
                trial = self.trial.replaced("seed", seed)
                for path, value in zip(self.grid, point, strict=True):
                    trial = trial.replaced(path, value)
                words = [f"{path.rsplit('.', 1)[-1]}={value}" for path, value in zip(self.grid, point, strict=True)]
                trials.append((" ".join([*words, f"seed={seed}"]), trial))
        return trials


def find(name: str) -> Path:
    """Return the file of a search space.

    A name that ends in .py is a path. Any other name is looked up in ./search_spaces, then among the bundled ones. Raises ConfigError if
    no file is there.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise ConfigError(f"no search space file {name}")
        return Path(name)
    folders = [Path("search_spaces"), *SHIPPED]
    for folder in folders:
        if (folder / f"{name}.py").is_file():
            return folder / f"{name}.py"
    known = sorted({path.stem for folder in folders for path in folder.glob("[a-z]*.py")})
    raise ConfigError(f"no search space '{name}'; there are: {', '.join(known)}; or give a path ending in .py")


def load(name: str, variable: str = "sweep", kind: type[Definition] = Sweep) -> Definition:  # type: ignore[assignment]
    """Return what a search space defines: a Sweep, unless ``variable`` and ``kind`` ask for something else.

    Raises ConfigError with the file and the line if the file cannot be loaded.
    """
    path = find(name)
    spec = importlib.util.spec_from_file_location(f"raygroup_search_space_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{path}{_line_suffix(path, error)}: {error}") from error
    definition = getattr(module, variable, None)
    if not isinstance(definition, kind):
        raise ConfigError(f"{path}: must define '{variable} = {kind.__name__}(...)'")
    return definition


def hypothesis(name: str) -> str:
    """Return the docstring of a search space. It states the hypothesis that the sweep tests."""
    return ast.get_docstring(ast.parse(find(name).read_text(encoding="utf-8"))) or ""


def _line_suffix(path: Path, error: BaseException) -> str:
    """Return ``:LINE`` of the search space at which an error arose, or nothing if it arose elsewhere."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    suffix, trace = "", error.__traceback__
    while trace:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            suffix = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return suffix
