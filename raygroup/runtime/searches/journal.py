"""The journal of a search: Optuna's file of every point that was asked, and its values.

A point is one of Optuna's trials. It is written in one line, so a killed process leaves no half of a point.
"""

import contextlib
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.searches.head_sizes import HeadSizes, SizeSearch

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

RUNNING, COMPLETE, FAILED = "RUNNING", "COMPLETE", "FAIL"
"""States of a point, as Optuna names them. A point that was asked is RUNNING until its values are known."""
_LOCK_ENDING = ".lock"
_DIRECTIONS: tuple[Literal["maximize", "minimize"], ...] = ("maximize", "minimize")
"""Of the values of a point: accuracy and parameters."""


@dataclass(frozen=True)
class StudyPoint:
    """One point of the journal."""

    number: int
    sizes: HeadSizes
    state: str
    values: tuple[float, float] | None
    """Accuracy and parameters. None unless it is COMPLETE."""


class Journal:
    """The points of one search in a journal file. One process writes it at a time, under the lock of the sweep's folder."""

    def __init__(self, study: "Study", search: SizeSearch) -> None:
        self._study = study
        self._search = search

    def points(self) -> list[StudyPoint]:
        """Return all points in the order in which they were asked."""
        return [_study_point(trial, self._search) for trial in self._study.get_trials(deepcopy=False)]

    def ask(self) -> StudyPoint:
        """Add the next point and return it, RUNNING, or COMPLETE if an earlier point has the same sizes.

        The points to start with come first. After them Optuna's sampler chooses. Its seed depends on the number of points so far, so a
        search that was interrupted goes on as it would have without the interruption.
        """
        return self.add(self._next_sizes())

    def add(self, sizes: HeadSizes) -> StudyPoint:
        """Add a point with these sizes and return it, as ``ask`` does."""
        from optuna.trial import TrialState, create_trial

        values = next((point.values for point in self.points() if point.sizes == sizes and point.state == COMPLETE), None)
        state = TrialState.RUNNING if values is None else TrialState.COMPLETE
        parameters = _parameters(sizes)
        self._study.add_trial(create_trial(state=state, params=parameters, distributions=_distributions(self._search), values=values))
        return self.points()[-1]

    def complete(self, number: int, values: tuple[float, float]) -> None:
        """Write the values of a point that is RUNNING."""
        self._study.tell(number, values)

    def fail(self, number: int) -> None:
        """Write that a point that is RUNNING has failed."""
        from optuna.trial import TrialState

        self._study.tell(number, state=TrialState.FAIL)

    def _next_sizes(self) -> HeadSizes:
        points = self.points()
        asked = {point.sizes for point in points}
        for first in self._search.first_points:
            if first not in asked:
                return first
        return self._sampled_sizes(len(points))

    def _sampled_sizes(self, num_points: int) -> HeadSizes:
        """Ask Optuna's sampler, in memory: the journal must not hold a point before all its sizes are chosen."""
        import optuna

        seed = int(fingerprint(self._search.sampler_seed, num_points)[:8], 16)
        with _few_words():
            sampler = optuna.samplers.TPESampler(multivariate=True, constant_liar=True, seed=seed)
            copy = optuna.create_study(directions=_DIRECTIONS, sampler=sampler)
            copy.add_trials(self._study.get_trials(deepcopy=False))
            return _sizes(copy.ask(_distributions(self._search)).params, self._search)


def require_optuna() -> None:
    """Raise ConfigError unless Optuna is installed."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"a search of head sizes needs the package optuna ({error.name}): pip install 'raygroup[search]'") from error


def require_local_file(path: Place) -> Path:
    """Return the path of a journal. Raises ConfigError if it is not on a file system."""
    if not isinstance(path, Path):
        raise ConfigError(f"{path}: a search keeps its journal on a file system: give a folder as --storage-path")
    return path


def open_journal(path: Path, search: SizeSearch, data: str) -> Journal:
    """Open the journal of a search for writing, and make it if it does not exist.

    A last line that was cut off is deleted. Raises ConfigError if the journal belongs to another search. Call it under the lock of the
    sweep's folder.
    """
    _delete_torn_line(path)
    # Whoever held Optuna's own lock was killed, because the lock of the folder is ours.
    path.with_name(path.name + _LOCK_ENDING).unlink(missing_ok=True)
    return _open(path, search, data, create=True)


def read_journal(path: Place, search: SizeSearch, data: str) -> Sequence[StudyPoint]:
    """Return the points of a journal without writing to it. There are none if it does not exist.

    Raises ConfigError if it belongs to another search.
    """
    file = require_local_file(path)
    if not file.is_file() or file.stat().st_size == 0:
        return ()
    return _open(file, search, data, create=False).points()


def _open(path: Path, search: SizeSearch, data: str, *, create: bool) -> Journal:
    require_optuna()
    import optuna

    _require_json(path)
    name = f"{search.name}-{search.identity(data)}"
    with _few_words():
        storage = optuna.storages.JournalStorage(_backend(path))
        names = optuna.get_all_study_names(storage)
        if names and names != [name]:
            raise ConfigError(
                f"{path}: it holds the study {names[0]}, and this search space is {name}: its trial, ranges, seeds, words or weights are "
                "others; undo the change, give the search another name, or delete this file (finished trials stay)"
            )
        if names:
            study = optuna.load_study(storage=storage, study_name=name)
        else:
            study = optuna.create_study(storage=storage if create else None, study_name=name, directions=_DIRECTIONS)
    return Journal(study, search)


def _backend(path: Path) -> Any:
    from optuna.storages.journal import JournalFileBackend

    return JournalFileBackend(str(path))


@contextlib.contextmanager
def _few_words() -> Iterator[None]:
    """Keep Optuna from logging each step and from warning of features that it may still change."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _require_json(path: Path) -> None:
    """Raise ConfigError if a line of a journal is no JSON. A last line that was cut off is not meant."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            json.loads(line)
        except ValueError:
            raise ConfigError(
                f"{path}:{number}: damaged: no JSON; delete this file, and the same command asks the same points and keeps their trials"
            ) from None


def _delete_torn_line(path: Path) -> None:
    """Cut a journal back to its last whole line. A next line after a torn one would make it unreadable."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


def _distributions(search: SizeSearch) -> dict[str, Any]:
    from optuna.distributions import IntDistribution

    ranges = {"embed": search.embed, "hidden": search.hidden}
    heads = range(search.word_trial.heads.count)
    return {f"{name}{head}": IntDistribution(own.low, own.high, step=own.step) for head in heads for name, own in ranges.items()}


def _parameters(sizes: HeadSizes) -> dict[str, int]:
    assert isinstance(sizes.embed, tuple)
    assert isinstance(sizes.hidden, tuple)
    pairs = zip(sizes.embed, sizes.hidden, strict=True)
    return {name: size for head, (embed, hidden) in enumerate(pairs) for name, size in ((f"embed{head}", embed), (f"hidden{head}", hidden))}


def _sizes(parameters: dict[str, Any], search: SizeSearch) -> HeadSizes:
    heads = range(search.word_trial.heads.count)
    embed, hidden = (tuple(int(parameters[f"{name}{head}"]) for head in heads) for name in ("embed", "hidden"))
    return HeadSizes(embed=embed, hidden=hidden)


def _study_point(trial: "FrozenTrial", search: SizeSearch) -> StudyPoint:
    values = (float(trial.values[0]), float(trial.values[1])) if trial.values else None
    return StudyPoint(trial.number, _sizes(trial.params, search), trial.state.name, values)
