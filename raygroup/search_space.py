"""A sweep as pure data: a base trial, a grid of fields, and seeds.

A search space is a Python file of at most 30 lines that defines one ``Sweep``.
"""

import ast
import contextlib
import difflib
import dis
import importlib.util
import itertools
import math
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import field, fields, replace
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, TypeVar

from raygroup.config import Finetuning, Pretraining, Trial, trial_from_json
from raygroup.config_sections import replace_fields, require, section, section_from_json
from raygroup.errors import ConfigError, one_line
from raygroup.spotter_config import Detector
from raygroup.spotting_config import Spotting
from raygroup.values import MisfitError, fitted

SceneTrial = Detector | Spotting
"""The kinds of trials on scenes. ``Detector`` finds words, ``Spotting`` trains all parts of a spotter."""
AnyTrial = Trial | Pretraining | SceneTrial
"""The kinds of trials. ``Trial`` groups tasks of words, ``Pretraining`` is stage 1. All trials of a sweep are of one kind."""
SCENES, STAGE_1, GROUP_HEADS, GROUPINGS = "scenes", "stage 1", "group heads", "words"
"""What the trials of a sweep train on: the field ``trains_on`` in its ``sweep.json``. It is ``words`` if the field is missing."""
_ONLY_IN_PRETRAINING = {field.name for field in fields(Pretraining)} - {
    field.name for kind in (Trial, Detector, Spotting) for field in fields(kind)
}
_ONLY_ON_SCENES = {field.name for field in fields(Detector)} - {field.name for field in fields(Trial)}
_ONLY_IN_SPOTTING = {field.name for field in fields(Spotting)} - {field.name for kind in (Trial, Detector) for field in fields(kind)}

Definition = TypeVar("Definition")
MAX_TRIALS = 100_000
"""Most trials of a sweep. To plan more would take minutes and gigabytes."""
_MAX_ERROR = 200
"""Most characters of an error that Python or a search space itself raises."""
SHIPPED = (Path(__file__).parent.parent / "search_spaces", Path(__file__).parent / "search_spaces")
"""Folders of the bundled search spaces: in a checkout, and in an installed wheel."""
CACHE_FOLDER = "cache"
"""The folder of prepared words and features. It lies beside the sweeps, so no sweep may have its name."""


