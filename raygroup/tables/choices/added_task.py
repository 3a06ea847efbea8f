"""A task that comes later: attach it to a head of a finished grouping, or open a head for it.

A bank of group heads has the old heads, each of them with the new task, and a head of the new task alone. All read the same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raygroup.errors import ConfigError, first_names
from raygroup.randomness import generator
from raygroup.scoring.word_intervals import WordInterval, word_interval
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.strategies.group_scores import Floats
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.trial_result import TESTED_SPLITS
from raygroup.task_groups import Groups, group_text, groups_text

MEASURES = {"accuracy": "exact", "one_minus_ned": "one_minus_ned"}
RESAMPLES = 2_000
Readings = Mapping[tuple[str, str, str], dict[str, Floats]]
"""(group, task, split) -> measure -> (runs, words): a run is a seed of the bank, after one trial."""


@dataclass(frozen=True)
class Change:
    """A mean with its 95 % interval over runs and words."""

    mean: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Return True if the interval leaves out 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class NewTaskScore:
    """How one head reads the new task. Each word counts its mean over runs."""

    split: str
    words: int
    accuracy: WordInterval
    one_minus_ned: WordInterval


@dataclass(frozen=True)
class Forgetting:
    """How one old task is read before and after the new task joined its head, on the same words."""

    task: str
    split: str
    words: int
    before: float
    """Exact match."""
    after: float
    accuracy: Change
    """After less before, word by word."""
    one_minus_ned: Change


@dataclass(frozen=True)
class AddedOption:
    """One way to read the new task."""

    joined: frozenset[str]
    """The old tasks of its head. Empty if a head is opened."""
    scores: tuple[NewTaskScore, ...]
    forgetting: tuple[Forgetting, ...]
    """Empty if a head is opened: no old head changes."""
    total: float
    """1-NED of the new task, plus the changes of the old ones. It decides."""

    @property
    def name(self) -> str:
        return f"attach to {group_text(self.joined)}" if self.joined else "open a head"


@dataclass(frozen=True)
class AddedTask:
    """Where a new task is read best."""

    task: str
    before: Groups
    sweep: StoredSweep
    runs: int
    """Banks of the same groups: seeds, and trials before."""
    goes_on: bool
    """True if heads go on from those of a finished trial. Otherwise all heads have the same start and recipe."""
    options: tuple[AddedOption, ...]
    """The head of its own first, then the others, best first."""
    opening: Change
    """The gain in ``total`` of a head of its own over the best other option."""

    @property
    def chosen(self) -> AddedOption:
        """A head of its own, if it gains for sure. Else the best head to attach to, which costs no further head."""
        return self.options[0] if self.opening.low > 0 else self.options[1]


def place_added_task(sweep: StoredSweep, task: str, before: Groups | None = None) -> AddedTask:
    """Return where a task is read best, from the finished banks of a sweep.

    ``before`` is the grouping that the task comes to. None takes the groups of the banks without the task. Raises ConfigError if these are
    no grouping, or if a group has no head.
    """
    banks = [bank for bank in map(BankTrialResult, sweep.in_state(TrialState.DONE)) if bank.is_readable]
    if not banks:
        raise ConfigError(f"{sweep.name}: no bank of group heads is done yet: run the sweep's command")
    trained = {frozenset(group) for bank in banks for group in bank.settings.grouping.groups}
    tasks = {each for group in trained for each in group}
    if task not in tasks:
        raise ConfigError(f"{sweep.name}: no group has the task '{task}'; the tasks are: {', '.join(sorted(tasks))}")
    before = _grouping_before(sweep.name, trained, task) if before is None else before
    _require_heads(sweep.name, trained, before, task)
    runs = _runs(banks)
    readings = _readings(runs, {*before, *(group | {task} for group in before), frozenset({task})})
    splits = [split for split in TESTED_SPLITS if (task, task, split) in readings]
    attached = sorted((_option(readings, group, task, splits) for group in sorted(before, key=sorted)), key=lambda option: -option.total)
    opened = _option(readings, frozenset(), task, splits)
    gains, others = (_gains(readings, option.joined, task, splits) for option in (opened, attached[0]))
    opening = crossed_interval([gains[key] - table if key in gains else -table for key, table in others.items()], "opening", task)
    goes_on = all(bank.settings.heads.start == "trained" for bank in banks)
    return AddedTask(task, before, sweep, len(runs), goes_on, (opened, *attached), opening)


def crossed_interval(tables: Sequence[Floats], *key: object) -> Change:
    """Return the sum of the means of tables, (runs, words) each, with a 95 % interval.

    It is a bootstrap that draws runs, the same for all tables, and words of each table. It is too narrow for few runs.
    """
    draws = generator("added task", *key)
    runs = len(tables[0])
    shares = draws.multinomial(runs, np.full(runs, 1 / runs), RESAMPLES) / runs
    sums = np.zeros(RESAMPLES)
    for table in tables:
        words = table.shape[1]
        weights = draws.multinomial(words, np.full(words, 1 / words), RESAMPLES) / words
        sums += (shares * (weights @ table.T)).sum(axis=1)
    low, high = np.quantile(sums, (0.025, 0.975))
    return Change(float(sum(table.mean() for table in tables)), float(low), float(high))


def _option(readings: Readings, joined: frozenset[str], task: str, splits: Sequence[str]) -> AddedOption:
    name = group_text(joined | {task})
    scores = []
    for split in splits:
        words = {measure: table.mean(axis=0).tolist() for measure, table in readings[name, task, split].items()}
        scores.append(NewTaskScore(split, len(words["accuracy"]), word_interval(words["accuracy"]), word_interval(words["one_minus_ned"])))
    forgetting = [
        _forgetting(readings[group_text(joined), old, split], readings[name, old, split], old, split)
        for old in sorted(joined) for split in TESTED_SPLITS if (name, old, split) in readings
    ]  # fmt: skip
    total = float(sum(table.mean() for table in _gains(readings, joined, task, splits).values()))
    return AddedOption(joined, tuple(scores), tuple(forgetting), total)


def _gains(readings: Readings, joined: frozenset[str], task: str, splits: Sequence[str]) -> dict[tuple[str, str], Floats]:
    """Return, by task and split, tables whose means sum to an option's ``total``: scores of the new task, and changes of the old ones."""
    name, old_name, measure = group_text(joined | {task}), group_text(joined), "one_minus_ned"
    tables = {(task, split): readings[name, task, split][measure] / len(splits) for split in splits}
    for old in sorted(joined):
        of_task = [split for split in TESTED_SPLITS if (name, old, split) in readings]
        for split in of_task:
            tables[old, split] = (readings[name, old, split][measure] - readings[old_name, old, split][measure]) / len(of_task)
    return tables


