"""The pictures of one trial: its assignment over time, and some of its words."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from matplotlib.figure import Figure

from raygroup.figures.assignment import assignment_figure
from raygroup.figures.font_families import missing_characters
from raygroup.figures.pixel_canvas import PIXELS_PER_INCH
from raygroup.figures.task_names import own_name, task_title
from raygroup.figures.word_sheet import ShownWord, shown_words, word_sheet_figure
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place
from raygroup.history.reader import History
from raygroup.scoring.predictions import read_predictions
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.tables.trial_result import TrialResult
from raygroup.words.scripts import script_of


@dataclass(frozen=True)
class TrialDrawing:
    """What the pictures of a trial show."""

    id: str
    heading: str
    history: History
    words: tuple[ShownWord, ...]
    """Empty if the trial stored no pictures of words."""

    def texts(self) -> tuple[str, ...]:
        """Return every text that the pictures show."""
        of_words = (text for word in self.words for text in (word.text, word.reading))
        names = (name for task in self.history.tasks for name in (task_title(task), own_name(task)))
        return (self.heading, *names, *of_words)


def read_trial_drawing(trial: TrialResult, sweep: str) -> TrialDrawing:
    """Read what the pictures of a trial show. Raises DamagedFileError if a record is damaged."""
    words = shown_words(read_predictions(trial.folder / PREDICTIONS_FILE))
    return TrialDrawing(trial.id, f"{sweep}, {trial.label}", trial.history, tuple(words))


def draw_trial_pictures(drawing: TrialDrawing, folder: Place) -> list[Place]:
    """Write ``assignment-<trial id>.png``, and ``words-<trial id>.png`` if there are words. Return their paths.

    Pictures that exist stay as they are. Raises OSError if the folder cannot be written.
    """
    figures: dict[str, Callable[[], Figure]] = {"assignment": lambda: assignment_figure(drawing.history, drawing.heading)}
    if drawing.words:
        figures["words"] = lambda: word_sheet_figure(drawing.words, drawing.heading)
    paths = []
    for kind, figure in figures.items():
        path = folder / f"{kind}-{drawing.id}.png"
        if not path.exists():
            _write_picture(figure, path)
        paths.append(path)
    return paths


def missing_letters_line(texts: Iterable[str]) -> str | None:
    """Return a line that names the scripts whose letters no installed font has. None if fonts have them all."""
    by_script: dict[str, set[str]] = defaultdict(set)
    for character in missing_characters("".join(texts)):
        by_script[script_of(character).replace("_", " ")].add(character)
    if not by_script:
        return None
    scripts = ", ".join(f"{script} ({len(letters)} {'sign' if len(letters) == 1 else 'signs'})" for script, letters in by_script.items())
    advice = "install a font of the script, such as those of Debian's fonts-noto-core"
    return f"pictures show boxes for signs that no installed font has: {scripts}; {advice}"


def _write_picture(draw: Callable[[], Figure], path: Place) -> None:
    path.parent.mkdir(exist_ok=True)
    with atomic_write(path, durable=False) as file, warnings.catch_warnings():
        # ``missing_letters_line`` says it once for all letters.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        draw().savefig(file, dpi=PIXELS_PER_INCH, format="png")