@section
class Sweep:
    """A declared set of trials: grid x seeds."""

    path_prefix = ""
    name: str
    trial: AnyTrial | Finetuning = Trial()
    """A ``Pretraining`` (stage 1), a ``Trial`` (stage 2) or a ``Finetuning`` (stage 3) on words, or a ``Detector`` or a ``Spotting`` on
    scenes."""
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The values of each varied field, such as ``{"grouping.base_coefficient": (0.0, 0.1)}``. All combinations are run, with every
    seed. Fields that vary together share a key: ``{"heads.count,grouping.method": ((1, "gumbel"), (7, "one-per-task"))}``. A name before
    a colon gives their points names, which labels show in place of the values:
    ``{"noise:grouping.temperature,loss.grouping": (("soft", 2.5, 0.0), ("hard", 0.5, 1.0))}`` makes ``noise=soft`` and ``noise=hard``."""
    seeds: tuple[int, ...] = (0,)
    after: Any = None
    """The sweep of the stage before, or None. Trials on words come after a ``Pretraining``, and a ``Finetuning`` comes after trials on
    words. So does a bank of group heads with ``heads.start`` ``trained``, which adds tasks. Each trial of this sweep starts from each trial
    of that one."""

    def __post_init__(self) -> None:
        require(bool(re.fullmatch(r"[a-z0-9][a-z0-9_-]*", str(self.name))), "name", self.name, "lower-case letters, digits, _ and -")
        require(
            self.name != CACHE_FOLDER, "name", self.name, "another name: this folder of a storage path holds prepared words and features"
        )
        object.__setattr__(self, "grid", {path: _grid_values(path, values) for path, values in self.grid.items()})
        self._require_stage_before()
        self._require_one_kind()
        if self.num_trials > MAX_TRIALS:
            raise ConfigError(f"{self.name}: grid and seeds make {self.num_trials:,} trials: a sweep has at most {MAX_TRIALS:,}")
        require(len(set(self.seeds)) == len(self.seeds) > 0, "seeds", self.seeds, "whole numbers, each once")
        if isinstance(self.trial, Finetuning):
            require(self.seeds == (0,), "seeds", self.seeds, "left out: a Finetuning takes the seeds of the trials that it comes after")
        else:
            for seed in self.seeds:
                replace_fields(self.trial, {"seed": seed})
        for path, values in self.grid.items():
            for value in values:
                replace_fields(self.trial, _fields_of(path, value))

    @property
    def num_trials(self) -> int:
        """The number of trials, without those of earlier stages."""
        return len(self.seeds) * math.prod(map(len, self.grid.values())) * (self.after.num_trials if self.after else 1)

    @property
    def stages(self) -> "tuple[Sweep, ...]":
        """This sweep, behind those of the stages before it."""
        return (*(self.after.stages if self.after else ()), self)

    def trials(self) -> list[tuple[str, AnyTrial]]:
        """Return every (label, trial). The label names what varies, such as ``base_coefficient=0.2 seed=1``.

        A trial of stage 3 has the label of its trial of stage 2, and the values of its own grid after it.
        """
        points = [*self._points()]
        if isinstance(self.trial, Finetuning):
            return [
                (" ".join(filter(None, (label, own_label))), settings.trial_after(grouped))
                for label, grouped in self.after.trials()
                for own_label, settings in points
            ]
        before = self.after.trials() if self.after is not None else [("", None)]
        labels = [label for label, _ in before] if len(before) > 1 else [""]
        return [(" ".join(filter(None, (label, own_label))), trial) for label in labels for own_label, trial in points]

    def starts(self) -> list[int | None]:
        """Return, for each trial, the place of the trial of ``after`` from which it starts."""
        if self.after is None:
            return [None] * self.num_trials
        before = self.after.num_trials
        return [place for place in range(before) for _ in range(self.num_trials // before)]

    def _points(self) -> "Iterator[tuple[str, Any]]":
        """Yield the label and the settings of each point of the grid with each seed."""
        for point in itertools.product(*self.grid.values()):
            values: dict[str, object] = {}
            for path, value in zip(self.grid, point, strict=True):
                values |= _fields_of(path, value)
            words = [word for path, value in zip(self.grid, point, strict=True) for word in _label_words(path, value)]
            for seed in self.seeds:
                if isinstance(self.trial, Finetuning):
                    yield " ".join(words), replace_fields(self.trial, values)
                else:
                    yield " ".join([*words, f"seed={seed}"]), replace_fields(self.trial, values | {"seed": seed})

    def _require_stage_before(self) -> None:
        """Raise ConfigError if the sweep cannot come after the one that it names."""
        before = self.after
        if before is None:
            if isinstance(self.trial, Finetuning):
                raise ConfigError(f"{self.name}: a Finetuning needs the sweep of stage 2 that it goes on from: set after=Sweep(...)")
            return
        require(isinstance(before, Sweep), "after", type(before).__name__, "a Sweep, or load('NAME') of a search space")
        require(before.name != self.name, "after", before.name, "a sweep of another name: each stage has a folder of its own")
        kinds_before = (Trial, Finetuning) if self.adds_tasks else _STAGES_BEFORE.get(type(self.trial), ())
        fits = isinstance(before.trial, kinds_before)
        if fits and before._methods() == {"cover"}:
            kind = "bank with heads.start 'trained'" if self.adds_tasks else "Finetuning"
            raise ConfigError(f"{self.name}: a {kind} cannot come after {before.name}, whose trials are banks of group heads")
        if not fits:
            kinds = ", ".join(f"{later.__name__} after {earlier[0].__name__}" for later, earlier in _STAGES_BEFORE.items())
            kinds += ", and a bank of group heads with heads.start 'trained' after either of the last two"
            raise ConfigError(
                f"{self.name}: a {type(self.trial).__name__} cannot come after the {type(before.trial).__name__} of {before.name}: "
                f"stages are {kinds}"
            )

    @property
    def adds_tasks(self) -> bool:
        """Return True if the trials are banks that add tasks to a finished grouping: their heads go on from those of another trial."""
        return isinstance(self.trial, Trial) and self.trial.grouping.is_cover and self.trial.heads.start == "trained"

    def _methods(self) -> set[object]:
        """Return the values of ``grouping.method`` of the trials. Without one, it is empty."""
        if not isinstance(self.trial, Trial):
            return set()
        points = [_fields_of(path, value) for path, values in self.grid.items() for value in values]
        return {point["grouping.method"] for point in points if "grouping.method" in point} or {self.trial.grouping.method}

    def _require_one_kind(self) -> None:
        """Raise ConfigError if some trials are banks of group heads and others learn groupings."""
        if "cover" in self._methods() and len(self._methods()) > 1:
            raise ConfigError(
                f"{self.name}: grouping.method is 'cover' in some trials only: banks of group heads must be a sweep of their own"
            )

    def with_weights(self, file: str) -> "Sweep":
        """Return the sweep on other stage-1 weights, without a stage 1 of its own.

        ``file`` is what ``weights.file``, ``weights.reader`` and ``start`` take.

        Raises ConfigError if the sweep varies them, or if it cannot use any.
        """
        if isinstance(self.trial, Finetuning) or (self.adds_tasks and self.after is not None):
            return replace(self, after=self.after.with_weights(file))
        problem, name = "", "weights.file" if isinstance(self.trial, Trial) else "weights.reader"
        name = "start" if isinstance(self.trial, Pretraining) else name
        if isinstance(self.trial, Detector):
            problem = "trains on scenes: its detectors need no weights"
        elif name in self.grid:
            problem = f"varies {name} itself"
        elif any(isinstance(trial, Spotting) and trial.heads.source == "planes" for _, trial in self.trials()):
            problem = "has heads.source 'planes', and such heads cannot start from weights"
        if problem:
            raise ConfigError(f"--weights {file}: the search space {self.name} {problem}; leave --weights out")
        return replace(self, trial=self.trial.replaced(name, file), after=None)


_STAGES_BEFORE: Mapping[type, tuple[type, ...]] = {Trial: (Pretraining,), Finetuning: (Trial, Finetuning)}
"""The kinds of trials that a kind may come after."""


def _fields_of(path: str, value: Any) -> dict[str, object]:
    """Return the values of the fields of a grid key.

    ``a,b`` names two fields that vary together, and ``name:a,b`` gives their points names, which come first in ``value``.
    """
    name, _, names = path.rpartition(":")
    paths = names.split(",")
    if name:
        is_named = isinstance(value, tuple | list) and len(value) == len(paths) + 1 and isinstance(value[0], str) and value[0] != ""
        require(is_named, f"grid['{path}']", value, f"the point's name and then a value for each field, {len(paths) + 1} in all")
        value = value[1:]
    elif len(paths) == 1:
        return {path: value}
    is_tuple = isinstance(value, tuple | list) and len(value) == len(paths)
    require(is_tuple, f"grid['{path}']", value, f"a tuple of {len(paths)} values, one for each of the fields")
    return {field_name.strip(): each for field_name, each in zip(paths, value, strict=True)}


def _label_words(path: str, value: Any) -> list[str]:
    """Return what a label says of a point of a grid key: its name, or else the values of its fields."""
    name = path.rpartition(":")[0].strip()
    if name:
        return [f"{name}={value[0]}"]
    return [f"{field_path.rsplit('.', 1)[-1]}={_label_text(each)}" for field_path, each in _fields_of(path, value).items() if each != ()]


def _label_text(value: object) -> str:
    """Return a value for a label. Groups become ``ar+ko|bn``, and those of a bank ``ar..ar+ko``, its first and its last."""
    if isinstance(value, tuple) and value and all(isinstance(group, tuple) for group in value):
        tasks = [task for group in value for task in group]
        if len(set(tasks)) < len(tasks):
            return "..".join("+".join(map(str, group)) for group in (value[0], value[-1]))
        return "|".join("+".join(map(str, group)) for group in value)
    return str(value)


def _grid_values(path: object, values: object) -> tuple[Any, ...]:
    """Return the values of a varied field as a tuple. Raises ConfigError if they are none."""
    require(isinstance(path, str), "grid", path, "a mapping from names of fields, such as 'heads.count'")
    require(path != "seed", "grid", path, "given as 'seeds'")
    try:
        as_tuple: tuple[Any, ...] = fitted(tuple[Any, ...], values, f"grid['{path}']")
    except MisfitError:
        as_tuple = ()
    require(len(as_tuple) > 0, f"grid['{path}']", values, "a tuple of values")
    return as_tuple


def any_trial_from_json(stored: dict[str, Any]) -> AnyTrial:
    """Return the trial of any kind that ``to_json`` wrote. Raises ConfigError for fields that this version does not know."""
    if _ONLY_IN_PRETRAINING & stored.keys():
        return section_from_json(Pretraining, stored)
    if _ONLY_IN_SPOTTING & stored.keys():
        return section_from_json(Spotting, stored)
    return section_from_json(Detector, stored) if _ONLY_ON_SCENES & stored.keys() else trial_from_json(stored)


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
    spec = importlib.util.spec_from_file_location(f"raygroup_search_space_{path.stem}", path.absolute())
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    right = f"a search space must define '{variable} = {kind.__name__}(...)'"
    try:
        with warnings.catch_warnings(), _no_compiled_files():
            warnings.simplefilter("ignore", SyntaxWarning)  # the error that follows says it in one line
            spec.loader.exec_module(module)
    except SystemExit as error:
        raise ConfigError(f"{path}{_line_suffix(path, error)}: it ends Python by itself; {right}") from error
    except KeyboardInterrupt as error:
        if not _is_raised_by(path, error):
            raise  # the user pressed Ctrl-C
        raise ConfigError(f"{path}{_line_suffix(path, error)}: it raises KeyboardInterrupt; {right}") from error
    except Exception as error:
        raise ConfigError(f"{path}{_line_suffix(path, error)}: {_error_text(error, module)}") from error
    definition = getattr(module, variable, None)
    if not isinstance(definition, kind):
        raise ConfigError(f"{path}: must define '{variable} = {kind.__name__}(...)'")
    return definition


@contextlib.contextmanager
def _no_compiled_files() -> Iterator[None]:
    """Keep Python from writing a ``__pycache__`` beside the user's files."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before


