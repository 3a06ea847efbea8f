"""Table 2 as sheets and remarks."""

from raygroup.paper import TABLE_2_RUNS, TABLE_2_STEPS
from raygroup.tables.reproduced.runs import missing_remark
from raygroup.tables.reproduced.table2 import HeadCount, Table2, table2_json
from raygroup.tables.sheets.sheet import Sheet, SheetColumn, SheetReport, text_column, whole_columns
from raygroup.tables.stability.stability import FEWEST_RUNS
from raygroup.tables.table3_text import LAPTOP
from raygroup.task_groups import groups_text

COUNTING = (
    "Counting: a run counts for a group if exactly this set of tasks ends up on one head. 'First' is the smallest number of heads, idle "
    "ones included, of the runs that have the group. Groups with equal occurrences and equal first heads share a rank, and so do all "
    "groups that occur once."
)
AGREEMENT = (
    "Agreement of seeds: the adjusted Rand index (ARI) is 1 for equal groupings and about 0 for random ones. The variation of information "
    "(VI), divided by the logarithm of the number of tasks, is 0 for equal groupings and at most 1. 'By chance' is the probability that "
    "random groupings with as many groups agree as well or better. The consensus is the grouping by average linkage on the share of "
    "runs in which two tasks share a head."
)
_LIKELY_REPAIR = "One missing row, B+H+K at 5, 6 or 7 heads, would repair the sums"


def table2_report(table: Table2) -> SheetReport:
    """Return the table, its numbers of heads and its runs as sheets."""
    runs = f"{len(table.trials)} run{'s' if len(table.trials) != 1 else ''}"
    title = f"Table 2: groups of tasks after {_steps_text(table)}, {runs} of sweep {table.sweep.name}"
    sheets = (_groups_sheet(table), _heads_sheet(table), _runs_sheet(table))
    return SheetReport("table2", title, sheets, tuple(table2_remarks(table)), table2_json(table))


def table2_remarks(table: Table2) -> list[str]:
    """Return what the numbers mean and what they cannot show, one paragraph each."""
    lines = [COUNTING, *missing_remark(table.missing, len(table.trials))]
    if table.has_papers_tasks:
        counts = "; ".join(table.paper_inconsistencies)
        lines.append(f"The paper's printed table ({TABLE_2_RUNS} runs) cannot be right as it stands: {counts}. {_LIKELY_REPAIR}.")
    else:
        lines.append("These runs have other tasks than the paper's, so its table does not stand beside ours.")
    lines += [f"WARNING: our table is impossible: {line}." for line in table.inconsistencies]
    unstable = [trial.label for trial in table.trials if trial.unstable]
    if unstable:
        held = f"{table.settle:,} step{'s' if table.settle != 1 else ''}"
        lines.append(
            f"Unstable: these runs had not held their last grouping for {held}, so their groups may still change: {'; '.join(unstable)}."
        )
    lines += _agreement_remarks(table)
    is_short = table.has_papers_tasks and table.trials[0].steps < TABLE_2_STEPS
    return [*lines, LAPTOP] if is_short else lines


def _agreement_remarks(table: Table2) -> list[str]:
    lines = [AGREEMENT] if table.stability else []
    few = sorted({len(count.trials) for count in table.head_counts if len(count.trials) < FEWEST_RUNS})
    if few:
        lines.append(
            f"Seeds: {' or '.join(map(str, few))} for each number of heads. With fewer than {FEWEST_RUNS} seeds no significance is "
            "claimed, however small the probability by chance."
        )
    overall = table.stability
    if overall and overall.is_significant is not None:
        verdict = "more than chance explains" if overall.is_significant else "no more than chance explains"
        lines.append(
            f"All {overall.num_runs} runs together, each against random groupings with as many groups: ARI {overall.rand.mean:.2f}, by "
            f"chance {_p_text(overall.chance.p)}. They agree {verdict}. Consensus: {groups_text(overall.consensus)}."
        )
    return lines


def _steps_text(table: Table2) -> str:
    steps = table.trials[0].steps
    return f"{steps:,} steps" if steps == TABLE_2_STEPS else f"{steps:,} steps (paper: {TABLE_2_STEPS:,})"


def _groups_sheet(table: Table2) -> Sheet:
    ours = whole_columns(rank="rank", occurrences="occurrences", first_heads="first", unstable="unstable")
    papers = whole_columns(paper_rank="paper: rank", paper_occurrences="occurrences", paper_first_heads="first")
    columns = (text_column("group", "group"), *whole_columns(tasks="tasks"), *ours, *(papers if table.has_papers_tasks else ()))
    rows = []
    for row in table.rows:
        sides = (row.ours, row.paper) if table.has_papers_tasks else (row.ours,)
        numbers = [(side.rank, side.num_occurrences, side.first_heads) if side else (None,) * 3 for side in sides]
        numbers[0] = (*numbers[0], row.num_unstable if row.ours else None)
        rows.append((row.label, len(row.tasks), *(number for side_numbers in numbers for number in side_numbers)))
    title = "Groups and their occurrences" + (", beside the paper's" if table.has_papers_tasks else "")
    return Sheet("groups", title, columns, tuple(rows))


def _heads_sheet(table: Table2) -> Sheet:
    columns = (
        *whole_columns(heads="heads", seeds="seeds"), SheetColumn("groups", "groups", 1), SheetColumn("idle", "idle heads", 1),
        SheetColumn("max_p_tm", "max P_TM", 2), SheetColumn("settling_step", "settled at"), *whole_columns(unstable="unstable"),
        SheetColumn("ari", "ARI", 2), SheetColumn("vi", "VI", 2), SheetColumn("by_chance", "by chance", 3),
        text_column("consensus", "consensus"),
    )  # fmt: skip
    return Sheet("heads", "Spread and agreement over seeds, for each number of heads", columns, tuple(map(_head_row, table.head_counts)))


def _head_row(count: HeadCount) -> tuple[object, ...]:
    agreement: tuple[object, ...] = (None,) * 4
    if count.stability:
        agreement = (
            count.stability.rand.mean, count.stability.information.mean, count.stability.chance.p, groups_text(count.stability.consensus),
        )  # fmt: skip
    spreads = (count.groups, count.idle, count.decisiveness, count.settling_step)
    return (count.heads, len(count.trials), *spreads, count.num_unstable, *agreement)


def _runs_sheet(table: Table2) -> Sheet:
    columns = (
        *whole_columns(heads="heads", seed="seed"), text_column("grouping", "grouping"), *whole_columns(groups="groups", idle="idle heads"),
        SheetColumn("max_p_tm", "max P_TM", 2), *whole_columns(settling_step="settled at"), text_column("flag", ""),
    )  # fmt: skip
    rows = [
        (
            trial.config.heads.count, trial.config.seed, str(trial.grouping), len(trial.grouping.groups), len(trial.grouping.idle),
            trial.decisiveness, trial.settling_step, "unstable" if trial.unstable else "",
        )
        for trial in table.trials
    ]  # fmt: skip
    return Sheet("runs", "Grouping of each run at its last step", columns, tuple(rows))


def _p_text(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else "below 0.001"
