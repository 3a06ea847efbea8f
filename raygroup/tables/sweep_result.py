"""The result of a sweep, read from its records.

It has trials, groupings, scores per task, and tables of them.
"""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from raygroup.errors import ConfigError
from raygroup.files.places import Place, place
from raygroup.history.reader import History, attempt_files
from raygroup.history.reader import read_history as read_trial_history
from raygroup.history.spotter_history import SpotterHistory
from raygroup.history.spotter_history import read_spotter_history as read_trial_spotter_history
from raygroup.search_space import GROUP_HEADS, SCENES, STAGE_1
from raygroup.storage.layout import HISTORY_FILE, SWEEP_FILE
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.storage.sweeps import read_sweep as read_stored_sweep
from raygroup.storage.sweeps import read_sweeps as read_stored_sweeps
from raygroup.tables.group_heads.bank_trial import BankTrialResult, bank_history_rows, bank_table, bank_task_table
from raygroup.tables.history_rows import history_rows, varied_fields
from raygroup.tables.spotter.spotter_trial import SpotterTrialResult, spotter_history_rows, spotter_table
from raygroup.tables.stage1.stage1_trial import Stage1TrialResult, stage1_table, stage1_task_table
from raygroup.tables.task_columns import task_score_table
from raygroup.tables.trial_choice import TrialChoice, choose_trial
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult, mean_score
from raygroup.task_groups import TaskGroups


