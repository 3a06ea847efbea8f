"""Where a new task is read best, as sheets and remarks."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from raygroup.files.atomic import JSON_LAYOUT
from raygroup.tables.choices.added_task import AddedOption, AddedTask, Change
from raygroup.tables.choices.choice_report import word_text
from raygroup.tables.sheets.sheet import Sheet, SheetColumn, SheetReport, text_column, whole_columns
from raygroup.task_groups import group_text, groups_text

_POINTS = 100
ADDED = "added"


def added_task_report(added: AddedTask) -> SheetReport:
    """Return how each option reads the new task, and what the old tasks lose."""
    title = f"{added.task} comes to {groups_text(added.before)}: {added.chosen.name}"
    return SheetReport(ADDED, title, (_options_sheet(added), _forgetting_sheet(added)), tuple(_remarks(added)), added_task_json(added))


def added_task_json(added: AddedTask) -> dict[str, Any]:
    """Return the report as JSON values. ``groups`` is the grouping with the new task."""
    chosen = added.chosen
    groups = {chosen.joined | {added.task}, *(group for group in added.before if group != chosen.joined)}
    return {
        "layout": JSON_LAYOUT, "kind": ADDED, "task": added.task, "before": groups_text(added.before), "sweep": added.sweep.name,
        "runs": added.runs, "goes_on": added.goes_on, "chosen": chosen.name, "groups": sorted(map(sorted, groups)),
        "opening": asdict(added.opening), "options": [_option_json(option) for option in added.options],
    }  # fmt: skip


def _options_sheet(added: AddedTask) -> Sheet:
    columns = (
        text_column("option", "option"), text_column("split", "words"), *whole_columns(words="n"),
        text_column("accuracy", "exact, % (95 %)"), text_column("one_minus_ned", "1-NED, % (95 %)"),
        SheetColumn("total", "with changes of old tasks, 1-NED points", 1),
    )  # fmt: skip
    rows = tuple(
        (option.name, score.split, score.words, word_text(score.accuracy), word_text(score.one_minus_ned), _POINTS * option.total)
        for option in added.options for score in option.scores
    )  # fmt: skip
    return Sheet("options", f"How each head reads {added.task}", columns, rows)


def _forgetting_sheet(added: AddedTask) -> Sheet:
    columns = (
        text_column("option", "option"), text_column("task", "old task"), text_column("split", "words"), *whole_columns(words="n"),
        SheetColumn("before", "exact before, %", 1), SheetColumn("after", "after, %", 1), text_column("accuracy", "change (95 %)"),
        text_column("one_minus_ned", "change of 1-NED (95 %)"),
    )  # fmt: skip
    rows = tuple(
        (
            option.name, row.task, row.split, row.words, _POINTS * row.before, _POINTS * row.after, _change_text(row.accuracy),
            _change_text(row.one_minus_ned),
        )
        for option in added.options for row in option.forgetting
    )  # fmt: skip
    return Sheet("forgetting", "What the old tasks lose, on the same words", columns, rows)


def _remarks(added: AddedTask) -> Iterator[str]:
    best, gain = added.options[1], _change_text(added.opening)
    if added.opening.low > 0:
        yield f"A head of its own gains {gain} points of 1-NED over the best other option ({best.name}), summed over tasks."
    elif added.opening.high < 0:
        yield f"A head of its own gains {gain} points of 1-NED over the option '{best.name}', summed over tasks: it loses."
    else:
        yield (
            f"A head of its own gains {gain} points of 1-NED over the option '{best.name}', summed over tasks. That may be chance, and to "
            "attach costs no further head."
        )
    yield "To open a head changes no old head, so the old tasks lose nothing."
    if added.goes_on:
        yield "Heads went on from those of the trial before, and the old heads were kept as they were."
    else:
        yield "All heads have the same start and recipe: 'after' is a head trained anew with the new task, not one that goes on."
    runs = f"{added.runs} runs" if added.runs > 1 else "1 run"
    yield f"From {added.sweep.name}: {runs}."
    yield "Intervals of changes draw runs and words, and are too narrow below six runs. Others draw words."


def _change_text(change: Change) -> str:
    return f"{_POINTS * change.mean:+.1f} ({_POINTS * change.low:.1f} to {_POINTS * change.high:.1f})"


def _option_json(option: AddedOption) -> dict[str, Any]:
    return {
        "name": option.name, "joined": group_text(option.joined), "total": option.total,
        "scores": [asdict(score) for score in option.scores], "forgetting": [asdict(row) for row in option.forgetting],
    }  # fmt: skip
