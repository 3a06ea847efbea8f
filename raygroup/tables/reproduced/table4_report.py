"""Table 4 as sheets and remarks."""

from collections.abc import Iterator

from raygroup.tables.reproduced.rank_correlation import RankCorrelation
from raygroup.tables.reproduced.runs import missing_remark
from raygroup.tables.reproduced.table4 import PAPER_CLASSES, Table4, table4_json
from raygroup.tables.sheets.sheet import Sheet, SheetColumn, SheetReport, text_column, whole_columns

FORMULA = (
    f"The recomputed parameters follow from embed size, hidden size and characters alone. Before pruning a head has {PAPER_CLASSES:,} "
    "characters, a number that the paper does not print. The paper's numbers leave out the begin and the end of a word, which our heads "
    "count."
)
_IDLE = "Heads without a task are left out of rho."


def table4_report(table: Table4) -> SheetReport:
    """Return the paper's table beside the recomputed one, and our heads, as sheets."""
    title = "Table 4: heads of different sizes" + (f", sweep {table.sweep.name}" if table.sweep else "")
    ours = (_heads_sheet(table), _runs_sheet(table)) if table.runs else ()
    return SheetReport("table4", title, (_paper_sheet(table), *ours), tuple(_remarks(table)), table4_json(table))


def correlation_text(correlation: RankCorrelation) -> str:
    """Return rho with its interval and p as text."""
    interval = "" if correlation.low is None else f" (95 % interval {correlation.low:.2f} to {correlation.high:.2f})"
    kind = "exact" if correlation.exact else "drawn"
    return f"rho {correlation.rho:.2f}{interval}, permutation p {correlation.p:.3f} ({kind}, {correlation.count} heads)"


def _remarks(table: Table4) -> Iterator[str]:
    yield FORMULA
    if table.paper_correlation:
        yield f"The paper's heads, parameters before pruning against characters: {correlation_text(table.paper_correlation)}."
    if table.sweep is None:
        yield f"Ours is missing: {table.why_none}."
        return
    yield from missing_remark(table.missing, len(table.runs))
    unstable = [run.trial.label for run in table.runs if run.trial.unstable]
    if unstable:
        yield f"Unstable, so their groups may still change: {'; '.join(unstable)}."
    mean = table.mean_rho
    if mean is None:
        yield f"No run has a rho: it needs three heads with tasks. {_IDLE}"
    elif mean.low is None or mean.high is None:
        yield f"One run has a rho of {mean.mean:.2f}, and says nothing about other seeds. {_IDLE}"
    else:
        low, high = max(mean.low, -1), min(mean.high, 1)
        yield f"Mean rho of {mean.count} runs: {mean.mean:.2f}, Student's 95 % interval {low:.2f} to {high:.2f}. {_IDLE}"


def _paper_sheet(table: Table4) -> Sheet:
    columns = (
        *whole_columns(embed="embed", hidden="hidden"), text_column("task", "task"), *whole_columns(characters="characters"),
        SheetColumn("parameters_m", "paper: M", 2), SheetColumn("recomputed_m", "recomputed", 2),
        SheetColumn("pruned_parameters_m", "paper: M pruned", 2), SheetColumn("pruned_recomputed_m", "recomputed", 2),
    )  # fmt: skip
    rows = tuple(
        (
            head.printed.embed, head.printed.hidden, head.printed.task, head.printed.num_characters, head.printed.parameters_m,
            head.parameters / 1e6, head.printed.pruned_parameters_m, head.pruned_parameters / 1e6,
        )
        for head in table.paper
    )  # fmt: skip
    return Sheet("paper", "The paper's heads, with parameters in millions as printed and recomputed", columns, rows)


def _heads_sheet(table: Table4) -> Sheet:
    columns = (
        text_column("trial", "trial"), *whole_columns(head="head", embed="embed", hidden="hidden"), text_column("tasks", "tasks"),
        *whole_columns(characters="characters", parameters="parameters", pruned_parameters="pruned"),
    )  # fmt: skip
    rows = [
        (
            run.trial.label, head.head, head.embed, head.hidden, "+".join(head.tasks) or "(idle)", head.num_characters, head.parameters,
            head.pruned_parameters,
        )
        for run in table.runs
        for head in run.heads
    ]  # fmt: skip
    return Sheet("heads", "Our heads and the tasks that they got", columns, tuple(rows))


def _runs_sheet(table: Table4) -> Sheet:
    columns = (
        text_column("trial", "trial"), SheetColumn("rho", "rho", 2), SheetColumn("low", "low", 2), SheetColumn("high", "high", 2),
        SheetColumn("p", "p", 3), *whole_columns(heads="heads with tasks"), SheetColumn("max_p_tm", "max P_TM", 2),
        *whole_columns(settling_step="settled at"), text_column("flag", ""),
    )  # fmt: skip
    rows = []
    for run in table.runs:
        rho = run.correlation
        numbers = (rho.rho, rho.low, rho.high, rho.p) if rho else (None,) * 4
        busy = sum(bool(head.tasks) for head in run.heads)
        ends = (run.trial.decisiveness, run.trial.settling_step, "unstable" if run.trial.unstable else "")
        rows.append((run.trial.label, *numbers, busy, *ends))
    return Sheet("runs", "Spearman's rho of a head's parameters against the characters of its tasks", columns, tuple(rows))
