"""The result of a search of head sizes as sheets and remarks."""

from collections.abc import Iterator
from typing import Any

from raygroup.tables.score_intervals import Interval
from raygroup.tables.searches.size_points import Scores, SizePoint, SizePoints, head_tasks
from raygroup.tables.sheets.sheet import Sheet, SheetColumn, SheetReport, text_column, whole_columns

REPORT_NAME = "head_sizes"
"""Start of the names of all files."""
IDLE = "(idle)"


def size_report(points: SizePoints) -> SheetReport:
    """Return the front, the tasks of its heads, and all points, as sheets."""
    title = f"{points.sweep.name}: accuracy and parameters of {len(points.points)} points with heads of different sizes"
    sheets = (_front_sheet(points), _heads_sheet(points), _points_sheet(points))
    return SheetReport(REPORT_NAME, title, sheets, tuple(_remarks(points)), size_points_json(points))


def size_points_json(points: SizePoints) -> dict[str, Any]:
    """Return every number of the search as JSON values."""
    front = {point.number for point in points.front}
    return {
        "search": "head_sizes", "sweep": points.sweep.name, "open": points.num_open, "repeats": points.num_repeats,
        "failed": {str(number): reason for number, reason in points.failed.items()},
        "points": [
            {
                "number": point.number, "embed": list(point.embeds), "hidden": list(point.hiddens), "front": point.number in front,
                "searched": _scores_json(point.scores), "confirmed": point.confirmed and _scores_json(point.confirmed),
            }
            for point in points.points
        ],
    }  # fmt: skip


def _scores_json(scores: Scores) -> dict[str, Any]:
    accuracy = scores.accuracy
    return {
        "accuracy": accuracy.mean, "low": accuracy.low, "high": accuracy.high, "parameters": scores.parameters,
        "seeds": [
            {
                "seed": trial.settings.seed, "trial": trial.id, "accuracy": own_accuracy, "parameters": own_parameters,
                "tasks": [list(tasks) for tasks in head_tasks(trial)],
            }
            for trial, (own_accuracy, own_parameters) in zip(scores.trials, scores.by_seed, strict=True)
        ],
    }  # fmt: skip


def _front_sheet(points: SizePoints) -> Sheet:
    columns = (*_value_columns("", ""), *_value_columns("confirmed_", "fresh: "), text_column("sizes", "embed/hidden of each head"))
    rows = [(*_values(point.scores), *_values(point.confirmed), point.sizes_text) for point in points.front]
    numbered = tuple((point.number, *row) for point, row in zip(points.front, rows, strict=True))
    return Sheet(
        "front", "The front: no other point reads as well with as few parameters", (*whole_columns(point="point"), *columns), numbered
    )


def _heads_sheet(points: SizePoints) -> Sheet:
    columns = (*whole_columns(point="point", head="head", embed="embed", hidden="hidden"), text_column("tasks", "tasks with each seed"))
    rows = tuple(row for point in points.front for row in _head_rows(point))
    return Sheet("heads", "The heads of the front and the tasks that they got", columns, rows)


def _head_rows(point: SizePoint) -> Iterator[tuple[Any, ...]]:
    trials = (*point.scores.trials, *(point.confirmed.trials if point.confirmed else ()))
    groups = [(trial.settings.seed, head_tasks(trial)) for trial in trials]
    for head, (embed, hidden) in enumerate(zip(point.embeds, point.hiddens, strict=True)):
        tasks = [f"{seed}: {'+'.join(by_head[head]) or IDLE}" for seed, by_head in groups]
        yield point.number, head, embed, hidden, "; ".join(tasks)


def _points_sheet(points: SizePoints) -> Sheet:
    front = {point.number for point in points.front}
    columns = (*whole_columns(point="point"), *_value_columns("", ""), text_column("front", ""), text_column("sizes", "embed/hidden"))
    rows = [
        (point.number, *_values(point.scores), "front" if point.number in front else "", point.sizes_text) for point in points.points
    ]  # fmt: skip
    return Sheet("points", "All points, in the order in which they were asked", columns, tuple(rows))


def _value_columns(prefix: str, heading: str) -> tuple[SheetColumn, ...]:
    return (
        SheetColumn(f"{prefix}parameters", f"{heading}parameters"), SheetColumn(f"{prefix}accuracy", f"{heading}1-NED", 3),
        SheetColumn(f"{prefix}low", "low", 3), SheetColumn(f"{prefix}high", "high", 3),
    )  # fmt: skip


def _values(scores: Scores | None) -> tuple[float | None, ...]:
    if scores is None:
        return (None,) * 4
    interval: Interval = scores.accuracy
    return scores.parameters, interval.mean, interval.low, interval.high


def _remarks(points: SizePoints) -> Iterator[str]:
    search = points.sweep.search or {}
    seeds, fresh = search.get("seeds", []), search.get("confirm_seeds", [])
    count = f"{len(seeds)} seed{'s' if len(seeds) != 1 else ''}"
    yield (
        f"1-NED is the mean over tasks on new renders, by the classifier's route, over {count}; low and high bound Student's 95 % "
        "interval. Parameters are those after pruning, without idle heads, averaged over the seeds."
    )
    if any(point.confirmed for point in points.front):
        yield "The columns 'fresh' have seeds that had no part in the choice. Trust them: the seeds that chose the front flatter it."
    elif fresh:
        yield "The front is optimistic: the same seeds chose its points and score them. Once the search is over, it gets fresh seeds."
    else:
        yield (
            "The front is optimistic: the same seeds chose its points and score them. To train them with fresh seeds, set confirm_seeds "
            "and run the search again."
        )
    if points.num_open:
        yield f"Points that are not finished yet: {points.num_open}. The same command continues."
    for number, reason in points.failed.items():
        yield f"Point {number} failed: {reason}"
