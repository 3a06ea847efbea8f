"""The files a finished table leaves beside its figures."""

from pathlib import Path

from raygroup.figures.assignment import assignment_figure
from raygroup.figures.palette import save
from raygroup.figures.table3 import table3_figure
from raygroup.figures.word_sheet import sheet_figure, shown_words
from raygroup.history.reader import read_history
from raygroup.scoring.predictions import FILE, read_predictions
from raygroup.tables.table3 import Table3
from raygroup.tables.trial_evidence import TrialEvidence


def write_table3_pictures(found: Table3, folder: Path) -> list[Path]:
    """``table3.png``; ``assignment-<trial id>.png`` of every trial and of the control; ``words-<trial id>.png`` where pictures of words
    were kept. Raises OSError where the folder cannot be written."""
    control = found.control.trials if found.control else ()
    written = [save(table3_figure(found), folder / "table3.png")]
    for trial in (*found.trials, *control):
        heading = f"{trial.label} (control)" if trial.config.grouping.control else trial.label
        written.append(save(assignment_figure(read_history(trial.folder), heading), folder / f"assignment-{trial.folder.name}.png"))
        written += _words(trial, heading, folder)
    return written


def _words(trial: TrialEvidence, heading: str, folder: Path) -> list[Path]:
    path = trial.folder / FILE
    words = shown_words(read_predictions(path)) if path.is_file() else []
    return [save(sheet_figure(words, heading), folder / f"words-{trial.folder.name}.png")] if words else []
