"""Rows of trials by arrangement and stage, and differences from the baselines."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from raygroup.paper import EndToEnd
from raygroup.tables.arrangements.arranged_trial import ArrangedTrial
from raygroup.tables.arrangements.arrangement import Arrangement
from raygroup.tables.arrangements.end_to_end import shared_conditions
from raygroup.tables.arrangements.stages import MEASURES, StageGain, unseen_differences, values_by_seed
from raygroup.tables.spread import Spread
from raygroup.tables.trial_result import TESTED_SPLITS
from raygroup.tasks import PAPER_TASKS

END_TO_END_MEASURES = ("f", "precision", "recall")


@dataclass(frozen=True)
class ArrangementRow:
    """The trials of one arrangement after one stage. They differ in their seed."""

    arrangement: Arrangement
    stage: int
    """2 after the grouping was trained, 3 after its heads went on with their own words."""
    trials: tuple[ArrangedTrial, ...]
    """Their end-to-end scores are those under the conditions. Others are left out."""
    conditions: tuple[str, str] | None
    """The scenes and the detector of end-to-end scores that the table compares. None if there are none."""

    def words(self, split: str, measure: str) -> Spread | None:
        """Return the spread of a score over seeds, from 0 to 1. None if no word of the split was tested."""
        values = values_by_seed(self.trials, split, measure)
        return Spread.of(values.values()) if values else None

    @property
    def groups(self) -> Spread:
        """Heads with a task."""
        return Spread.of(len(trial.groups.groups) for trial in self.trials)

    @property
    def parameters(self) -> Spread | None:
        """Weights of all heads. None if a trial did not record the facts about its words."""
        return _whole_spread([trial.parameters for trial in self.trials])

    @property
    def pruned_parameters(self) -> Spread | None:
        """Weights of the heads with a task after pruning. None like ``parameters``."""
        return _whole_spread([trial.pruned_parameters for trial in self.trials])

    @property
    def lacking(self) -> tuple[ArrangedTrial, ...]:
        """The trials without end-to-end scores under the conditions."""
        return tuple(trial for trial in self.trials if trial.end_to_end is None)

    def end_to_end_spread(self, measure: str) -> Spread | None:
        """Return the spread of ``f``, ``precision`` or ``recall``, from 0 to 1. None if a trial lacks it."""
        values = [float(getattr(trial.end_to_end, measure)) for trial in self.trials if trial.end_to_end]
        return Spread.of(values) if len(values) == len(self.trials) else None

    @property
    def paper(self) -> EndToEnd | None:
        """The paper's row with this arrangement, if the tasks are the paper's."""
        tasks = {task for task, _ in self.trials[0].groups.head_of}
        return self.arrangement.paper if tasks == set(PAPER_TASKS) else None


@dataclass(frozen=True)
class BaselineGain:
    """An arrangement minus a baseline on unseen words, paired by seed."""

    baseline: Arrangement
    stage: int
    gain: StageGain


def arranged_rows(trials: Sequence[ArrangedTrial], continued: Sequence[ArrangedTrial]) -> tuple[ArrangementRow, ...]:
    """Return a row for each arrangement and stage. The trials of a row come by seed.

    End-to-end scores are compared on the scenes and with the detector that most trials have.
    """
    conditions = shared_conditions(trial.end_to_end for trial in (*trials, *continued))
    by_row: dict[tuple[Arrangement, int], list[ArrangedTrial]] = {}
    for stage, staged in ((2, trials), (3, continued)):
        for trial in sorted(staged, key=lambda trial: trial.seed):
            is_comparable = trial.end_to_end is not None and trial.end_to_end.conditions == conditions
            comparable = trial if is_comparable else replace(trial, end_to_end=None)
            by_row.setdefault((trial.arrangement, stage), []).append(comparable)
    ordered = sorted(by_row, key=lambda key: (key[0].order, key[1]))
    return tuple(ArrangementRow(arrangement, stage, tuple(by_row[arrangement, stage]), conditions) for arrangement, stage in ordered)


def baseline_gains(rows: Sequence[ArrangementRow]) -> tuple[BaselineGain, ...]:
    """Return every arrangement minus each baseline of its stage. Of the two baselines, the larger minus the smaller is enough."""
    gains = []
    for baseline in (row for row in rows if row.arrangement.is_baseline):
        for row in rows:
            is_larger = row.arrangement.order > baseline.arrangement.order
            if row.stage == baseline.stage and (is_larger or not row.arrangement.is_baseline):
                differences = unseen_differences(baseline.trials, row.trials)
                gains.append(BaselineGain(baseline.arrangement, row.stage, StageGain(row.arrangement, differences)))
    return tuple(gain for gain in gains if gain.gain.differences)


def row_json(row: ArrangementRow) -> dict[str, Any]:
    """Return the numbers of a row as JSON values. All scores are from 0 to 1."""
    words = {split: {measure: _spread_json(row.words(split, measure)) for measure in MEASURES} for split in TESTED_SPLITS}
    return {
        "arrangement": row.arrangement.kind, "heads": row.arrangement.heads, "stage": row.stage,
        "seeds": [trial.seed for trial in row.trials], "groups": row.groups.to_json(), "parameters": _spread_json(row.parameters),
        "pruned_parameters": _spread_json(row.pruned_parameters), "words": words,
        "end_to_end": {measure: _spread_json(row.end_to_end_spread(measure)) for measure in END_TO_END_MEASURES},
        "paper": row.paper and vars(row.paper),
    }  # fmt: skip


def _spread_json(spread: Spread | None) -> dict[str, Any] | None:
    return None if spread is None else spread.to_json()


def _whole_spread(values: Sequence[int | None]) -> Spread | None:
    """Return the spread of numbers of weights. None if one is missing."""
    known = [value for value in values if value is not None]
    return Spread.of(known) if len(known) == len(values) else None
