"""The part of a report on the languages of one trial: scores by task, and some words with their readings."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

from raygroup.figures.task_names import own_name, task_title
from raygroup.report.elements import Cell, Section, Table, Word, columns, number_text
from raygroup.report.outcomes import interval_text
from raygroup.scoring.predictions import ROUTINGS, read_predictions
from raygroup.scoring.word_accuracy import is_read
from raygroup.scoring.word_intervals import WordInterval
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.tables.sweep_result import SweepResult
from raygroup.tables.task_results import TaskResult
from raygroup.tables.trial_result import TrialResult
from raygroup.tasks import by_paper_order, find_task

_WITH_PICTURE = 3
"""Most words of a task with a picture."""
_MISREAD = 2
"""Most further words of a task that were read wrongly."""
_MAX_PICTURE = 12_000
"""Most bytes of a picture."""
_KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg"}
_NO_TASK = "unknown"
_COLUMNS = columns(
    "language", "#head", "#n", "#unseen exact", "#unseen 1-NED", "#by true task", "#new n", "#new exact", "#new 1-NED", "#wrong head",
    "#wrong task", "#parameters", "#pruned", "#ms a word",
)  # fmt: skip
_NOTE = (
    "n: tested words. Ranges: 95 % over words. By true task: unseen exact match if each word goes to the head of its true task. "
    "Wrong head: unseen words that the classifier sent to another head. Pruned: parameters of the head with the characters of its tasks "
    "alone. Ms a word: without the trunk, measured once, noisy."
)


def languages_section(result: SweepResult) -> Section | None:
    """Return the languages of the trial to ship, or of the one that summaries show. None without a finished trial on words."""
    trial = result.shown if result.stored.learns_groupings else None
    if trial is None:
        return None
    is_best = result.best is not None
    line = f"Of {trial.label}, {'the trial to ship' if is_best else 'one of the finished trials, because unseen words name none'}."
    tables = (task_table(trial.task_results()), words_table(trial))
    return Section("languages", "Accuracy by language", (line,), tuple(table for table in tables if table.rows))


def task_table(results: Sequence[TaskResult]) -> Table:
    """Return one row for each task."""
    by_task: dict[str | None, dict[str, TaskResult]] = {}
    for result in results:
        by_task.setdefault(result.task, {})[result.split] = result
    rows = tuple(_task_cells(task, by_split.get("unseen"), by_split.get("new")) for task, by_split in by_task.items())
    return Table("Scores by language", _COLUMNS, rows, _NOTE)


def words_table(trial: TrialResult) -> Table:
    """Return some words of each task with their readings: those with a picture first, then some that were read wrongly."""
    names = columns("language", "picture", "truth", "reading", "result", "sent to")
    note = "Words with a stored picture, and some unseen words that were read wrongly. They are not a fair sample."
    return Table("Some words", names, tuple(map(_word_cells, _chosen_words(trial))), note)


def task_name(task: str | None) -> str:
    """Return the English name of a task, with its own name."""
    return _NO_TASK if task is None else " ".join(filter(None, (task_title(task), own_name(task))))


def _task_cells(task: str | None, unseen: TaskResult | None, new: TaskResult | None) -> tuple[Cell, ...]:
    known = unseen or new
    head, *sizes, ms_per_word = (getattr(known, name) for name in ("head", "parameters", "pruned_parameters", "ms_per_word"))
    return (
        Word(task_name(task)), number_text(head), _words(unseen), _score(unseen, 0, "exact"), _score(unseen, 0, "one_minus_ned"),
        _score(unseen, 1, "exact"), _words(new), _score(new, 0, "exact"), _score(new, 0, "one_minus_ned"),
        _count(unseen, "wrong_head"), _count(unseen, "wrong_task"), *(number_text(size, ",") for size in sizes),
        number_text(ms_per_word, ".2f"),
    )  # fmt: skip


def _words(result: TaskResult | None) -> str:
    return "-" if result is None else str(result.words)


def _score(result: TaskResult | None, routing: int, measure: str) -> str:
    scores = result.scores.get([*ROUTINGS][routing]) if result else None
    interval: WordInterval | None = getattr(scores, measure) if scores else None
    return interval_text(interval)


def _count(result: TaskResult | None, name: str) -> str:
    count: int | None = getattr(result, name, None)
    return "-" if result is None or count is None else f"{count} ({100 * count / result.words:.0f} %)"


def _chosen_words(trial: TrialResult) -> Iterator[dict[str, Any]]:
    names = ("split", "task", "text", "reading", "routed_task", "image")
    rows = read_predictions(trial.folder / PREDICTIONS_FILE, names).to_pylist()
    by_task: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)
    for task in (*by_paper_order({task for task in by_task if task is not None}), None):
        words = by_task.get(task, [])
        pictured = [row for row in words if row["image"] is not None][:_WITH_PICTURE]
        wrong = [row for row in words if row["image"] is None and row["split"] == "unseen" and not is_read(row["text"], row["reading"])]
        yield from (*pictured, *wrong[:_MISREAD])


def _word_cells(row: dict[str, Any]) -> tuple[Cell, ...]:
    text, reading, routed = row["text"], row["reading"], row["routed_task"]
    known = find_task(row["task"] or "")
    language = known.language if known else None
    picture = _data_address(row["image"])
    return (
        Word(task_name(row["task"])), Word("", image=picture) if picture else "-", Word(text, language),
        Word(reading, language) if reading else "(nothing)", "right" if is_read(text, reading) else "wrong", routed or "-",
    )  # fmt: skip


def _data_address(image: bytes | None) -> str | None:
    """Return a picture as a ``data:`` address. None if it is large, or neither PNG nor JPEG."""
    if image is None or len(image) > _MAX_PICTURE:
        return None
    kind = next((kind for start, kind in _KINDS.items() if image.startswith(start)), None)
    return kind and f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
