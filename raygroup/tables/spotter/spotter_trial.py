"""The results of trials on scenes, read from their records."""

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from raygroup.errors import DamagedFileError
from raygroup.files.places import Place
from raygroup.history.spotter_history import SpotterHistory, read_spotter_history
from raygroup.spotter_config import Detector
from raygroup.storage.layout import DETECTOR_FILE, DONE_FILE, HISTORY_FILE
from raygroup.storage.records import with_remedy
from raygroup.tables.history_rows import kept_steps, varied_fields
from raygroup.tables.trial_result import TrialResult, training_time_s

LAST_STEPS = 50
"""Steps over which the last losses are averaged."""


class SpotterTrialResult(TrialResult):
    """One trial of a sweep on scenes.

    It has no grouping, no readings and no tasks: those properties raise ConfigError.
    """

    @functools.cached_property
    def detector(self) -> Detector:
        """The complete settings of the trial."""
        return self.stored.detector()

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
            _ = (self.detector, self.steps)
        except DamagedFileError as error:
            return str(error)
        again = f"delete the trial's {DONE_FILE}, and the sweep's command trains it again"
        return None if self.weights.is_file() else f"{self.weights}: no such file; {again}"

    @property
    def weights(self) -> Place:
        """The weights file of the detector. A finished trial has it."""
        return self.folder / DETECTOR_FILE

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


def spotter_table(trials: Sequence[SpotterTrialResult]) -> pa.Table:
    """Return one row for each trial: the varied fields, the steps, the mean of each loss over the last steps, and the speed."""
    settings = [trial.detector for trial in trials]
    columns: dict[str, list[object]] = {"trial": [trial.label for trial in trials], **varied_fields(settings)}
    columns |= {"seed": [each.seed for each in settings], "steps": [int(trial.steps.step[-1]) for trial in trials]}
    for name in dict.fromkeys(name for trial in trials for name in trial.losses):
        columns[name] = [trial.losses.get(name) for trial in trials]
    columns |= {"samples_per_s": [trial.samples_per_s for trial in trials], "training_s": [trial.training_s for trial in trials]}
    return pa.table(columns)


def spotter_history_rows(trials: Sequence[SpotterTrialResult], every: int = 1) -> pa.Table:
    """Return one row for each trial and step: the varied fields, the seed, the step and its losses."""
    varied = varied_fields([trial.detector for trial in trials])
    tables = []
    for number, trial in enumerate(trials):
        rows = kept_steps(len(trial.steps.step), every)
        constants = {"trial": trial.label, **{name: values[number] for name, values in varied.items()}, "seed": trial.detector.seed}
        columns = {name: pa.repeat(pa.scalar(value), len(rows)) for name, value in constants.items()}
        columns |= {name: pa.array(values[rows]) for name, values in {"step": trial.steps.step, **trial.steps.losses}.items()}
        tables.append(pa.table(columns))
    return pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({"trial": pa.array([], pa.string())})
