"""The results of trials on scenes, read from their records."""

import functools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.places import Place
from raygroup.history.assignments import Assignment, assignment, decisiveness, grouping, settling_row
from raygroup.history.reader import Floats
from raygroup.history.spotter_history import SpotterHistory, read_spotter_history
from raygroup.search_space import AnyTrial, SceneTrial
from raygroup.spotter_config import Detector
from raygroup.storage.layout import DETECTOR_FILE, DONE_FILE, HISTORY_FILE, SPOTTER_FILE
from raygroup.storage.records import with_remedy
from raygroup.tables.history_rows import kept_steps, varied_fields
from raygroup.tables.trial_result import TrialResult, training_time_s
from raygroup.task_groups import TaskGroups

LAST_STEPS = 50
"""Steps over which the last losses are averaged."""


class SpotterTrialResult(TrialResult):
    """One trial of a sweep on scenes, or of stage 1.

    It has no readings and no scores of tasks: those properties raise ConfigError. So do the properties of the grouping of a detector.
    """

    @property
    def any_settings(self) -> AnyTrial:
        """The complete settings of the trial, of any kind."""
        return self.scene_settings

    @functools.cached_property
    def scene_settings(self) -> SceneTrial:
        """The complete settings of the trial."""
        return self.stored.scene_settings()

    @property
    def detector(self) -> Detector:
        """The complete settings of a detector. Raises ConfigError for a whole spotter."""
        if not isinstance(self.scene_settings, Detector):
            raise ConfigError(f"{self.folder}: trains a whole spotter, not a detector alone")
        return self.scene_settings

    @functools.cached_property
    def steps(self) -> SpotterHistory:
        """Every recorded step."""
        try:
            return read_spotter_history(self.folder)
        except DamagedFileError as error:
            raise DamagedFileError(with_remedy(self.folder / HISTORY_FILE, str(error))) from error

    @functools.cached_property
    def damage(self) -> str | None:
        """The damage of a finished trial's settings, history or weights, with the way out. None if they can be read."""
        try:
            _ = (self.any_settings, self.steps)
        except DamagedFileError as error:
            return str(error)
        again = f"delete the trial's {DONE_FILE}, and the sweep's command trains it again"
        return None if self.weights.is_file() else f"{self.weights}: no such file; {again}"

    @property
    def weights(self) -> Place:
        """The weights file of the detector or the spotter. A finished trial has it."""
        return self.folder / (DETECTOR_FILE if isinstance(self.scene_settings, Detector) else SPOTTER_FILE)

    @property
    def has_grouping(self) -> bool:
        """Whether the trial groups tasks. A detector does not."""
        return self.steps.r_tm is not None

    @functools.cached_property
    def assigned(self) -> Assignment:
        """The head of each task after every step, (n, t)."""
        return assignment(self._r_tm)

    @property
    def groups(self) -> TaskGroups:
        """The grouping after the last step."""
        return grouping(self.steps.tasks, self.steps.heads, self.assigned[-1])

    @property
    def decisiveness(self) -> float:
        """Mean over tasks of max P_TM after the last step, from 1/m (undecided) to 1."""
        return decisiveness(self._r_tm[-1])

    @property
    def settling_step(self) -> int:
        """The step from which the last assignment stood unbroken to the end."""
        return int(self.steps.step[settling_row(self.assigned)])

    @property
    def _r_tm(self) -> Floats:
        if self.steps.r_tm is None:
            raise ConfigError(f"{self.folder}: trains a detector, which has no heads and no grouping")
        return self.steps.r_tm

    @property
    def losses(self) -> Mapping[str, float]:
        """Name of a loss -> its mean over the last steps."""
        return last_losses(self.steps)

    @property
    def samples_per_s(self) -> float:
        """Median over steps."""
        return float(np.median(self.steps.samples_per_s))

    @property
    def training_s(self) -> float:
        return training_time_s(self.steps.clock_s)


def last_losses(history: SpotterHistory) -> dict[str, float]:
    """Return the mean of each loss over the last steps."""
    return {name: float(values[-LAST_STEPS:].mean()) for name, values in history.losses.items()}


def computed_losses(trials: Iterable[Mapping[str, float]]) -> list[str]:
    """Return the names of the losses that are not 0 in every trial. A loss whose weight is 0 need not be computed."""
    trials = list(trials)
    return [*dict.fromkeys(name for trial in trials for name in trial if any(other.get(name) for other in trials))]


def spotter_table(trials: Sequence[SpotterTrialResult]) -> pa.Table:
    """Return one row for each trial: the varied fields, the steps, the mean of each loss over the last steps, and the speed.

    Whole spotters also have ``grouping``, ``decisiveness`` and ``settling_step``.
    """
    settings = [trial.any_settings for trial in trials]
    columns: dict[str, list[object]] = {"trial": [trial.label for trial in trials], **varied_fields(settings)}
    columns |= {"seed": [each.seed for each in settings], "steps": [int(trial.steps.step[-1]) for trial in trials]}
    for name in dict.fromkeys(name for trial in trials for name in trial.losses):
        columns[name] = [trial.losses.get(name) for trial in trials]
    if any(trial.has_grouping for trial in trials):
        columns |= {
            "grouping": [str(trial.groups) for trial in trials],
            "decisiveness": [trial.decisiveness for trial in trials],
            "settling_step": [trial.settling_step for trial in trials],
        }
    columns |= {"samples_per_s": [trial.samples_per_s for trial in trials], "training_s": [trial.training_s for trial in trials]}
    return pa.table(columns)


def spotter_history_rows(trials: Sequence[SpotterTrialResult], every: int = 1) -> pa.Table:
    """Return one row for each trial and step: the varied fields, the seed, the step and its losses.

    Whole spotters also have the head of each task after the step, in columns such as ``head_ar``.
    """
    varied = varied_fields([trial.any_settings for trial in trials])
    tables = []
    for number, trial in enumerate(trials):
        rows = kept_steps(len(trial.steps.step), every)
        constants = {"trial": trial.label, **{name: values[number] for name, values in varied.items()}, "seed": trial.any_settings.seed}
        columns = {name: pa.repeat(pa.scalar(value), len(rows)) for name, value in constants.items()}
        columns |= {name: pa.array(values[rows]) for name, values in {"step": trial.steps.step, **trial.steps.losses}.items()}
        if trial.has_grouping:
            columns |= {f"head_{task}": pa.array(trial.assigned[rows, place], pa.int16()) for place, task in enumerate(trial.steps.tasks)}
        tables.append(pa.table(columns))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({"trial": pa.array([], pa.string())})
