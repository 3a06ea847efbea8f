"""The part of a report on what was asked: the settings that vary, and those that all trials share."""

from collections.abc import Mapping, Sequence
from typing import Any

from raygroup.report.elements import Section, Table, columns
from raygroup.report.trial_facts import TrialFacts
from raygroup.tables.history_rows import flat_fields

_SEED = "seed"


def settings_section(trials: Sequence[TrialFacts]) -> Section:
    """Return the settings of the search space, as far as trials were started with them."""
    title = "What was asked"
    fields = [flat_fields(trial.settings) for trial in trials if trial.settings is not None]
    if not fields:
        return Section("settings", title, ("No trial was started, so no settings are recorded.",))
    values = {name: [each.get(name) for each in fields] for name in fields[0]}
    varied = {name: column for name, column in values.items() if len(set(map(str, column))) > 1 or name == _SEED}
    shared = {name: column[0] for name, column in values.items() if name not in varied}
    lines = () if len(fields) == len(trials) else (f"Settings are those of the {len(fields)} trials that were started.",)
    return Section("settings", title, lines, (_varied_table(varied), _shared_table(shared)))


def _varied_table(varied: Mapping[str, Sequence[Any]]) -> Table:
    rows = tuple((name, ", ".join(map(str, dict.fromkeys(column)))) for name, column in varied.items())
    return Table("The search space: settings that vary, and seeds", columns("setting", "values"), rows)


def _shared_table(shared: Mapping[str, Any]) -> Table:
    rows = tuple((name, str(value)) for name, value in shared.items())
    return Table("Settings of all trials", columns("setting", "value"), rows, is_folded=True)
