"""A sweep as pure data: one base trial, a grid of fields, seeds. Search spaces are files of at most 30 lines that make one ``Sweep``."""

import importlib.util
import itertools
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

from raygroup.config import Trial, require, section
from raygroup.errors import ConfigError

Made = TypeVar("Made")
SHIPPED = (Path(__file__).parent.parent / "search_spaces", Path(__file__).parent / "search_spaces")
"""Where the bundled search spaces lie: in a checkout, in an installed wheel."""


@section
class Sweep:
    """A declared set of trials: grid x seeds."""

    name: str
    trial: Trial = Trial()
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Dotted field -> its values, such as ``{"grouping.base_coefficient": (0.0, 0.1)}``; crossed with each other and the seeds."""
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        require(bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", str(self.name))), "name", self.name, "lower-case letters, digits, _ and -")
        require(len(set(self.seeds)) == len(self.seeds) > 0, "seeds", self.seeds, "whole numbers, each once")
        for seed in self.seeds:
            self.trial.replaced("seed", seed)
        for path, values in self.grid.items():
            right = isinstance(values, tuple | list) and len(values) > 0
            require(right, f"grid['{path}']", values, "a tuple of values")
            require(path != "seed", "grid", path, "given as 'seeds'")
            for value in values:
                self.trial.replaced(path, value)

    def trials(self) -> list[tuple[str, Trial]]:
        """Every (label, trial), the label naming what varies, such as ``base_coefficient=0.2 seed=1``."""
        found = []
        for point in itertools.product(*self.grid.values()):
            for seed in self.seeds:
                trial = self.trial.replaced("seed", seed)
                for path, value in zip(self.grid, point, strict=True):
                    trial = trial.replaced(path, value)
                words = [f"{path.rsplit('.', 1)[-1]}={value}" for path, value in zip(self.grid, point, strict=True)]
                found.append((" ".join([*words, f"seed={seed}"]), trial))
        return found


def find(name: str) -> Path:
    """The file of a search space: a path ending in .py, or a name looked up in ./search_spaces, then among the shipped ones."""
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


def load(name: str, variable: str = "sweep", kind: type[Made] = Sweep) -> Made:  # type: ignore[assignment]
    """What a search space defines, a Sweep as a rule; raises ConfigError with file and line where the file does not load."""
    path = find(name)
    spec = importlib.util.spec_from_file_location(f"raygroup_search_space_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ConfigError(f"{path}{_line_in(path, error)}: {error}") from error
    made = getattr(module, variable, None)
    if not isinstance(made, kind):
        raise ConfigError(f"{path}: must define '{variable} = {kind.__name__}(...)'")
    return made


def hypothesis(name: str) -> str:
    """The docstring of a search space, which says what is expected of it."""
    import ast

    return ast.get_docstring(ast.parse(find(name).read_text(encoding="utf-8"))) or ""


def _line_in(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f":{error.lineno}"
    line, trace = "", error.__traceback__
    while trace:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line
