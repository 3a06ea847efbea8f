"""Print one trial of a sweep: its results by task, a few words with their readings, and its pictures."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from raygroup.files.places import Place
from raygroup.files.retry import NO_RETRY, Retry
from raygroup.storage.layout import FIGURES_FOLDER
from raygroup.tables.sweep_result import SweepResult
from raygroup.tables.task_columns import NO_TASK
from raygroup.tables.task_report import print_task_report
from raygroup.tables.trial_result import TrialResult
from raygroup.terminal import print_warning, print_words, wrapped

if TYPE_CHECKING:
    from raygroup.figures.word_sheet import ShownWord

_GAP = 2
"""Blanks between a task and its words."""


def print_shown_trial(result: SweepResult, trial: TrialResult, console: Console, retry: Retry = NO_RETRY) -> None:
    """Print a trial by task, then a few of its words. Its pictures are drawn if they are not there yet."""
    print_task_report(trial, result.choice, console)
    words, pictures = draw_shown_trial(result, trial, retry)
    if words:
        print_words(console, f"words as {trial.label} reads them")
        _print_readings(console, _readings(words))
    if pictures:
        print_words(console, f"pictures of {trial.label}: {', '.join(map(str, pictures))}")


def draw_shown_trial(result: SweepResult, trial: TrialResult, retry: Retry = NO_RETRY) -> tuple[Sequence["ShownWord"], list[Place]]:
    """Draw the pictures of a trial if they are not there yet. Return the words that they show, and the pictures.

    What goes wrong is a warning: pictures that cannot be written, and letters that no font has.
    """
    from raygroup.figures.trial_pictures import draw_trial_pictures, missing_letters_line, read_trial_drawing

    drawing = retry(lambda: read_trial_drawing(trial, result.name))
    pictures: list[Place] = []
    try:
        pictures = draw_trial_pictures(drawing, result.folder / FIGURES_FOLDER)
    except OSError as error:
        print_warning(f"the pictures of {trial.label} could not be written: {error}")
    if line := missing_letters_line(drawing.texts()):
        print_warning(line)
    return drawing.words, pictures


def _readings(words: Sequence["ShownWord"]) -> dict[str, str]:
    """Return the words of each task in one text. A reading follows the words that it differs from."""
    by_task: dict[str, list[str]] = {}
    for word in words:
        text = word.text if word.text == word.reading else f"{word.text} -> {word.reading}"
        by_task.setdefault(word.task or NO_TASK, []).append(text)
    return {task: "   ".join(texts) for task, texts in by_task.items()}


def _print_readings(console: Console, readings: Mapping[str, str]) -> None:
    """Print a row for each task. No row is padded: terminals disagree on how wide marks of Bengali and Hindi are."""
    indent = max(map(cell_len, ["task", *readings])) + _GAP
    console.print(Text(set_cell_size("task", indent) + "truth, and the reading where it differs", style="dim"), soft_wrap=True)
    for task, texts in readings.items():
        lines = wrapped(console, texts, console.width - indent) if console.is_terminal else [texts]
        for number, line in enumerate(lines):
            console.print(Text(set_cell_size("" if number else task, indent) + line), soft_wrap=True)
