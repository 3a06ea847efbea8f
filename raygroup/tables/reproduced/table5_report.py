"""Table 5 as sheets."""

from collections.abc import Iterable, Mapping

from raygroup.paper import EndToEnd
from raygroup.tables.arrangements.arranged_trial import ArrangedTrial
from raygroup.tables.arrangements.arrangement import Arrangement
from raygroup.tables.arrangements.paired_difference import PairedDifference
from raygroup.tables.arrangements.rows import END_TO_END_MEASURES, ArrangementRow
from raygroup.tables.arrangements.stages import MEASURES, StageGain
from raygroup.tables.reproduced.table5 import Table5, table5_json
from raygroup.tables.reproduced.table5_remarks import table5_remarks
from raygroup.tables.sheets.sheet import Sheet, SheetColumn, SheetReport, text_column, whole_columns
from raygroup.tables.spread import Spread
from raygroup.tables.trial_result import TESTED_SPLITS

_STAGES = {2: "2 grouping", 3: "3 fine-tuning"}
_ARRANGEMENT = (text_column("arrangement", "arrangement"), text_column("stage", "stage"), *whole_columns(seeds="seeds"))


def table5_report(table: Table5) -> SheetReport:
    """Return the table as sheets, with end-to-end scores beside the paper's first."""
    stages = (stage_sheet(table.stage3.gains),) if table.stage3 and table.stage3.gains else ()
    baselines = (_baseline_sheet(table),) if table.baseline_gains else ()
    sheets = (_end_to_end_sheet(table), _words_sheet(table), *stages, *baselines, _runs_sheet(table))
    title = f"Table 5: arrangements of heads, sweep {table.sweep.name}"
    return SheetReport("table5", title, sheets, tuple(table5_remarks(table)), table5_json(table))


def stage_sheet(gains: Iterable[StageGain]) -> Sheet:
    """Return what stage 3 gained over stage 2, as a sheet."""
    columns = (text_column("arrangement", "arrangement"), *whole_columns(seeds="seeds"), *_difference_columns())
    rows = [(str(gain.arrangement), _num_seeds(gain), *_differences(gain.differences)) for gain in gains]
    return Sheet("stages", "Stage 3 minus stage 2 on unseen words, in points, each trial paired with its own", columns, tuple(rows))


def _end_to_end_sheet(table: Table5) -> Sheet:
    columns = (
        *_ARRANGEMENT, SheetColumn("f", "F", 1), SheetColumn("precision", "P", 1), SheetColumn("recall", "R", 1),
        text_column("paper_method", "paper's method"), SheetColumn("paper_f", "paper: F", 1), SheetColumn("paper_precision", "P", 1),
        SheetColumn("paper_recall", "R", 1), text_column("source", "published in"),
    )  # fmt: skip
    ours: list[tuple[Arrangement, tuple[object, ...]]] = []
    for row, later in zip(table.rows, (*table.rows[1:], None), strict=True):
        is_last = later is None or later.arrangement != row.arrangement  # the paper's heads are those after stage 3
        scores = (_percent(row.end_to_end_spread(measure)) for measure in END_TO_END_MEASURES)
        ours.append((row.arrangement, (*_row_names(row), *scores, *_paper_cells(row.paper if is_last else None))))
    missing = ((one, _paper_cells(one.paper if table.has_papers_tasks else None)) for one in table.not_run)
    ours += [(one, (str(one), "not run", *(None,) * 4, *paper)) for one, paper in missing]
    ours.sort(key=lambda pair: pair[0].order)
    rows = [*(cells for _, cells in ours), *((*(None,) * 6, *_paper_cells(row)) for row in table.other_authors)]
    return Sheet("end_to_end", "Words found and read on scenes (task 4), in percent, beside the paper's", columns, tuple(rows))


