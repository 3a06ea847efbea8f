"""Stage 3 against stage 2, for each arrangement of heads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from raygroup.storage.layout import SWEEP_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.arrangements.arranged_trial import ArrangedTrial, continued_trial, start_of
from raygroup.tables.arrangements.arrangement import Arrangement
from raygroup.tables.arrangements.paired_difference import PairedDifference, paired_difference

MEASURES = ("accuracy", "one_minus_ned")


@dataclass(frozen=True)
class StageGain:
    """The gain of one arrangement on unseen words, paired by seed."""

    arrangement: Arrangement
    differences: Mapping[str, PairedDifference]
    """Measure -> difference over seeds. Scores are from 0 to 1."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        differences = {measure: difference.to_json() for measure, difference in self.differences.items()}
        return {"arrangement": self.arrangement.kind, "heads": self.arrangement.heads, **differences}


def upstream_of(sweep: StoredSweep) -> str | None:
    """Return the name of the sweep that a sweep starts from."""
    name = intact_record(sweep.folder / SWEEP_FILE).get("after")
    return name if isinstance(name, str) else None


def later_sweep(sweeps: Sequence[StoredSweep], sweep: StoredSweep) -> tuple[StoredSweep | None, str]:
    """Return the newest sweep that goes on from another, or the reason. It may be half done."""
    later = [one for one in sweeps if upstream_of(one) == sweep.name and one.in_state(TrialState.DONE)]
    if not later:
        return None, f"no finished trial goes on from those of {sweep.name}"
    starts = [start_of(trial) for trial in later[-1].in_state(TrialState.DONE)]
    if len(set(starts)) < len(starts):
        return None, f"{later[-1].name} has several trials that go on from one trial of {sweep.name}"
    return later[-1], ""


def continued_trials(sweep: StoredSweep, earlier: Iterable[ArrangedTrial]) -> list[ArrangedTrial]:
    """Return the finished trials that start from these, in their order."""
    by_start = {start_of(trial): trial for trial in sweep.in_state(TrialState.DONE)}
    return [continued_trial(by_start[trial.address], trial) for trial in earlier if trial.address in by_start]


def stage_gains(earlier: Sequence[ArrangedTrial], later: Sequence[ArrangedTrial]) -> tuple[StageGain, ...]:
    """Return what stage 3 gained on unseen words, for each arrangement.

    Each later trial is paired with the trial that it started from. Pairs that were tested on different words are left out.
    """
    by_address = {trial.address: trial for trial in earlier}
    pairs = [(by_address[trial.start], trial) for trial in later if trial.start in by_address]
    pairs = [(before, after) for before, after in pairs if before.tested_words == after.tested_words]
    arrangements = sorted({before.arrangement for before, _ in pairs}, key=lambda arrangement: arrangement.order)
    gains = (_stage_gain(one, [pair for pair in pairs if pair[0].arrangement == one]) for one in arrangements)
    return tuple(gain for gain in gains if gain.differences)


def values_by_seed(trials: Iterable[ArrangedTrial], split: str, measure: str) -> dict[int, float]:
    """Return the score of each seed. Several trials of a seed count by their mean. Trials without the score are left out."""
    by_seed: dict[int, list[float]] = {}
    for trial in trials:
        value = trial.value(split, measure)
        if value is not None:
            by_seed.setdefault(trial.seed, []).append(value)
    return {seed: fmean(values) for seed, values in by_seed.items()}


def unseen_differences(earlier: Sequence[ArrangedTrial], later: Sequence[ArrangedTrial]) -> dict[str, PairedDifference]:
    """Return measure -> later minus earlier on unseen words, paired by seed. Measures without a common seed are left out."""
    pairs = {
        measure: paired_difference(values_by_seed(earlier, "unseen", measure), values_by_seed(later, "unseen", measure))
        for measure in MEASURES
    }
    return {measure: difference for measure, difference in pairs.items() if difference}


def _stage_gain(arrangement: Arrangement, pairs: Sequence[tuple[ArrangedTrial, ArrangedTrial]]) -> StageGain:
    return StageGain(arrangement, unseen_differences([before for before, _ in pairs], [after for _, after in pairs]))
