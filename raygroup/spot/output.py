"""Write the words of photographs: pictures and a JSON file for each, and a submission for MLT19."""

import json
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from raygroup.errors import ConfigError
from raygroup.figures.palette import INK, save_figure
from raygroup.figures.spotted_scene import DrawnWord, head_colours, spotted_scene_figure
from raygroup.figures.trial_pictures import missing_letters_line
from raygroup.files.atomic import write_bytes
from raygroup.scoring.submissions import SCRIPT_OF_TASK, write_submission
from raygroup.scoring.word_columns import Word
from raygroup.spot.explained_output import explained_figure
from raygroup.spot.explanation import ExplainedWord
from raygroup.spotting.photograph import Photograph
from raygroup.spotting.spotter import SpottedWord
from raygroup.tasks import language_of

_UNKNOWN_SCRIPT = "Latin"


class OutputFolder:
    """The folder that receives the words of photographs, each as soon as it is read."""

    def __init__(self, folder: Path, grouping: Mapping[str, str]) -> None:
        """``grouping`` is task -> name of its head. A head's colour is the same in all overlays."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._colours = head_colours([*dict.fromkeys(grouping.values())])
        self._taken: Counter[str] = Counter()
        self._texts: set[str] = set()

    @property
    def missing_letters(self) -> str | None:
        """Return a line about letters that the pictures show as boxes, or None."""
        return missing_letters_line(self._texts)

    def write(
        self, path: Path, photograph: Photograph, words: Sequence[SpottedWord], explained: Sequence[ExplainedWord] | None = None
    ) -> None:  # fmt: skip
        """Write ``NAME.png`` and ``NAME.json``. Photographs of the same name get a number.

        With the outcomes of its words, a photograph also gets ``NAME.explained.png``.
        """
        self._taken[path.stem] += 1
        number = self._taken[path.stem]
        name = path.stem if number == 1 else f"{path.stem}-{number}"
        self._save(self._overlay(photograph, words), f"{name}.png")
        self._texts.update(word.text for word in words)
        content: dict[str, Any] = {"image": str(path), "words": [word.to_json() for word in words]}
        if explained is not None:
            self._save(explained_figure(photograph, explained), f"{name}.explained.png")
            self._texts.update(word.truth.text for word in explained if word.truth is not None)
            content["explained"] = [word.to_json() for word in explained]
        write_bytes(self.folder / f"{name}.json", json.dumps(content, ensure_ascii=False, indent=1).encode())

    def write_submission(self, words: Mapping[Path, Sequence[SpottedWord]], task: int) -> None:
        """Write ``submission-taskN.zip`` for MLT19."""
        numbered = {image_number(path): [_word(word, task) for word in spotted] for path, spotted in words.items()}
        write_submission(self.folder / f"submission-task{task}.zip", task, numbered)

    def _save(self, figure: Figure, name: str) -> None:
        with warnings.catch_warnings():
            # ``missing_letters`` says it once for all letters.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            save_figure(figure, self.folder / name)

    def _overlay(self, photograph: Photograph, words: Sequence[SpottedWord]) -> Figure:
        drawn = [
            DrawnWord(
                word.polygon, word.text, word.task, f"{word.detection:.2f} {word.task} {word.head}", self._colours.get(word.head, INK)
            )
            for word in words
        ]
        heads = {word.head for word in words}
        return spotted_scene_figure(photograph, drawn, {head: colour for head, colour in self._colours.items() if head in heads})


def image_number(path: Path) -> int | str:
    """Return the number by which a submission names a photograph. Raises ConfigError if its name has none."""
    digits = re.findall(r"\d+", path.stem)
    if not digits:
        raise ConfigError(f"{path}: a submission names images by number, and this name has none, such as ts_img_00001.jpg")
    return str(digits[-1])


def _word(word: SpottedWord, task: int) -> Word:
    confidence = word.detection if task != 4 else word.detection * word.confidence
    script = word.task if language_of(word.task or "") in SCRIPT_OF_TASK else _UNKNOWN_SCRIPT
    return Word([(float(x), float(y)) for x, y in word.polygon], word.text or "?", script, confidence)
