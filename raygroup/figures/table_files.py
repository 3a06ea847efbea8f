"""Image files of a finished table."""

from collections.abc import Callable
from pathlib import Path

from raygroup.figures.assignment import assignment_figure
from raygroup.figures.palette import save_figure
from raygroup.figures.table3 import table3_figure
from raygroup.figures.word_sheet import shown_words, word_sheet_figure
from raygroup.history.reader import read_history
from raygroup.scoring.predictions import read_predictions
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.tables.table3 import Table3
from raygroup.tables.trial_evidence import TrialEvidence

ProgressCallback = Callable[[int, int], None]
"""Called with the number of finished trials, and the number of all trials."""


def write_table3_pictures(table: Table3, folder: Path, on_trial: ProgressCallback = lambda done, total: None) -> list[Path]:
    """Write the figures of Table 3 and return their paths.

    ``table3.png`` shows the table. Every trial, the control's too, has ``assignment-<trial
    id>.png``, and ``words-<trial id>.png`` if it stored pictures of words. Raises OSError if the
    folder cannot be written. ``on_trial`` is called before the first trial and after each.
    """
    trials = (*table.trials, *(table.control.trials if table.control else ()))
    on_trial(0, len(trials))
    paths = [save_figure(table3_figure(table), folder / "table3.png")]
    for number, trial in enumerate(trials, 1):
        heading = f"{trial.label} (control)" if trial.config.grouping.control else trial.label
        figure = assignment_figure(read_history(trial.folder), heading)
        paths.append(save_figure(figure, folder / f"assignment-{trial.folder.name}.png"))
        paths += _write_word_sheet(trial, heading, folder)
        on_trial(number, len(trials))
    return paths


def _write_word_sheet(trial: TrialEvidence, heading: str, folder: Path) -> list[Path]:
    path = trial.folder / PREDICTIONS_FILE
    words = shown_words(read_predictions(path)) if path.is_file() else []
    return [save_figure(word_sheet_figure(words, heading), folder / f"words-{trial.folder.name}.png")] if words else []
