"""The live table of a run, for a terminal of any width."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from raygroup.runtime.planning.jobs import WordJob
from raygroup.runtime.trial_monitor import DONE, FAILED, RUNNING, STARTING, WAITING, TrialMonitor, TrialProgress
from raygroup.tables.spotter.spotter_trial import computed_losses
from raygroup.terminal import Column, fitted_table, seconds_text

_STYLES = {RUNNING: "cyan", STARTING: "yellow", DONE: "green", FAILED: "red", WAITING: "dim"}
_COLUMNS = (
    Column("trial", shortest=10),
    Column("state"),
    Column("step", right=True),
    Column("left", right=True, rank=1),
    Column("words/s", right=True, rank=3),
    Column("recognition", right=True, rank=4),
    Column("grouping loss", right=True, rank=5),
    Column("task", right=True, rank=6),
    Column("decided", right=True, rank=2),
    Column("grouping now", shortest=10),
)
_LOSSES = ("integrated", "grouping", "task")
_SCENE_COLUMNS = (*_COLUMNS[:4], Column("samples/s", right=True, rank=2))
_FEWEST_ROWS = 3
_OTHER_LINES = 4
"""Lines of the terminal that the table leaves free."""


def live_view(monitor: TrialMonitor) -> Iterator[Table | Text]:
    """Yield the title and the table. No line is wider than the terminal."""
    yield Text(monitor.title(), "bold", no_wrap=True, overflow="ellipsis")
    trials = monitor.trials(max(monitor.console.height - _OTHER_LINES, _FEWEST_ROWS))
    labels = short_labels([trial.job.label for trial in trials])
    losses = _scene_losses(trials)
    columns: tuple[Column, ...] = _COLUMNS
    if losses is not None:
        has_grouping = any("grouping" in trial.facts for trial in trials)
        columns = (*_SCENE_COLUMNS, *(Column(loss_title(name), right=True, rank=3) for name in losses), *_COLUMNS[-1:] * has_grouping)
    rows = [_cells(label, trial, columns, losses) for label, trial in zip(labels, trials, strict=True)]
    yield fitted_table(columns, rows, monitor.console.width)


def loss_title(name: str) -> str:
    """Return the name of a loss for readers."""
    return name.replace("_", " ")


def _scene_losses(trials: Sequence[TrialProgress]) -> list[str] | None:
    """Return the losses of trials of stage 1 and on scenes, as far as they are known. Trials that group words give None."""
    if not trials or any(isinstance(trial.job, WordJob) for trial in trials):
        return None
    return computed_losses(trial.facts.get("losses", {}) for trial in trials)


def short_labels(labels: Sequence[str]) -> list[str]:
    """Leave out the words that all labels share, such as ``seed=0``. No label becomes empty."""
    shared = set.intersection(*(set(label.split()) for label in labels)) if len(labels) > 1 else set()
    return [" ".join(word for word in label.split() if word not in shared) or label for label in labels]


def _cells(label: str, trial: TrialProgress, columns: Sequence[Column], losses: Sequence[str] | None) -> list[Text]:
    style = _STYLES[trial.state]
    measurements = _measurements(trial, losses) if trial.facts else [""] * (len(columns) - 3)
    texts = [label, trial.state, f"{trial.step}/{trial.job.steps}", *measurements]
    quiet = "" if trial.state in (RUNNING, STARTING) else "dim"
    return [Text(text, style if column.name == "state" else quiet) for column, text in zip(columns, texts, strict=True)]


def _measurements(trial: TrialProgress, names: Sequence[str] | None) -> list[str]:
    """Return the cells from ``left`` on. ``names`` are the losses of trials on scenes."""
    facts = trial.facts
    left = seconds_text(facts["left_s"]) if trial.state == RUNNING else ""
    if names is not None:
        groups = [facts["grouping"]] if "grouping" in facts else []
        return [left, f"{facts['samples_per_s']:.1f}", *(_loss_text(facts, name) for name in names), *groups]
    losses = [_loss_text(facts, name) for name in _LOSSES]
    if "grouping" not in facts:  # stage 1, beside the trials that start from it
        return [left, f"{facts.get('samples_per_s', 0):.0f}", _loss_text(facts, "recognition"), *losses[1:], "", ""]
    return [left, f"{facts['words_per_s']:.0f}", *losses, f"{facts['decisiveness']:.2f}", facts["grouping"]]


def _loss_text(facts: Mapping[str, Any], name: str) -> str:
    return f"{facts['losses'][name]:.3f}" if name in facts["losses"] else ""
