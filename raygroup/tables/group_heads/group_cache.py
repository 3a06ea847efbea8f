"""The group cache: how the head of every group reads every test word of its tasks.

With frozen features and hard routing a head depends on its group alone, so these scores are those of all groupings.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raygroup.errors import ConfigError, RaygroupError
from raygroup.files.places import Place, place
from raygroup.search_space import GROUP_HEADS
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.sweeps import StoredSweep, TrialState, read_sweeps
from raygroup.tables.group_heads.bank_trial import BankTrialResult, group_scores
from raygroup.task_groups import MOST_TASKS, all_groups, group_text

_COLUMNS = {"accuracy": "exact", "one_minus_ned": "one_minus_ned", "nll": "nll"}
"""Measure -> column of the readings."""
_HASH_LENGTH = 12


@dataclass(frozen=True)
class GroupCache:
    """The readings of all trained group heads of the same data and recipe."""

    sweeps: tuple[str, ...]
    data: str
    """Fingerprint of words and weights."""
    recipe: str
    """Hash of everything that decides a head apart from its group, the seed and the data."""
    tasks: tuple[str, ...]
    words: pa.Table
    """One row for each seed, head and test word.

    Its columns are ``seed``, ``group``, ``task``, ``split``, ``word``, ``exact``, ``one_minus_ned`` and ``nll``.
    """
    sent: pa.Table
    """The same for words that a task classifier sends to a task of the group, with the column ``sent_to``.

    All heads of a seed share the classifier, so every word is sent to one head of any grouping. No rows if a bank has no classifier.
    """
    missing: Mapping[int, tuple[str, ...]]
    """Seed -> the groups without a head. For more than 12 tasks, only those of banks that were begun.

    A seed without a finished bank is left out.
    """

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the banks, in order."""
        return tuple(sorted(self.missing))

    def groups_of(self, seed: int) -> tuple[str, ...]:
        """Return the groups that have a head of this seed."""
        rows = self.words.filter(pc.equal(self.words["seed"], seed))
        return tuple(rows["group"].unique().to_pylist())

    @functools.cached_property
    def scores(self) -> pa.Table:
        """One row for each seed, group, task and split: ``words``, and the means ``accuracy``, ``one_minus_ned`` and ``nll``."""
        return group_scores(self.words, ("seed",))

    def word_values(self, task: str, split: str, measure: str, groups: Sequence[str], seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return one measure of every test word of a task, (groups, seeds, words), for resampling.

        ``measure`` is ``accuracy``, ``one_minus_ned`` or ``nll``. Words have the order of their store. A value is nan without a head,
        or for the loss of a word that no head can write. Raises ConfigError for another measure.
        """
        if measure not in _COLUMNS:
            raise ConfigError(f"measure is {measure!r}: it must be one of {', '.join(_COLUMNS)}")
        rows = self._rows(task, split)
        values = np.full((len(groups), len(seeds), rows.num_words), np.nan)
        group_of, seed_of = rows.places("group", groups), rows.places("seed", seeds)
        is_wanted = (group_of >= 0) & (seed_of >= 0)
        column = pc.cast(rows.table[_COLUMNS[measure]], pa.float64()).to_numpy()
        values[group_of[is_wanted], seed_of[is_wanted], rows.word_of[is_wanted]] = column[is_wanted]
        return values

    def _rows(self, task: str, split: str) -> "_TaskRows":
        """Return the rows of a task and split. They are kept, because every measure needs them."""
        if (task, split) not in self._kept_rows:
            words = self._encoded
            table = words.filter(pc.and_(pc.equal(words["task"], task), pc.equal(words["split"], split)))
            numbers, word_of = np.unique(table["word"].to_numpy(), return_inverse=True)
            self._kept_rows[task, split] = _TaskRows(table, len(numbers), word_of)
        return self._kept_rows[task, split]

    @functools.cached_property
    def _kept_rows(self) -> "dict[tuple[str, str], _TaskRows]":
        return {}

    @functools.cached_property
    def _encoded(self) -> pa.Table:
        """The words, with texts as codes, which compare many times as fast."""
        return self.words.set_column(
            self.words.column_names.index("group"), "group", self.words["group"].dictionary_encode()
        ).unify_dictionaries()


@dataclass(frozen=True, eq=False)
class _TaskRows:
    """The rows of one task and split."""

    table: pa.Table
    num_words: int
    word_of: NDArray[np.int64]
    """(rows,): the place of each row's word in the order of the store."""

    def places(self, column: str, values: Sequence[object]) -> NDArray[np.int64]:
        """Return the place of each row's entry in ``values``, or -1."""
        return _places(self.table[column], values)


def read_group_cache(storage_path: Place | str = "runs", sweeps: str | Sequence[str] = "oracle_planted") -> GroupCache:
    """Return the readings of the finished banks of one sweep or several.

    Raises ConfigError if a sweep is not there or has no finished bank, or if its banks have other data or another recipe.
    """
    storage, names = place(storage_path), (sweeps,) if isinstance(sweeps, str) else tuple(sweeps)
    stored = {sweep.name: sweep for sweep in read_sweeps(storage)}
    for name in names:
        if name not in stored:
            raise ConfigError(f"no sweep '{name}' in {storage}; there are: {', '.join(stored) or 'none'}")
    return group_cache([stored[name] for name in names])


def group_cache(sweeps: Sequence[StoredSweep]) -> GroupCache:
    """Return the readings of the finished banks of these sweeps. Raises ConfigError like ``read_group_cache``."""
    names = tuple(sweep.name for sweep in sweeps)
    for sweep in sweeps:
        if sweep.trains_on != GROUP_HEADS:
            raise ConfigError(f"sweep '{sweep.name}' trains no group heads: its trials need grouping.method 'cover'")
    declared = [BankTrialResult(trial) for sweep in sweeps for trial in sweep.trials if trial.declared]
    banks = [trial for trial in declared if _has_readings(trial)]
    if not banks:
        raise ConfigError(f"{', '.join(names)}: no bank of group heads is done yet: run the sweep's command")
    _require_same(banks)
    tasks = tuple(banks[0].history.tasks)
    own, sent = _words(banks)
    return GroupCache(names, banks[0].data, banks[0].recipe, tasks, own, sent, _missing(declared, tasks, own))


def group_heads_misfit(sweep: StoredSweep, *, partial: bool = False) -> str:
    """Return why a sweep has no group heads to read, or nothing. With ``partial`` one finished bank is enough."""
    if sweep.trains_on != GROUP_HEADS:
        return "trains no group heads"
    if partial:
        return "" if sweep.in_state(TrialState.DONE) else "has no finished bank"
    return "" if sweep.finished else "is unfinished"


def _words(banks: Sequence[BankTrialResult]) -> tuple[pa.Table, pa.Table]:
    """Return the readings of all banks: of own words, and of words that were sent. A group that two banks of a seed have counts once."""
    own, sent, present = list[pa.Table](), list[pa.Table](), set[tuple[int, str]]()
    for bank in banks:
        seed, names = bank.settings.seed, set(bank.group_names)
        new = [name for name in names if (seed, name) not in present]
        present |= {(seed, name) for name in new}
        for rows, tables in ((bank.readings.drop(["sent_to"]), own), (bank.sent_readings, sent)):
            kept = rows if len(new) == len(names) else rows.filter(pc.is_in(rows["group"], pa.array(new, pa.string())))
            tables.append(kept.drop(["head"]).add_column(0, "seed", pa.repeat(pa.scalar(seed, pa.int64()), len(kept))))
    return pa.concat_tables(own), pa.concat_tables(sent)


def _missing(declared: Sequence[BankTrialResult], tasks: Sequence[str], words: pa.Table) -> dict[int, tuple[str, ...]]:
    """Return, for each seed, the groups without a head, the small ones first."""
    groups_of: dict[int, set[str]] = {}
    for pair in words.group_by(["seed", "group"]).aggregate([]).to_pylist():
        groups_of.setdefault(pair["seed"], set()).add(pair["group"])
    wanted = {seed: _all_names(tasks) for seed in groups_of}
    if not _all_names(tasks):
        for bank in (each for each in declared if (each.folder / CONFIG_FILE).is_file()):
            wanted[bank.settings.seed] = [*wanted.get(bank.settings.seed, []), *bank.group_names]
    return {seed: tuple(name for name in names if name not in groups_of.get(seed, set())) for seed, names in sorted(wanted.items())}


def _all_names(tasks: Sequence[str]) -> list[str]:
    """Return all groups of the tasks, or none if there are too many."""
    return list(map(group_text, all_groups(tasks))) if len(tasks) <= MOST_TASKS else []


def _require_same(banks: Iterable[BankTrialResult]) -> None:
    """Raise ConfigError if banks differ in anything but their groups and seeds."""
    origins: dict[tuple[str, str], BankTrialResult] = {}
    for bank in banks:
        origins.setdefault((bank.data, bank.recipe), bank)
    if len(origins) > 1:
        (one, one_bank), (other, other_bank) = [*origins.items()][:2]
        kind = "data" if one[0] != other[0] else "recipe"
        hashes = [key[0 if kind == "data" else 1][:_HASH_LENGTH] for key in (one, other)]
        raise ConfigError(
            f"the group heads of {one_bank.id} and {other_bank.id} cannot be compared: their {kind} is {hashes[0]} and {hashes[1]}; "
            "read one sweep at a time"
        )


def _has_readings(bank: BankTrialResult) -> bool:
    """Return True if a bank is done and its readings are whole. Its history is not read."""
    if bank.state != TrialState.DONE:
        return False
    try:
        _ = (bank.settings, bank.readings)
    except RaygroupError:
        return False
    return True


def _places(column: pa.ChunkedArray, values: Sequence[object]) -> NDArray[np.int64]:
    """Return the place of each entry in ``values``, or -1."""
    if not pa.types.is_dictionary(column.type):
        return _index_in(column, values)
    encoded = column.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # pyarrow keeps an empty column in no chunk
        return np.zeros(0, np.int64)
    place_of: NDArray[np.int64] = _index_in(encoded.dictionary, values)[encoded.indices.to_numpy()]
    return place_of


def _index_in(column: pa.Array | pa.ChunkedArray, values: Sequence[object]) -> NDArray[np.int64]:
    # pa.array imports pandas for a list, which takes half a second.
    places = pc.index_in(column, pa.array(np.array(values, object), column.type))
    result: NDArray[np.int64] = pc.fill_null(places, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return result
