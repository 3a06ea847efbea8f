"""The results of tasks as columns: an Arrow table, JSON rows, and a table that fits a terminal."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from rich.table import Table
from rich.text import Text

from raygroup.scoring.predictions import ROUTINGS
from raygroup.scoring.word_intervals import WordInterval
from raygroup.tables.task_results import TaskResult, TaskScores
from raygroup.terminal import Column, fitted_table

_FLOATS = [f"{measure}{end}" for measure in ("accuracy", "one_minus_ned") for end in ("", "_low", "_high")]
_COUNTS = ("wrong_task", "wrong_head", "head", "parameters", "pruned_parameters")
SCORE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("trial", "split", "task")), ("words", pa.int64()), *((name, pa.float64()) for name in _FLOATS),
        ("nll", pa.float64()), *((name, pa.int64()) for name in _COUNTS), ("ms_per_word", pa.float64()),
    ]
)  # fmt: skip
_COLUMNS = (
    Column("task", shortest=8),
    Column("head", right=True),
    Column("words", right=True, rank=1),
    Column("unseen exact", right=True),
    Column("unseen 1-NED", right=True, rank=2),
    Column("unseen NLL", right=True, rank=5),
    Column("by true task", right=True, rank=7),
    Column("new exact", right=True, rank=3),
    Column("new 1-NED", right=True, rank=8),
    Column("new NLL", right=True, rank=9),
    Column("wrong head", right=True),
    Column("wrong task", right=True, rank=10),
    Column("parameters", right=True, rank=11),
    Column("pruned", right=True, rank=6),
    Column("ms a word", right=True, rank=4),
)
NO_TASK = "?"
"""The name of words without a task in tables."""
_NOTES = {
    "unseen exact": "ranges: 95 % over words",
    "unseen NLL": "loss of a character under the head of the true task, teacher-forced",
    "wrong head": "unseen words that the classifier sent to another head",
    "wrong task": "those sent to another task, also on the same head",
    "by true task": "unseen exact match without such errors",
    "pruned": "parameters of the head with the characters of its tasks alone",
    "ms a word": "without the trunk, noisy",
}
"""Column -> what its heading does not say."""


def task_score_table(trials: Sequence[tuple[str, Sequence[TaskResult]]], routing: str) -> pa.Table:
    """Return one row for each trial (label and results), tested split and known task."""
    rows = [
        {"trial": label, **_score_row(result, result.scores[routing])}
        for label, results in trials
        for result in results
        if result.task is not None and routing in result.scores
    ]
    return pa.Table.from_pylist(rows, schema=SCORE_SCHEMA)


def task_rows_json(results: Sequence[TaskResult]) -> list[dict[str, Any]]:
    """Return the results of a trial as JSON values, with the scores of both routings."""
    return [
        {
            "split": result.split, "task": result.task, "words": result.words, "nll": result.nll,
            **{name: getattr(result, name) for name in _COUNTS},
            "ms_per_word": result.ms_per_word,
            "scores": {routing.replace(" ", "_"): _score_values(scores) for routing, scores in result.scores.items()},
        }
        for result in results
    ]  # fmt: skip


def fitted_task_table(results: Sequence[TaskResult], width: int) -> Table:
    """Return one row for each task, no wider than ``width``. Less important columns are left out first."""
    by_task: dict[str | None, dict[str, TaskResult]] = {}
    for result in results:
        by_task.setdefault(result.task, {})[result.split] = result
    rows = [[Text(cell) for cell in _cells(task, by_split.get("unseen"), by_split.get("new"))] for task, by_split in by_task.items()]
    return fitted_table(_COLUMNS, rows, width)


def columns_note(table: Table) -> str:
    """Return a sentence on the columns that a table of tasks shows."""
    shown = [str(column.header) for column in table.columns]
    notes = [note if note.startswith("ranges") else f"{name}: {note}" for name, note in _NOTES.items() if name in shown]
    return "; ".join(notes)


def _score_row(result: TaskResult, scores: TaskScores) -> dict[str, Any]:
    counts = {name: getattr(result, name) for name in _COUNTS}
    return {
        "split": result.split, "task": result.task, "words": result.words, **_score_values(scores), "nll": result.nll, **counts,
        "ms_per_word": result.ms_per_word,
    }  # fmt: skip


def _score_values(scores: TaskScores) -> dict[str, float]:
    values = (("accuracy", scores.exact), ("one_minus_ned", scores.one_minus_ned))
    return {
        f"{name}{end}": value
        for name, interval in values
        for end, value in (("", interval.mean), ("_low", interval.low), ("_high", interval.high))
    }


def _cells(task: str | None, unseen: TaskResult | None, new: TaskResult | None) -> list[str]:
    head, *sizes, ms_per_word = (getattr(unseen or new, name) for name in ("head", "parameters", "pruned_parameters", "ms_per_word"))
    unseen_scores, new_scores = ((result.scores if result else {}) for result in (unseen, new))
    classifier, true_task = ROUTINGS
    return [
        task or NO_TASK, _text(head), "-" if unseen is None else str(unseen.words),
        _interval_text(unseen_scores, classifier, "exact"), _interval_text(unseen_scores, classifier, "one_minus_ned"), _nll_text(unseen),
        _mean_text(unseen_scores, true_task, "exact"), _mean_text(new_scores, classifier, "exact"),
        _interval_text(new_scores, classifier, "one_minus_ned"), _nll_text(new), _count_text(unseen, "wrong_head"),
        _count_text(unseen, "wrong_task"), *(_text(size, ",") for size in sizes), _text(ms_per_word, ".2f"),
    ]  # fmt: skip


def _text(value: float | None, digits: str = "") -> str:
    return "-" if value is None else format(value, digits)


def _nll_text(result: TaskResult | None) -> str:
    return _text(result.nll if result else None, ".3f")


def _interval_text(scores: Any, routing: str, measure: str) -> str:
    if routing not in scores:
        return "-"
    interval: WordInterval = getattr(scores[routing], measure)
    return f"{interval.mean:.3f} {interval.low:.2f}-{interval.high:.2f}"


def _mean_text(scores: Any, routing: str, measure: str) -> str:
    return f"{getattr(scores[routing], measure).mean:.3f}" if routing in scores else "-"


def _count_text(result: TaskResult | None, name: str) -> str:
    count: int | None = getattr(result, name) if result else None
    return "-" if count is None or result is None else f"{count} ({100 * count / result.words:.0f} %)"