def _words_sheet(table: Table5) -> Sheet:
    headings = {"accuracy": "exact", "one_minus_ned": "1-NED"}
    scores = (SheetColumn(f"{split}_{measure}", f"{split}: {headings[measure]}", 1) for split in TESTED_SPLITS for measure in MEASURES)
    columns = (
        *_ARRANGEMENT, SheetColumn("groups", "heads with tasks", 1), *scores, SheetColumn("parameters", "parameters"),
        SheetColumn("pruned_parameters", "pruned"),
    )  # fmt: skip
    rows = []
    for row in table.rows:
        words = (_percent(row.words(split, measure)) for split in TESTED_SPLITS for measure in MEASURES)
        rows.append((*_row_names(row), row.groups, *words, row.parameters, row.pruned_parameters))
    return Sheet("words", "Words read, in percent, mean over tasks, and sizes of all heads together", columns, tuple(rows))


def _baseline_sheet(table: Table5) -> Sheet:
    columns = (*_ARRANGEMENT[:2], text_column("baseline", "minus"), *whole_columns(seeds="seeds"), *_difference_columns())
    rows = [
        (str(one.gain.arrangement), _STAGES[one.stage], str(one.baseline), _num_seeds(one.gain), *_differences(one.gain.differences))
        for one in table.baseline_gains
    ]
    return Sheet("baselines", "Arrangements minus the baselines on unseen words, in points, paired by seed", columns, tuple(rows))


def _runs_sheet(table: Table5) -> Sheet:
    columns = (
        *_ARRANGEMENT[:2], *whole_columns(seed="seed"), text_column("grouping", "grouping"), *whole_columns(groups="heads with tasks"),
        SheetColumn("unseen_accuracy", "unseen: exact", 1), SheetColumn("unseen_one_minus_ned", "unseen: 1-NED", 1),
        SheetColumn("f", "F", 1), SheetColumn("f_low", "low", 1), SheetColumn("f_high", "high", 1),
        *whole_columns(parameters="parameters", pruned_parameters="pruned"),
    )  # fmt: skip
    rows = [
        (str(row.arrangement), _STAGES[row.stage], trial.seed, str(trial.groups), len(trial.groups.groups), *_run_scores(trial),
         trial.parameters, trial.pruned_parameters)
        for row in table.rows
        for trial in row.trials
    ]  # fmt: skip
    return Sheet("runs", "Every trial", columns, tuple(rows))


def _run_scores(trial: ArrangedTrial) -> tuple[float | None, ...]:
    scenes = trial.end_to_end
    end_to_end = (scenes.f, scenes.low, scenes.high) if scenes else (None,) * 3
    scores = (*(trial.value("unseen", measure) for measure in MEASURES), *end_to_end)
    return tuple(None if score is None else 100 * score for score in scores)


def _row_names(row: ArrangementRow) -> tuple[str, str, int]:
    return str(row.arrangement), _STAGES[row.stage], len({trial.seed for trial in row.trials})


def _paper_cells(row: EndToEnd | None) -> tuple[object, ...]:
    return (row.label, row.f, row.precision, row.recall, row.source) if row else (None,) * 5


def _difference_columns() -> tuple[SheetColumn, ...]:
    headings = {"accuracy": "exact", "one_minus_ned": "1-NED"}
    return tuple(
        SheetColumn(f"{measure}_{part}", headings[measure] if part == "mean" else part, 3 if part == "p" else 2)
        for measure in MEASURES
        for part in ("mean", "low", "high", "p")
    )


def _differences(differences: Mapping[str, PairedDifference]) -> tuple[float | None, ...]:
    """Return mean and interval in points, and p, for each measure."""
    cells: list[float | None] = []
    for difference in map(differences.get, MEASURES):
        ends = (difference.mean, difference.low, difference.high) if difference else (None,) * 3
        cells += [*(None if end is None else 100 * end for end in ends), difference.p if difference else None]
    return tuple(cells)


def _num_seeds(gain: StageGain) -> int:
    return max(difference.count for difference in gain.differences.values())


def _percent(spread: Spread | None) -> Spread | None:
    return None if spread is None else Spread(100 * spread.mean, 100 * spread.sd, spread.count)
