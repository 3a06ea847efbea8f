"""Print readings and scores, and write readings as csv."""

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from raygroup.files.atomic import write_bytes
from raygroup.reading.package import WordReading
from raygroup.terminal import Column, fitted_table, print_table, show_controls, table

if TYPE_CHECKING:
    from raygroup.reading.label_scores import LabelScores

_UNSURE = "unsure"
_MAX_PROBLEMS = 10
"""Most unreadable images that are named one by one."""
_COLUMNS = (
    Column("image", shortest=12), Column("text"), Column("task"), Column("head", rank=1, shortest=6), Column("confidence", right=True),
    Column("", shortest=6),
)  # fmt: skip


def print_readings(readings: Sequence[WordReading], out: Console) -> None:
    """Print one row for each image that could be read."""
    rows = [[Text(show_controls(cell)) for cell in _cells(reading)] for reading in readings if reading.problem is None]
    if rows:
        out.print(fitted_table(_COLUMNS, rows, out.width))


def print_scores(scores: "LabelScores", out: Console) -> None:
    """Print accuracy and 1-NED by language, with 95 % intervals."""
    numbers = ("words", "accuracy", "1-NED", _UNSURE)
    rows = table("language", *numbers, right=numbers)
    for score in scores.by_language:
        unsure = "" if score.unsure is None else f"{score.unsure:.0%}"
        rows.add_row(score.task, str(score.words), _interval(score.accuracy), _interval(score.one_minus_ned), unsure)
    print_table(out, "\naccuracy, with 95 % intervals over words", rows)


def problem_lines(readings: Sequence[WordReading]) -> list[str]:
    """Return a line for each image that could not be read.

    After ten of them, one line has the number of the others.
    """
    problems = [f"{reading.name}: {reading.problem}" for reading in readings if reading.problem is not None]
    more = len(problems) - _MAX_PROBLEMS
    return problems[:_MAX_PROBLEMS] + ([f"{more} more images could not be read"] if more > 0 else [])


def score_notes(scores: "LabelScores") -> list[str]:
    """Return a line for what was not scored, or not read."""
    notes = []
    if scores.unreadable:
        notes.append(f"{scores.unreadable} labelled images could not be read: they count as read wrongly")
    if scores.without_image:
        notes.append(f"{scores.without_image} rows of the labels name images that were not read: they do not count")
    if scores.without_label:
        notes.append(f"{scores.without_label} images have no label: they do not count")
    if not scores.by_language:
        notes.append("no image has a label: paths in the label file are relative to its folder")
    return notes


def write_csv(readings: Sequence[WordReading], path: Path) -> None:
    """Write one row for each image, in UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(WordReading)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(reading.to_json() for reading in readings)
    write_bytes(path, text.getvalue().encode("utf-8", "backslashreplace"))


def _cells(reading: WordReading) -> list[str]:
    confidence = f"{reading.confidence:.3f}"
    return [reading.name, reading.text, reading.task or "", reading.head or "", confidence, _UNSURE if reading.unsure else ""]


def _interval(values: tuple[float, float, float]) -> str:
    mean, low, high = values
    return f"{mean:.3f} ({low:.3f} to {high:.3f})"
