"""The results of trials of stage 1, read from their records."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from raygroup.config import Pretraining
from raygroup.files.places import Place
from raygroup.search_space import AnyTrial
from raygroup.storage.layout import UNIVERSAL_FILE
from raygroup.tables.spotter.spotter_trial import SpotterTrialResult, spotter_table
from raygroup.tables.task_columns import SCORE_SCHEMA
from raygroup.tables.trial_result import TESTED_SPLITS

MEAN = "mean"
"""The entry of ``head_scores`` with the mean over tasks."""
_MEASURES = {"accuracy": "exact", "one_minus_ned": "one_minus_ned"}
"""Name of a measure in tables -> its name in ``DONE.json``."""


class Stage1TrialResult(SpotterTrialResult):
    """One trial of stage 1: the losses of every step, and the scores of the universal head."""

    @property
    def any_settings(self) -> AnyTrial:
        return self.pretraining

    @property
    def pretraining(self) -> Pretraining:
        """The complete settings of the trial."""
        return self.stored.stage1_settings()

    @property
    def weights(self) -> Place:
        """The weights file of the trunk and the universal head. A finished trial has it."""
        return self.folder / UNIVERSAL_FILE

    @property
    def head_scores(self) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
        """Split (``new`` or ``unseen``) -> ``mean`` or a task -> values: ``words``, ``exact``, ``one_minus_ned``, and their 95 % intervals.

        It is empty for a trial that is not done. A split without words is missing.
        """
        scores: Mapping[str, Mapping[str, Mapping[str, Any]]] = self.stored.outcome().get("scores", {})
        return scores

    @property
    def scored_tasks(self) -> tuple[str, ...]:
        """The tasks with scores, in the paper's order."""
        return tuple(dict.fromkeys(task for rows in self.head_scores.values() for task in rows if task != MEAN))

    def mean_score(self, split: str, measure: str) -> float | None:
        """Return the mean over tasks of ``accuracy`` or ``one_minus_ned``. None if the split has no words."""
        values = self.head_scores.get(split, {}).get(MEAN)
        return None if values is None else float(values[_MEASURES[measure]])

    @property
    def mean_scores(self) -> dict[str, float]:
        """The means over tasks, such as ``unseen_accuracy``, as far as there are words."""
        means = {f"{split}_{measure}": self.mean_score(split, measure) for split in TESTED_SPLITS for measure in _MEASURES}
        return {name: value for name, value in means.items() if value is not None}


def stage1_table(trials: Sequence[Stage1TrialResult]) -> pa.Table:
    """Return one row for each trial: the varied fields, the steps, the last losses, the speed, and the mean scores."""
    table = spotter_table(trials)
    for split in TESTED_SPLITS:
        for measure in _MEASURES:
            values = pa.array([trial.mean_score(split, measure) for trial in trials], pa.float64())
            table = table.append_column(f"{split}_{measure}", values)
    return table


def stage1_task_table(trials: Sequence[Stage1TrialResult]) -> pa.Table:
    """Return one row for each trial, tested split and task. Columns that only groupings have are null."""
    return pa.Table.from_pylist([row for trial in trials for row in _task_rows(trial)], schema=SCORE_SCHEMA)


def _task_rows(trial: Stage1TrialResult) -> Iterator[dict[str, Any]]:
    for split, scores in trial.head_scores.items():
        for task in trial.scored_tasks:
            if values := scores.get(task):
                row = {"trial": trial.label, "split": split, "task": task, "words": values["words"], "head": 0}
                for measure, name in _MEASURES.items():
                    low, high = values[f"{name}_interval"]
                    row |= {measure: values[name], f"{measure}_low": low, f"{measure}_high": high}
                yield row
