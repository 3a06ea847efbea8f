"""The result of one trial, read from its records."""

import functools
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.config import Trial
from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.places import Place
from raygroup.history.assignments import Assignment, assignment, decisiveness, grouping, settling_row
from raygroup.history.reader import History
from raygroup.history.task_evidence import read_task_evidence
from raygroup.scoring.predictions import read_predictions, score_predictions
from raygroup.scoring.word_accuracy import WordScore, WordScores
from raygroup.storage.layout import CONFIG_FILE, PREDICTIONS_FILE, WORD_FACTS_FILE
from raygroup.storage.records import read_record
from raygroup.storage.sweeps import StoredTrial, TrialState
from raygroup.tables.task_results import TASK_COLUMNS, TaskResult, mean_nll, task_results, worst_task
from raygroup.task_groups import TaskGroups
from raygroup.words.word_facts import WordFacts, read_word_facts

TESTED_SPLITS = ("new", "unseen")
"""New images of training words, and words that were never trained on."""
_LONGEST_STEP_S = 60.0
"""A longer gap between two steps counts as this much: a trial that waited overnight did not train
all night.
"""
SCORE_COLUMNS = ("split", "task", "text", "reading", "reading_by_true_task")


@dataclass(frozen=True)
class TrialResult:
    """One trial of a sweep.

    Its files are read when a property first needs them. Properties raise HistoryError or
    ConfigError if the trial has not come far enough to have them.
    """

    stored: StoredTrial

    @property
    def id(self) -> str:
        """The trial's id, which is also the name of its folder."""
        return self.stored.id

    @property
    def label(self) -> str:
        """The varied fields and the seed, such as ``base_coefficient=0.2 seed=0``."""
        return self.stored.label

    @property
    def folder(self) -> Place:
        """The trial's folder on the storage path."""
        return self.stored.folder

    @property
    def state(self) -> str:
        """``done``, ``failed``, ``unfinished`` or ``not started``."""
        return self.stored.state

    @property
    def failure(self) -> str | None:
        """The reason why the trial failed for good, or None."""
        return str(self.stored.outcome().get("reason", "")) if self.state == TrialState.FAILED else None

    @functools.cached_property
    def settings(self) -> Trial:
        """The complete settings of the trial."""
        return self.stored.config()

    @property
    def data(self) -> str:
        """The fingerprint of the trial's words and initial weights."""
        return str(read_record(self.folder / CONFIG_FILE)["data"])

    @functools.cached_property
    def history(self) -> History:
        """Every recorded step."""
        return self.stored.history()

    @functools.cached_property
    def task_evidence(self) -> pa.Table:
        """The evidence on tasks that the trial gathered, by ``history.schema.EVIDENCE_COLUMNS``.

        Raises HistoryError if it gathered none. ``strategies.gathered.gathered_evidence`` makes of it what strategies choose by.
        """
        return read_task_evidence(self.folder)

    @functools.cached_property
    def damage(self) -> str | None:
        """The damage of a finished trial's settings, history, predictions or facts, with the way out. None if they can be read.

        Raises OtherTrialError if the folder holds another trial.
        """
        try:
            _ = (self.settings, self.history, self.predictions, self.word_facts)
        except DamagedFileError as error:
            return str(error)
        return None

    @property
    def is_readable(self) -> bool:
        """True if the trial is done, and its records are whole and its own."""
        try:
            return self.state == TrialState.DONE and self.damage is None
        except ConfigError:
            return False

    @property
    def has_grouping(self) -> bool:
        """Whether the trial groups tasks. A detector and a bank of group heads do not."""
        return True

    @functools.cached_property
    def assigned(self) -> Assignment:
        """The head of each task after every step, (n, t)."""
        return assignment(self.history.r_tm)

    @property
    def groups(self) -> TaskGroups:
        """The grouping after the last step."""
        return grouping(self.history.tasks, self.history.heads, self.assigned[-1])

    @property
    def decisiveness(self) -> float:
        """Mean over tasks of max P_TM after the last step, from 1/m (undecided) to 1."""
        return decisiveness(self.history.r_tm[-1])

    @property
    def settling_step(self) -> int:
        """The step from which the last assignment stood unbroken to the end."""
        return int(self.history.step[settling_row(self.assigned)])

    @property
    def training_s(self) -> float:
        """Wall time in seconds that the steps took. Long pauses between two steps do not count."""
        return training_time_s(self.history.clock_s)

    @functools.cached_property
    def predictions(self) -> pa.Table:
        """The tested words and their readings, without pictures."""
        return read_predictions(self.folder / PREDICTIONS_FILE, TASK_COLUMNS)

    @functools.cached_property
    def word_facts(self) -> WordFacts | None:
        """The facts about the trial's words. None for a trial of an earlier version."""
        return read_word_facts(self.folder / WORD_FACTS_FILE)

    def scores(self, split: str = "unseen", routing: str = "classifier") -> WordScores:
        """Return accuracy and 1-NED for each task and their mean.

        ``split`` is ``train``, ``new`` or ``unseen``. ``routing`` says who picks the head of a
        word: the trained ``classifier``, or the ``true task``, which flatters.
        """
        return score_predictions(self.predictions, split, routing)

    def nll(self, split: str = "unseen") -> float:
        """Return the mean over tasks of the held-out loss of a character. It is nan for trials of earlier versions.

        Each word is read by the head of its true task, teacher-forced.
        """
        mean = mean_nll(self.task_results(), split)
        return float("nan") if mean is None else mean

    def task_results(self) -> tuple[TaskResult, ...]:
        """Return the result of every task on new and on unseen words, in the paper's order."""
        return self._task_results

    @functools.cached_property
    def _task_results(self) -> tuple[TaskResult, ...]:
        return task_results(self.predictions, TESTED_SPLITS, self.groups, self.settings.heads, self.word_facts)

    @property
    def worst_task(self) -> TaskResult | None:
        """The task and split with the lowest 1-NED. None if no word has a task."""
        return worst_task(self.task_results())

    @property
    def worst_one_minus_ned(self) -> float:
        """The lowest 1-NED of any task on new and unseen words, that of ``worst_task``. It is nan if no word has a task."""
        worst = self.worst_task
        return float("nan") if worst is None else worst.scores["classifier"].one_minus_ned.mean


def training_time_s(clock_s: NDArray[np.float64]) -> float:
    """Return the seconds that steps took, from the times at which they were recorded. Long pauses do not count."""
    return float(np.minimum(np.diff(clock_s), _LONGEST_STEP_S).sum())


def mean_score(scores: WordScores) -> WordScore:
    """Return the mean over tasks. If no word has a task, it is the score of all words."""
    return scores.mean if scores.by_task else scores.all
