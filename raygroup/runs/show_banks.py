"""``runs show`` of a sweep of group heads: its banks, their scores, and the groups that are still to train."""

from typing import Any

from rich.console import Console
from rich.text import Text

from raygroup.errors import ConfigError
from raygroup.runs.find import warn_of_damage
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.group_heads.bank_report import COLUMNS, NOTE, bank_cells, coverage_lines
from raygroup.tables.group_heads.bank_trial import MEASURES, BankTrialResult
from raygroup.tables.group_heads.group_cache import group_cache
from raygroup.tables.trial_result import TESTED_SPLITS
from raygroup.terminal import Column, fitted_table, print_json, print_line, print_warning, titled


def show_banks(sweep: StoredSweep, out: Console, *, as_json: bool) -> None:
    """Print the hypothesis, the banks, the reasons of failures, and how many groups have a head."""
    banks = [BankTrialResult(trial) for trial in sweep.trials]
    trials = [_bank_values(bank) for bank in banks]
    if as_json:
        shown = {"name": sweep.name, "folder": str(sweep.folder), "hypothesis": sweep.hypothesis, "trials": trials}
        print_json(shown | {"damaged": list(sweep.damage)})
    warn_of_damage([sweep])
    for damage in (damage for trial in trials for damage in trial["damaged"]):
        print_warning(damage)
    if as_json:
        return
    print_line(out, sweep.hypothesis)
    rows = [list(map(Text, _cells(bank, values))) for bank, values in zip(banks, trials, strict=True)]
    columns = [COLUMNS[0], Column("state"), *COLUMNS[1:]]
    out.print(titled(str(sweep.folder), fitted_table(columns, rows, out.width)))
    out.print(NOTE, style="dim", soft_wrap=True)
    for values in trials:
        if values["declared"] and values["failure"]:
            print_line(out, f"{values['label']} failed at step {values['failure']['step']}: {values['failure']['reason']}")
    if any(bank.is_readable for bank in banks):
        for line in coverage_lines(group_cache([sweep])):
            print_line(out, line)


def _bank_values(bank: BankTrialResult) -> dict[str, Any]:
    """Return what is known of a bank. Values that it does not have yet are None."""
    outcome = bank.stored.outcome() if bank.state == TrialState.FAILED else {}
    names = [f"{split}_{measure}" for split in TESTED_SPLITS for measure in MEASURES]
    values: dict[str, Any] = dict.fromkeys(("group_heads", *names))
    damaged = []
    try:
        if bank.state == TrialState.DONE and bank.damage:
            damaged.append(bank.damage)
        elif bank.state == TrialState.DONE:
            values |= {"group_heads": list(bank.group_names)}
            values |= {f"{split}_{measure}": bank.mean_score(split, measure) for split in TESTED_SPLITS for measure in MEASURES}
    except ConfigError as error:
        damaged.append(str(error))
    return {
        "id": bank.id, "label": bank.label, "declared": bank.stored.declared, "state": str(bank.state), **values, "damaged": damaged,
        "failure": {name: outcome.get(name) for name in ("step", "reason", "at")} if outcome else None,
    }  # fmt: skip


def _cells(bank: BankTrialResult, values: dict[str, Any]) -> list[str]:
    label = bank.label if bank.stored.declared else f"{bank.label} (no longer in the sweep)"
    if values["group_heads"] is None:
        return [label, bank.state, *[""] * (len(COLUMNS) - 1)]
    return [label, bank.state, *bank_cells(bank)[1:]]