@dataclass(frozen=True)
class SweepResult:
    """A sweep and its declared trials, in the order of the search space."""

    stored: StoredSweep
    trials: tuple[TrialResult, ...]
    run_failures: Mapping[str, str] = field(default_factory=dict)
    """Reasons of the trials that failed in the run that returned this result, by id."""

    @staticmethod
    def of(stored: StoredSweep, run_failures: Mapping[str, str] | None = None) -> "SweepResult":
        """Wrap a stored sweep.

        The trials of a sweep on scenes are ``SpotterTrialResult``s, those of stage 1 ``Stage1TrialResult``s, and banks of group heads
        ``BankTrialResult``s.
        """
        kinds: dict[str, type[TrialResult]] = {SCENES: SpotterTrialResult, STAGE_1: Stage1TrialResult, GROUP_HEADS: BankTrialResult}
        kind = kinds.get(stored.trains_on, TrialResult)
        return SweepResult(stored, tuple(kind(trial) for trial in stored.trials if trial.declared), run_failures or {})

    @property
    def name(self) -> str:
        """The sweep's name."""
        return self.stored.name

    @property
    def folder(self) -> Place:
        """The sweep's folder on the storage path."""
        return self.stored.folder

    @property
    def done(self) -> tuple[TrialResult, ...]:
        """The finished trials."""
        return tuple(trial for trial in self.trials if trial.state == TrialState.DONE)

    @property
    def readable(self) -> tuple[TrialResult, ...]:
        """The finished trials whose records are whole."""
        return tuple(trial for trial in self.done if trial.damage is None)

    @functools.cached_property
    def choice(self) -> TrialChoice | None:
        """The trial to ship, and how sure that is. None if no finished trial was tested on unseen words."""
        return choose_trial(self.readable) if self.stored.learns_groupings else None

    @property
    def best(self) -> TrialResult | None:
        """The trial to ship: the highest mean exact match on unseen words. See ``choice``."""
        return self.choice.trial if self.choice else None

    @property
    def shown(self) -> TrialResult | None:
        """The trial that summaries show: the best, or one in the middle if unseen words name none."""
        readable = self.readable
        return self.best or (readable[len(readable) // 2] if readable else None)

    @property
    def damaged(self) -> tuple[str, ...]:
        """A line for each damaged record of the sweep and its finished trials, with the way out."""
        return (*self.stored.damage, *(trial.damage for trial in self.done if trial.damage is not None))

    @property
    def failed(self) -> Mapping[str, str]:
        """The reason of every trial that failed, by label."""
        reasons = {trial.label: self.run_failures.get(trial.id, trial.failure) for trial in self.trials}
        return {label: reason for label, reason in reasons.items() if reason is not None}

    @property
    def all_done(self) -> bool:
        """True if every trial is done."""
        return len(self.done) == len(self.trials)

    @property
    def groupings(self) -> Mapping[str, TaskGroups]:
        """The final grouping of every finished trial, by label. Detectors and banks of group heads have none."""
        return {trial.label: trial.groups for trial in self.done if trial.has_grouping}

    def table(self) -> pa.Table:
        """Return one row for each finished trial.

        It has the varied fields, the grouping and the mean scores. Scores are those of words that
        the trained classifier routed. The columns ``new_*`` and ``unseen_*`` hold the mean over
        tasks. Those that end in ``nll`` have the held-out loss of a character under the head of a
        word's true task. The row of a trial on scenes has the losses of its last steps instead of scores, and
        that of a detector no grouping. The row of a trial of stage 1 has both losses and scores, and that of a bank of group heads has
        the means over its heads.
        Raises DamagedFileError if a record of a finished trial is damaged.
        """
        return self._table(self.done)

    def _table(self, trials: tuple[TrialResult, ...]) -> pa.Table:
        if self.stored.trains_on == STAGE_1:
            return stage1_table(stage1_trials(trials))
        if self.stored.trains_on_scenes:
            return spotter_table(spotter_trials(trials))
        if self.stored.trains_on == GROUP_HEADS:
            return bank_table(bank_trials(trials))
        columns: dict[str, list[object] | pa.Array] = {"trial": [trial.label for trial in trials], **self._varied(trials)}
        columns |= {
            "grouping": [str(trial.groups) for trial in trials],
            "decisiveness": [trial.decisiveness for trial in trials],
            "settling_step": [trial.settling_step for trial in trials],
        }
        for split in TESTED_SPLITS:
            means = [mean_score(trial.scores(split)) for trial in trials]
            columns[f"{split}_one_minus_ned"] = [score.one_minus_ned for score in means]
            columns[f"{split}_accuracy"] = [score.accuracy for score in means]
            columns[f"{split}_nll"] = [trial.nll(split) for trial in trials]
        worst = [trial.worst_task for trial in trials]
        columns["worst_task"] = pa.array([None if task is None else task.task for task in worst], pa.string())
        columns["worst_one_minus_ned"] = [trial.worst_one_minus_ned for trial in trials]
        columns["training_s"] = [trial.training_s for trial in trials]
        return pa.table(columns)

    def task_scores(self, routing: str = "classifier") -> pa.Table:
        """Return the scores of every task.

        A row is a finished trial, a tested split and a task, with ``words``, ``accuracy`` and
        ``one_minus_ned``. The columns that end in ``_low`` and ``_high`` bound the 95 % interval over
        words. ``nll`` is the held-out loss of a character under the head of the true task, whatever the
        routing. ``head`` is the one that reads the task. ``wrong_task`` and ``wrong_head`` count the
        words that the classifier gave to another task, and to another head. ``parameters``,
        ``pruned_parameters``, ``ms_per_word`` and ``nll`` are null for trials of earlier versions.
        ``TaskResult`` has the details. A bank of group heads has a row for each ``group`` and task. Raises DamagedFileError like ``table``.
        """
        return self._task_scores(self.done, routing)

    def _task_scores(self, trials: tuple[TrialResult, ...], routing: str = "classifier") -> pa.Table:
        if self.stored.trains_on == STAGE_1:
            return stage1_task_table(stage1_trials(trials))
        if self.stored.trains_on == GROUP_HEADS:
            return bank_task_table(bank_trials(trials))
        on_words = [trial for trial in trials if not isinstance(trial, SpotterTrialResult)]
        return task_score_table([(trial.label, trial.task_results()) for trial in on_words], routing)

    def to_json(self) -> dict[str, object]:
        """Return the tables of the sweep, its failures and its damaged records as plain JSON values.

        A score that does not exist is null. Trials with damaged records have no rows.
        """
        trials = self.readable
        return {
            "name": self.name, "trials": _json_rows(self._table(trials)), "tasks": _json_rows(self._task_scores(trials)),
            "best": None if self.choice is None else self.choice.to_json(), "failed": {**self.failed}, "damaged": [*self.damaged],
        }  # fmt: skip

    def history(self, every: int = 1) -> pa.Table:
        """Return every step of every trial that has a history. See ``history_table``."""
        return history_table(self, every)

    def _varied(self, trials: tuple[TrialResult, ...]) -> dict[str, list[object]]:
        settings = [trial.settings for trial in trials]
        return {**varied_fields(settings), "seed": [trial.seed for trial in settings]}


def read_sweeps(storage_path: Place | str = "runs") -> tuple[SweepResult, ...]:
    """Return the sweeps under a storage path, the newest last.

    Raises ConfigError if there is no such folder, or if it has the layout of another version.
    """
    return tuple(map(SweepResult.of, read_stored_sweeps(place(storage_path))))


def sweep_result(folder: Place, run_failures: Mapping[str, str] | None = None) -> SweepResult:
    """Return the result of the sweep in a folder, with the reasons of trials that just failed, by
    id.
    """
    return SweepResult.of(read_stored_sweep(folder), run_failures)


def read_sweep(name: str, storage_path: Place | str = "runs") -> SweepResult:
    """Return one sweep by name.

    Raises ConfigError if it is not there. The message lists those that are.
    """
    folder = place(storage_path) / name
    if (folder / SWEEP_FILE).is_file():  # without a look at the other sweeps, which may hold thousands of trials
        return sweep_result(folder)
    names = ", ".join(sweep.name for sweep in read_sweeps(storage_path))
    raise ConfigError(f"no sweep '{name}' in {storage_path}; there are: {names or 'none'}")


def read_history(trial_folder: Place | str) -> History:
    """Return every recorded step of a trial that groups words, finished or not.

    Raises HistoryError if there is nothing to read, and ConfigError for a trial of stage 1 or on scenes.
    """
    return read_trial_history(place(trial_folder))


def read_spotter_history(trial_folder: Place | str) -> SpotterHistory:
    """Return every recorded step of a trial of stage 1 or on scenes, finished or not. Raises errors like ``read_history``."""
    return read_trial_spotter_history(place(trial_folder))


def history_table(sweep: SweepResult | StoredSweep, every: int = 1) -> pa.Table:
    """Return a tidy Arrow table of all steps.

    It has one row for each trial, step, task and head. Columns: ``trial`` (its label), one column
    for each field that varies (its dotted name), ``seed``, ``step``, ``task``, ``head``, ``r``
    (R_TM after the step), ``p`` (P_TM without noise: the softmax of ``r`` over heads), and
    ``assigned`` (whether the task is on the head). With ``every=10``, only every tenth step
    and the last are kept. Raises HistoryError for a damaged history. Trials without a history are
    left out. The table of a sweep on scenes or of stage 1 has one row for each trial and step, with the losses and,
    for whole spotters, the head of each task in columns such as ``head_ar``. That of banks of group heads has one row for each trial,
    step and head, with its ``group`` and its loss.
    """
    result = sweep if isinstance(sweep, SweepResult) else SweepResult.of(sweep)
    trials = [trial for trial in result.trials if _has_history(trial)]
    if result.stored.trains_on == GROUP_HEADS:
        return bank_history_rows(bank_trials(trials), every)
    if not result.stored.learns_groupings:
        return spotter_history_rows(spotter_trials(trials), every)
    return history_rows([(trial.label, trial.settings, trial.history) for trial in trials], every)


def spotter_trials(trials: Iterable[TrialResult]) -> list[SpotterTrialResult]:
    """Return the trials on scenes and those of stage 1."""
    return [trial for trial in trials if isinstance(trial, SpotterTrialResult)]


def stage1_trials(trials: Iterable[TrialResult]) -> list[Stage1TrialResult]:
    """Return the trials of stage 1."""
    return [trial for trial in trials if isinstance(trial, Stage1TrialResult)]


def bank_trials(trials: Iterable[TrialResult]) -> list[BankTrialResult]:
    """Return the banks of group heads."""
    return [trial for trial in trials if isinstance(trial, BankTrialResult)]


def _has_history(trial: TrialResult) -> bool:
    return (trial.folder / HISTORY_FILE).is_file() or bool(attempt_files(trial.folder))


def _json_rows(table: pa.Table) -> list[dict[str, object]]:
    return [{name: None if value != value else value for name, value in row.items()} for row in table.to_pylist()]
