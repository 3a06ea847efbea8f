"""Log the finished trials of a sweep to MLflow, one run for each.

A tag of the run holds the trial's id, so a trial that was logged before gets no second run.
"""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError, one_line
from raygroup.report.trial_facts import TrialFacts
from raygroup.storage.layout import REPORT_FILE
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.history_rows import flat_fields
from raygroup.tables.spotter.spotter_trial import SpotterTrialResult
from raygroup.tables.stage1.stage1_trial import Stage1TrialResult
from raygroup.tables.sweep_result import SweepResult
from raygroup.tables.trial_result import TESTED_SPLITS, TrialResult, mean_score

TRIAL_TAG = "raygroup.trial_id"
"""The tag of a run that holds the id of its trial."""


@dataclass(frozen=True)
class LoggedRuns:
    """The runs of a sweep's finished trials."""

    experiment: str
    """Name of the MLflow experiment, which is that of the sweep."""
    new: tuple[str, ...]
    """Ids of the trials that got a run."""
    known: tuple[str, ...]
    """Ids of the trials that had one. Their runs got the new report."""


def require_mlflow() -> None:
    """Raise ConfigError if MLflow is not installed."""
    try:
        from mlflow.tracking import MlflowClient  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"--mlflow: {error.name} is not installed: pip install 'raygroup[mlflow]'") from error


def log_runs(result: SweepResult, report: bytes, uri: str) -> LoggedRuns:
    """Log each finished trial as a run: its settings, its scores, and the report as an artifact.

    Raises ConfigError if MLflow is not installed, or if the server or store at ``uri`` refuses.
    """
    require_mlflow()
    from mlflow.exceptions import MlflowException

    try:
        return _log_runs(result, report, uri)
    except MlflowException as error:
        raise ConfigError(f"--mlflow {uri}: {one_line(str(error))}") from error


def run_metrics(trial: TrialResult) -> dict[str, float]:
    """Return the scores of a finished trial by name. Those that do not exist are left out."""
    return {name: value for name, value in _metrics(trial) if math.isfinite(value)}


def _log_runs(result: SweepResult, report: bytes, uri: str) -> LoggedRuns:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(result.name)
    experiment_id = client.create_experiment(result.name) if experiment is None else experiment.experiment_id
    new: list[str] = []
    known: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / REPORT_FILE
        path.write_bytes(report)
        for trial in result.readable:
            runs = client.search_runs([experiment_id], f"tags.`{TRIAL_TAG}` = '{trial.id}'", max_results=1)
            (known if runs else new).append(trial.id)
            run_id = runs[0].info.run_id if runs else _new_run(client, experiment_id, result, trial)
            client.log_artifact(run_id, str(path))
            client.set_terminated(run_id)
    return LoggedRuns(result.name, tuple(new), tuple(known))


def _new_run(client: Any, experiment_id: str, result: SweepResult, trial: TrialResult) -> str:
    tags = {TRIAL_TAG: trial.id, "raygroup.sweep": result.name, "raygroup.data": result.stored.data}
    if not isinstance(trial, SpotterTrialResult | BankTrialResult):
        tags["raygroup.grouping"] = str(trial.groups)
    run_id: str = client.create_run(experiment_id, tags=tags, run_name=trial.label).info.run_id
    for name, value in flat_fields(TrialFacts(trial).settings).items():
        client.log_param(run_id, name, value)
    for name, value in run_metrics(trial).items():
        client.log_metric(run_id, name, value)
    return run_id


def _metrics(trial: TrialResult) -> Iterator[tuple[str, float]]:
    yield "training_s", trial.training_s
    if isinstance(trial, SpotterTrialResult):
        yield from trial.losses.items()
        yield from trial.mean_scores.items() if isinstance(trial, Stage1TrialResult) else ()
        return
    if isinstance(trial, BankTrialResult):
        yield from trial.mean_scores.items()
        return
    yield "decisiveness", trial.decisiveness
    yield "settling_step", float(trial.settling_step)
    for split in TESTED_SPLITS:
        mean = mean_score(trial.scores(split))
        yield f"{split}_accuracy", mean.accuracy
        yield f"{split}_one_minus_ned", mean.one_minus_ned
    for task in trial.task_results():
        if task.task is not None:
            yield f"{task.split}_accuracy.{task.task}", task.scores["classifier"].exact.mean
