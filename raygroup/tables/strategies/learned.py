"""The groupings that trials learned on the data of a group cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from raygroup.config import Grouping, Loss, Training, Trial
from raygroup.errors import RaygroupError
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.records import read_record
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.trial_result import TrialResult
from raygroup.task_groups import Groups

_NOT_OF_THE_METHOD = ("groups",)
_OF_TRAINING = ("assignment_learning_rate", "assignment_learning_rate_changes")


@dataclass(frozen=True)
class LearnedRun:
    """One trial that learned a grouping."""

    trial: TrialResult
    groups: Groups
    cost_s: float
    """Processor seconds of the training, or wall seconds where no processor time is known."""


@dataclass(frozen=True)
class LearnedMethod:
    """Trials that differ in their seeds alone."""

    title: str
    heads: int
    runs: tuple[LearnedRun, ...]


def learned_methods(sweeps: Sequence[StoredSweep], data: str) -> tuple[LearnedMethod, ...]:
    """Return the methods of all finished trials that learned a grouping on these words and weights, by title and number of heads.

    Trials that cannot be read are left out: ``runs show`` names them. A trial that two sweeps have counts once.
    """
    found: dict[tuple[str, int], dict[Trial, LearnedRun]] = {}
    for sweep in sweeps:
        for run in _runs(sweep, data):
            settings = run.trial.settings
            found.setdefault((method_title(settings), settings.heads.count), {}).setdefault(settings, run)
    return tuple(LearnedMethod(title, heads, tuple(runs.values())) for (title, heads), runs in sorted(found.items()))


def _runs(sweep: StoredSweep, data: str) -> Iterator[LearnedRun]:
    if not sweep.learns_groupings:
        return
    for stored in sweep.in_state(TrialState.DONE):
        trial = TrialResult(stored)
        try:
            settings = trial.settings
            is_learned = not settings.grouping.is_fixed and settings.heads.count > 1
            if not is_learned or read_record(trial.folder / CONFIG_FILE)["data"] != data:
                continue
            cost_s = float(stored.outcome().get("cpu_s", trial.training_s))
            yield LearnedRun(trial, trial.groups.groups, cost_s)
        except RaygroupError:
            continue


def method_title(trial: Trial) -> str:
    """Return a method's name: what differs from the paper's settings, such as ``gumbel, temperature 2.5``."""
    parts = [trial.grouping.method]
    sections = ((trial.grouping, Grouping(), ""), (trial.loss, Loss(), "loss."), (trial.training, Training(), ""))
    for section, paper, prefix in sections:
        for each in fields(section):
            name = each.name
            left_out = name in ("method", *_NOT_OF_THE_METHOD) or (isinstance(section, Training) and name not in _OF_TRAINING)
            if not left_out and getattr(section, name) != getattr(paper, name):
                value = getattr(section, name)
                parts.append(f"{prefix}{name}" if value is True else f"{prefix}{name} {value}")
    return ", ".join(parts)