def hypothesis(name: str) -> str:
    """Return the docstring of a search space. It states the hypothesis that the sweep tests."""
    return ast.get_docstring(ast.parse(importlib.util.decode_source(find(name).read_bytes()))) or ""


def _error_text(error: Exception, module: ModuleType) -> str:
    """Return what is wrong, in one line. A misspelt name is answered with the one that comes closest."""
    if isinstance(error, ConfigError):
        return str(error)
    if isinstance(error, SyntaxError):
        return one_line(error.msg)
    if isinstance(error, NameError) and error.name:
        close = difflib.get_close_matches(error.name, [*vars(module)], 1)
        return f"{error}; did you mean '{close[0]}'?" if close else str(error)
    return one_line(str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}", _MAX_ERROR)


def _line_suffix(path: Path, error: BaseException) -> str:
    """Return ``:LINE`` of the search space at which an error arose, or nothing if it arose elsewhere."""
    if isinstance(error, SyntaxError):
        return f":{error.lineno}" if error.lineno else ""
    lines = [trace.tb_lineno for trace in _traces(error) if Path(trace.tb_frame.f_code.co_filename) == path.absolute()]
    return f":{lines[-1]}" if lines else ""


def _is_raised_by(path: Path, error: BaseException) -> bool:
    """Return True if a ``raise`` in the search space is the origin of an error. A signal has no such origin."""
    *_, last = _traces(error)
    code = last.tb_frame.f_code
    return Path(code.co_filename) == path.absolute() and code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _traces(error: BaseException) -> Iterator[TracebackType]:
    trace = error.__traceback__
    while trace:
        yield trace
        trace = trace.tb_next
