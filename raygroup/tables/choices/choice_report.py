"""A choice as sheets and remarks."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from raygroup.errors import first_names
from raygroup.files.atomic import JSON_LAYOUT
from raygroup.files.places import Place
from raygroup.scoring.word_intervals import WordInterval
from raygroup.storage.layout import CONFIG_FILE
from raygroup.storage.records import read_record
from raygroup.tables.choices.choice import Choice, PricedGrouping, TaskScore
from raygroup.tables.sheets.sheet import NOTHING, Sheet, SheetColumn, SheetReport, text_column, whole_columns
from raygroup.tables.strategies.regime import TELLS_APART
from raygroup.task_groups import groups_text

_POINTS = 100
_MOST_NAMED = 8
CHOICE = "choice"
"""The kind of record that ``choice.json`` is."""


def choice_report(choice: Choice) -> SheetReport:
    """Return the choice, its tasks, what other rules would cost, and the front."""
    kind = "Predicted best grouping" if choice.predicted else "Best grouping"
    request = choice.request.text()
    title = f"{kind}{f' with {request}' if request else ''}: {groups_text(choice.chosen.groups)}"
    sheets = (_tasks_sheet(choice), _groupings_sheet("alternatives", "What other groupings cost", (choice.chosen, *choice.alternatives)),
              _front_sheet(choice))  # fmt: skip
    return SheetReport("choice", title, sheets, tuple(_remarks(choice)), choice_json(choice))


def choice_json(choice: Choice) -> dict[str, Any]:
    """Return the choice as JSON values. ``groups`` and ``words`` are what ``raygroup.export`` reads."""
    return {
        "layout": JSON_LAYOUT, "kind": CHOICE, "groups": sorted(sorted(group) for group in choice.chosen.groups),
        "grouping": groups_text(choice.chosen.groups), "words": words_of(choice.settings_of.folder),
        "data": choice.cache.data, "recipe": choice.cache.recipe, "sweep": choice.sweep.name,
        "request": choice.request.to_json(), "predicted": choice.predicted, "error": choice.error,
        "still_to_train": list(choice.still_to_train), "chosen": _grouping_json(choice.chosen),
        "tasks": [_task_json(row) for row in choice.tasks], "alternatives": [_grouping_json(row) for row in choice.alternatives],
        "front": [_grouping_json(row) for row in choice.front], "loss_icc": choice.reliability.icc if choice.reliability else None,
        "share_best": choice.share_best,
    }  # fmt: skip


def words_of(folder: Place) -> str:
    """Return what names the words of a trial: its word store, whose path has their fingerprint. Its weights do not matter."""
    config = read_record(folder / CONFIG_FILE)
    return str(config.get("store") or config["data"])


def _tasks_sheet(choice: Choice) -> Sheet:
    columns = (
        text_column("task", "task"), text_column("group", "head"), text_column("split", "words"), *whole_columns(words="n"),
        text_column("accuracy", "exact, % (95 %)"), text_column("one_minus_ned", "1-NED, % (95 %)"),
    )  # fmt: skip
    has_classifier = any(row.sent for row in choice.tasks)
    if has_classifier:
        columns += (SheetColumn("sent_one_minus_ned", "1-NED, sent", 1), SheetColumn("wrong_head", "wrong head, %", 1))
    rows = tuple(
        (row.task, row.group, row.split, row.words, word_text(row.accuracy), word_text(row.one_minus_ned),
         *((_POINTS * row.sent.one_minus_ned, _POINTS * row.sent.wrong_head) if row.sent else (None, None) if has_classifier else ()))
        for row in choice.tasks
    )  # fmt: skip
    return Sheet("tasks", "How its heads read each task, by the head of the true task", columns, rows)


def _groupings_sheet(key: str, title: str, rows: tuple[PricedGrouping, ...]) -> Sheet:
    has_latency = any(row.latency_ms is not None for row in rows)
    latency = (SheetColumn("latency_ms", "ms a word", 2),) if has_latency else ()
    has_classifier = any(row.sent_one_minus_ned is not None for row in rows)
    sent = (SheetColumn("sent_one_minus_ned", "sent", 1),) if has_classifier else ()
    columns = (
        text_column("name", "grouping by"), *whole_columns(heads="heads", parameters="parameters"), *latency,
        SheetColumn("one_minus_ned", "1-NED, %", 1), *sent, SheetColumn("accuracy", "exact, %", 1),
        text_column("behind", "behind the choice"), text_column("groups", "groups"),
    )  # fmt: skip
    cells = tuple(
        (
            row.name, len(row.groups), row.parameters, *((row.latency_ms,) if has_latency else ()), _POINTS * row.one_minus_ned,
            *((_percent(row.sent_one_minus_ned),) if has_classifier else ()), _POINTS * row.accuracy,
            row.behind.text(1, _POINTS) if row.behind else NOTHING, groups_text(row.groups),
        )
        for row in rows
    )  # fmt: skip
    return Sheet(key, title, columns, cells)


def _percent(value: float | None) -> float | None:
    return None if value is None else _POINTS * value


def _front_sheet(choice: Choice) -> Sheet:
    sheet = _groupings_sheet("front", "The best grouping for each number of heads", choice.front)
    efficient = {row.name for row in choice.efficient}
    place = next(number for number, column in enumerate(sheet.columns) if column.name == "behind")
    columns = (*sheet.columns[:place], text_column("efficient", "efficient"), *sheet.columns[place + 1 :])
    rows = tuple((*row[:place], "yes" if row[0] in efficient else "", *row[place + 1 :]) for row in sheet.rows)
    return Sheet(sheet.key, sheet.title, columns, rows)


def _remarks(choice: Choice) -> Iterator[str]:
    yield f"From {choice.sweep.name}: {choice.seeds} seeds. Groups were chosen by held-out loss and are reported by 1-NED and exact match."
    if choice.predicted:
        yield (
            f"Some groups have no head yet, so a ridge fit stands for them. The error of a predicted mean loss is {choice.error:.3f} nats "
            f"a character. Still to train: {first_names(choice.still_to_train, _MOST_NAMED)}."
        )
    elif choice.seeds < 2 or choice.reliability is None:
        yield (
            "1-NED of the choice is that of the words that chose it, so it is optimistic."
            if choice.seeds < 2
            else ("There is only one grouping with so many heads.")
        )
    else:
        yield from _certainty(choice)
    if choice.chosen.sent_one_minus_ned is not None:
        yield (
            "'sent' is 1-NED of these groups over all seeds and words, where each word is read by the head that the task classifier sends "
            "it to, as in a shipped reader. 'wrong head' is the share of words whose task that head has not learned."
        )
    yield "Parameters are those after pruning each head to the characters of its group. Exact match is on unseen words."


def _certainty(choice: Choice) -> Iterator[str]:
    assert choice.reliability is not None
    icc = choice.reliability.icc
    if icc < TELLS_APART:
        yield (
            f"The data cannot tell groupings on {len(choice.chosen.groups)} heads apart (ICC of the loss over seeds {icc:.2f}, below "
            f"{TELLS_APART}). Choose by cost."
        )
    else:
        share = (
            ""
            if choice.share_best is None
            else (f" In {choice.share_best:.0%} of resamples of seeds and words it has the lowest loss of all groupings on as many heads.")
        )
        yield (
            f"Seeds agree on which groupings are good: ICC of the loss {icc:.2f}. 1-NED is scored by seeds and words that did not choose; "
            f"'behind the choice' is paired by seed, with Student's 95 % interval.{share}"
        )


def word_text(interval: WordInterval) -> str:
    """Return a mean and its interval in percent, such as ``93.1 (90.0 to 95.2)``."""
    return f"{_POINTS * interval.mean:.1f} ({_POINTS * interval.low:.1f} to {_POINTS * interval.high:.1f})"


def _grouping_json(row: PricedGrouping) -> dict[str, Any]:
    return {
        "name": row.name, "grouping": groups_text(row.groups), "heads": len(row.groups), "parameters": row.parameters,
        "latency_ms": row.latency_ms, "one_minus_ned": row.one_minus_ned, "sent_one_minus_ned": row.sent_one_minus_ned,
        "accuracy": row.accuracy,
        "behind": row.behind.to_json() if row.behind else None,
    }  # fmt: skip


def _task_json(row: TaskScore) -> dict[str, Any]:
    return {
        "task": row.task, "group": row.group, "split": row.split, "words": row.words,
        **{name: {"mean": each.mean, "low": each.low, "high": each.high} for name, each in
           (("accuracy", row.accuracy), ("one_minus_ned", row.one_minus_ned))},
        "sent": asdict(row.sent) if row.sent else None,
    }  # fmt: skip
