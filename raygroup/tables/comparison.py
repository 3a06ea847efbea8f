"""Compare two sweeps, or two trials: settings, groupings and scores."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from raygroup.errors import ConfigError
from raygroup.storage.sweeps import StoredTrial, TrialState
from raygroup.tables.history_rows import flat_fields
from raygroup.tables.score_intervals import Interval, ScoredTrials, difference_interval, scored_trials
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult
from raygroup.task_groups import Groups, pair_agreement

MEASURES = ("accuracy", "one_minus_ned")
_SEED = "seed"


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared: a sweep, or one trial."""

    name: str
    data: str
    """Fingerprint of its words and weights."""
    trials: tuple[TrialResult, ...]
    """Its finished trials, at least one."""

    @staticmethod
    def of(name: str, data: str, trials: Sequence[StoredTrial]) -> "Side":
        """Return the finished ones of these trials. Raises ConfigError if there are none."""
        done = tuple(TrialResult(trial) for trial in trials if trial.state == TrialState.DONE)
        if not done:
            raise ConfigError(f"{name}: no trial is done, so there is nothing to compare")
        return Side(name, data, done)


@dataclass(frozen=True)
class SettingDifference:
    """A setting that the two sides do not share, with the values that each side has."""

    name: str
    one: tuple[Any, ...]
    other: tuple[Any, ...]


@dataclass(frozen=True)
class TrialPair:
    """Two trials that correspond, with their groupings."""

    seed: int
    one: str
    """Label of the first side's trial."""
    other: str
    one_grouping: str
    other_grouping: str
    agreement: float | None
    """Share of task pairs on which both agree: together in both, or apart in both. None with fewer than two common tasks."""


@dataclass(frozen=True)
class ScoreComparison:
    """One score of both sides, and their difference: other minus one."""

    split: str
    measure: str
    one: Interval
    other: Interval
    difference: Interval


@dataclass(frozen=True)
class Comparison:
    """Everything in which two sweeps or trials differ."""

    one: str
    other: str
    same_words: bool
    settings: tuple[SettingDifference, ...]
    pairs: tuple[TrialPair, ...]
    unpaired: tuple[str, ...]
    """Labels of trials without a counterpart."""
    scores: tuple[ScoreComparison, ...]

    @property
    def agreement_by_seed(self) -> Mapping[int, float]:
        """Mean agreement of the pairs of each seed."""
        by_seed: dict[int, list[float]] = {}
        for pair in self.pairs:
            if pair.agreement is not None:
                by_seed.setdefault(pair.seed, []).append(pair.agreement)
        return {seed: fmean(shares) for seed, shares in sorted(by_seed.items())}

    @property
    def agreement(self) -> float | None:
        """Mean over seeds of the agreement. None without pairs."""
        shares = self.agreement_by_seed.values()
        return fmean(shares) if shares else None

    def to_json(self) -> dict[str, Any]:
        """Return all values as plain JSON values."""
        by_seed = {str(seed): share for seed, share in self.agreement_by_seed.items()}
        return dataclasses.asdict(self) | {"agreement": self.agreement, "agreement_by_seed": by_seed}


def compare_sides(one: Side, other: Side) -> Comparison:
    """Compare the finished trials of two sides.

    Trials correspond if they have the same seed and the same value of every setting that varies on
    both sides. Two single trials always correspond. Scores are those of corresponding trials.
    """
    matches = _matches(one, other)
    paired = {trial.folder for match in matches for trial in match}
    groups = _sides_in_order(matches) if matches else (one.trials, other.trials)
    return Comparison(
        one=one.name,
        other=other.name,
        same_words=one.data == other.data,
        settings=_setting_differences(one, other),
        pairs=tuple(_trial_pair(*match) for match in matches),
        unpaired=tuple(f"{side.name}: {trial.label}" for side in (one, other) for trial in side.trials if trial.folder not in paired),
        scores=tuple(_score_comparisons(*groups)),
    )


def _matches(one: Side, other: Side) -> list[tuple[TrialResult, TrialResult]]:
    if len(one.trials) == len(other.trials) == 1:
        return [(one.trials[0], other.trials[0])]
    key = _key(_varied(one) & _varied(other))
    return [(first, second) for first in one.trials for second in other.trials if key(first) == key(second)]


def _varied(side: Side) -> set[str]:
    return {name for name, values in _values(side).items() if len(values) > 1}


def _key(names: set[str]) -> Callable[[TrialResult], tuple[Any, ...]]:
    return lambda trial: tuple(flat_fields(trial.settings)[name] for name in sorted(names | {_SEED}))


def _values(side: Side) -> dict[str, tuple[Any, ...]]:
    """Return the distinct values of every setting, in the order of the trials."""
    flat = [flat_fields(trial.settings) for trial in side.trials]
    return {name: tuple(dict.fromkeys(fields[name] for fields in flat)) for name in flat[0]}


def _setting_differences(one: Side, other: Side) -> tuple[SettingDifference, ...]:
    values, other_values = _values(one), _values(other)
    differ = [name for name in values if set(values[name]) != set(other_values[name])]
    return tuple(SettingDifference(name, values[name], other_values[name]) for name in differ)


def _trial_pair(one: TrialResult, other: TrialResult) -> TrialPair:
    tasks = set(one.history.tasks) & set(other.history.tasks)
    same, total = pair_agreement(_restricted(one.groups.groups, tasks), _restricted(other.groups.groups, tasks))
    texts = (one.label, other.label, str(one.groups), str(other.groups))
    return TrialPair(one.settings.seed, *texts, same / total if total else None)


def _restricted(groups: Groups, tasks: set[str]) -> Groups:
    return frozenset(group & tasks for group in groups if group & tasks)


def _sides_in_order(matches: Sequence[tuple[TrialResult, TrialResult]]) -> tuple[Sequence[TrialResult], Sequence[TrialResult]]:
    """Return the trials of each side that have a counterpart, each once."""
    firsts = {first.folder: first for first, _ in matches}
    seconds = {second.folder: second for _, second in matches}
    return list(firsts.values()), list(seconds.values())


def _score_comparisons(ones: Sequence[TrialResult], others: Sequence[TrialResult]) -> list[ScoreComparison]:
    comparisons = []
    for split in TESTED_SPLITS:
        one, other = scored_trials(ones, split), scored_trials(others, split)
        if one is not None and other is not None:
            comparisons += [_score_comparison(split, measure, one, other) for measure in MEASURES]
    return comparisons


def _score_comparison(split: str, measure: str, one: ScoredTrials, other: ScoredTrials) -> ScoreComparison:
    return ScoreComparison(split, measure, one.interval(measure), other.interval(measure), difference_interval(one, other, measure))