def _forgetting(before: Mapping[str, Floats], after: Mapping[str, Floats], task: str, split: str) -> Forgetting:
    changes = {measure: crossed_interval([after[measure] - before[measure]], "forgetting", task, split) for measure in MEASURES}
    exact = before["accuracy"]
    return Forgetting(task, split, exact.shape[1], float(exact.mean()), float(after["accuracy"].mean()), **changes)


def _grouping_before(name: str, trained: set[frozenset[str]], task: str) -> Groups:
    groups = frozenset(group for group in trained if task not in group)
    listed = [each for group in groups for each in group]
    if len(listed) > len(set(listed)):
        raise ConfigError(
            f"{name}: its groups without {task} are no grouping, because they share tasks: say which one it comes to, with --to"
        )
    return groups


def _require_heads(name: str, trained: set[frozenset[str]], before: Groups, task: str) -> None:
    if not before or task in {each for group in before for each in group}:
        raise ConfigError(f"{name}: the grouping that {task} comes to is {groups_text(before) or 'empty'}: it must have other tasks alone")
    wanted = [*before, *(group | {task} for group in before), frozenset({task})]
    missing = [group_text(group) for group in wanted if group not in trained]
    if missing:
        raise ConfigError(
            f"{name}: no head of {first_names(missing, 5)}: the bank must have each old head, each with {task}, and {task} alone"
        )


def _runs(banks: Sequence[BankTrialResult]) -> dict[tuple[str, int], list[BankTrialResult]]:
    """Return the banks of each run: those of the same data and start, and the same seed."""
    runs: dict[tuple[str, int], list[BankTrialResult]] = {}
    for bank in banks:
        runs.setdefault((bank.data, bank.settings.seed), []).append(bank)
    return runs


def _readings(runs: Mapping[tuple[str, int], Sequence[BankTrialResult]], groups: set[frozenset[str]]) -> Readings:
    names = pa.array(sorted(map(group_text, groups)), pa.string())
    by_run: list[dict[tuple[str, str, str], dict[str, Floats]]] = []
    for banks in runs.values():
        tables = [bank.readings.filter(pc.is_in(bank.readings["group"], names)) for bank in banks]
        by_run.append({key: columns for table in tables for key, columns in _columns(table).items()})
    keys = set.intersection(*(set(each) for each in by_run))
    return {key: {measure: np.stack([each[key][measure] for each in by_run]) for measure in MEASURES} for key in keys}


def _columns(table: pa.Table) -> dict[tuple[str, str, str], dict[str, Floats]]:
    """Return the measures of each group, task and split, in the order of words."""
    table = table.sort_by("word")
    columns = {}
    for key in table.group_by(["group", "task", "split"]).aggregate([]).to_pylist():
        matches = [pc.equal(table[name], value) for name, value in key.items()]
        rows = table.filter(pc.and_(pc.and_(matches[0], matches[1]), matches[2]))
        columns[key["group"], key["task"], key["split"]] = {
            measure: pc.cast(rows[column], pa.float64()).to_numpy() for measure, column in MEASURES.items()
        }
    return columns
