"""Decide which sweeps and trials compare arrangements of heads."""

from collections.abc import Sequence

from raygroup.config import Grouping, Trial
from raygroup.errors import ConfigError
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.tables.arrangements.arranged_trial import start_of
from raygroup.tables.arrangements.arrangement import Arrangement
from raygroup.tables.sweep_choice import unfinished_reason


def compared_trials(sweep: StoredSweep) -> list[StoredTrial]:
    """Return the finished trials of a sweep on words. Controls are left out. Raises ConfigError if settings cannot be read."""
    return [trial for trial in sweep.in_state(TrialState.DONE) if not trial.config().grouping.control]


def arranged_sweep_misfit(sweep: StoredSweep, *, partial: bool) -> str:
    """Return the reason why a sweep does not fit, or nothing.

    With ``partial``, an unfinished sweep can be used as far as it is.
    """
    reason = unfinished_reason(sweep)
    if not sweep.learns_groupings or (reason and not partial):
        return reason
    try:
        trials = compared_trials(sweep)
        configs = [trial.config() for trial in trials]
    except ConfigError as error:
        return f"has a trial that cannot be read: {error}"
    if not trials:
        return reason or "has no trial that is no control"
    upstream = _finetuned_sweep(sweep, trials)
    if upstream:
        return f"is stage 3 of the sweep {upstream}: name that sweep"
    return _settings_misfit(configs)


def _settings_misfit(configs: Sequence[Trial]) -> str:
    arrangements = {Arrangement.of(config) for config in configs}
    if len(arrangements) < 2:
        return f"has only one arrangement of heads ({min(map(str, arrangements))}): vary heads.count"
    if not any(arrangement.is_baseline for arrangement in arrangements):
        return "has neither one head (heads.count 1) nor one head for each task (grouping.method 'one-per-task') to compare with"
    if any(isinstance(sizes, tuple) for config in configs for sizes in (config.heads.embed, config.heads.hidden)):
        return "has heads of different sizes"
    if len({config.words.tasks for config in configs}) > 1:
        return "varies words.tasks"
    if len({(Arrangement.of(config), _without_seed(config)) for config in configs}) > len(arrangements):
        return "varies more than seeds within one arrangement of heads"
    if len({_without_seed(config).replaced("heads.count", 1).replaced("grouping", Grouping()) for config in configs}) > 1:
        return "varies more than heads.count, the grouping and seeds"
    return ""


def _without_seed(trial: Trial) -> Trial:
    """Return everything that the trials of one row must share."""
    return trial.replaced("seed", 0).replaced("training.checkpoint_every", 1)


def _finetuned_sweep(sweep: StoredSweep, trials: Sequence[StoredTrial]) -> str | None:
    """Return the sweep whose grouped trials these trials go on from. A trial of stage 1 has no grouping, so it does not count."""
    for start in filter(None, map(start_of, trials)):
        settings = intact_record(sweep.folder.parent / start / CONFIG_FILE).get("trial", {})
        if "grouping" in settings:
            return start.partition("/")[0]
    return None
