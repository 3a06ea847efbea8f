"""``runs show`` of a sweep of group heads: its banks, their scores, and the groups that are still to train."""

from typing import Any

from rich.console import Console
from rich.text import Text

from raygroup.errors import ConfigError
from raygroup.runs.shown_trials import print_failure, show_json_and_damage, shown_label, shown_values
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.group_heads.bank_report import COLUMNS, NOTE, bank_cells, sweep_lines
from raygroup.tables.group_heads.bank_trial import MEASURES, BankTrialResult
from raygroup.tables.trial_result import TESTED_SPLITS
from raygroup.terminal import Column, fitted_table, print_line, titled


def show_banks(sweep: StoredSweep, out: Console, *, as_json: bool) -> None:
    """Print the hypothesis, the banks, the reasons of failures, and how many groups have a head."""
    banks = [BankTrialResult(trial) for trial in sweep.trials]
    trials = [_bank_values(bank) for bank in banks]
    show_json_and_damage(sweep, trials, as_json=as_json)
    if as_json:
        return
    print_line(out, sweep.hypothesis)
    rows = [list(map(Text, _cells(bank, values))) for bank, values in zip(banks, trials, strict=True)]
    columns = [COLUMNS[0], Column("state"), *COLUMNS[1:]]
    out.print(titled(str(sweep.folder), fitted_table(columns, rows, out.width)))
    out.print(NOTE, style="dim", soft_wrap=True)
    for values in trials:
        print_failure(values, out)
    if any(bank.is_readable for bank in banks):
        for line in sweep_lines(sweep):
            print_line(out, line)


def _bank_values(bank: BankTrialResult) -> dict[str, Any]:
    """Return what is known of a bank. Values that it does not have yet are None."""
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
    return shown_values(bank.stored, values, damaged)


def _cells(bank: BankTrialResult, values: dict[str, Any]) -> list[str]:
    scores = [""] * (len(COLUMNS) - 1) if values["group_heads"] is None else bank_cells(bank)[1:]
    return [shown_label(values), bank.state, *scores]
