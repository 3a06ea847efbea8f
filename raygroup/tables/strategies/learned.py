"""The groupings that trials learned on the data of a group cache."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from raygroup.config import Grouping, Loss, Training, Trial
from raygroup.errors import RaygroupError
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.strategies.evidence import LearnedGrouping
from raygroup.strategies.methods import dmtg, gumbel
from raygroup.tables.trial_result import TrialResult
from raygroup.task_groups import Groups

_NOT_OF_THE_METHOD = ("method", "groups")
_LEARNING = ("gumbel", "probe")
_OF_TRAINING = ("assignment_learning_rate", "assignment_learning_rate_changes")
PAPER, DMTG = gumbel.STRATEGY.title, dmtg.STRATEGY.title
_DMTG_TEMPERATURES = (2.5, 4.0)


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


def learned_methods(sweeps: Sequence[StoredSweep], data: str, scoring_seeds: Sequence[int]) -> tuple[tuple[LearnedMethod, ...], int]:
    """Return the methods of all finished trials that learned a grouping on these words and weights, by title and number of heads.

    Seeds that choose are not the seeds that score, so trials with one of ``scoring_seeds`` are left out. Their number comes second. Trials
    that cannot be read are left out too: ``runs show`` names them. A trial that two sweeps have counts once.
    """
    found: dict[tuple[str, int], dict[Trial, LearnedRun]] = {}
    left_out: set[Trial] = set()
    for sweep in sweeps:
        for run in _runs(sweep, data):
            settings = run.trial.settings
            if settings.seed in scoring_seeds:
                left_out.add(settings)
            else:
                found.setdefault((method_title(settings), settings.heads.count), {}).setdefault(settings, run)
    methods = tuple(LearnedMethod(title, heads, tuple(runs.values())) for (title, heads), runs in sorted(found.items()))
    return methods, len(left_out)


def _runs(sweep: StoredSweep, data: str) -> Iterator[LearnedRun]:
    if not sweep.learns_groupings:
        return
    for stored in sweep.in_state(TrialState.DONE):
        trial = TrialResult(stored)
        try:
            settings = trial.settings
            is_learned = settings.grouping.method in _LEARNING and settings.heads.count > 1
            if not is_learned or trial.data != data:
                continue
            cost_s = float(stored.outcome().get("cpu_s", trial.training_s))
            yield LearnedRun(trial, trial.groups.groups, cost_s)
        except RaygroupError:
            continue


def learned_groupings(methods: Sequence[LearnedMethod]) -> tuple[LearnedGrouping, ...]:
    """Return the runs of the methods that are strategies of the registry, as evidence."""
    return tuple(
        LearnedGrouping(method=name, heads=method.heads, groups=run.groups, seed=run.trial.settings.seed, cost_s=run.cost_s)
        for method in methods
        for run in method.runs
        if (name := strategy_name(run.trial.settings))
    )


def strategy_name(trial: Trial) -> str:
    """Return the strategy of the registry whose settings a trial has: ``gumbel``, ``dmtg`` or ``probe``. Empty for another way."""
    if trial.grouping.method == "probe":
        return "probe"
    title = method_title(trial)
    return "gumbel" if title == PAPER else "dmtg" if title.startswith(DMTG) else ""


def method_title(trial: Trial) -> str:
    """Return a method's name: what differs from the paper's settings, such as ``gumbel, penalty_while_idle``."""
    changed = dict(_changed(trial))
    if trial.grouping.method == "gumbel" and not changed:
        return PAPER
    temperature = changed.get("temperature")
    if temperature in _DMTG_TEMPERATURES and changed == {"temperature": temperature, "base_coefficient": 0.0, "loss.grouping": 0.0}:
        return f"{DMTG}, temperature {temperature:g}"
    parts = [
        name if value is True else f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in changed.items()
    ]
    return ", ".join([trial.grouping.method, *parts])


def _changed(trial: Trial) -> Iterator[tuple[str, Any]]:
    """Yield the settings of a method that differ from the paper's."""
    for section, paper, prefix in ((trial.grouping, Grouping(), ""), (trial.loss, Loss(), "loss."), (trial.training, Training(), "")):
        for name in (each.name for each in fields(section)):
            is_of_the_method = name in _OF_TRAINING if isinstance(section, Training) else name not in _NOT_OF_THE_METHOD
            if is_of_the_method and getattr(section, name) != getattr(paper, name):
                yield prefix + name, getattr(section, name)
