"""Write the words of photographs: an overlay and a JSON file for each, and a submission for MLT19."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.figures.palette import INK, save_figure
from raygroup.figures.spotted_scene import DrawnWord, head_colours, spotted_scene_figure
from raygroup.files.atomic import write_bytes
from raygroup.scoring.submissions import SCRIPT_OF_TASK, write_submission
from raygroup.scoring.word_columns import Word
from raygroup.spotting.photograph import read_photograph
from raygroup.spotting.spotter import SpottedWord

_UNKNOWN_SCRIPT = "Latin"


def write_outputs(words: Mapping[Path, Sequence[SpottedWord]], folder: Path, grouping: Mapping[str, str], task: int | None) -> None:
    """Write ``NAME.png`` and ``NAME.json`` for each photograph, and ``submission-taskN.zip`` if a task is given.

    Photographs of the same name get a number. Raises ConfigError if a photograph's name has no number for the submission.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if task is not None:
        write_submission(folder / f"submission-task{task}.zip", task, _numbered(words, task))
    taken: dict[str, int] = {}
    for path, spotted in words.items():
        taken[path.stem] = taken.get(path.stem, 0) + 1
        name = path.stem if taken[path.stem] == 1 else f"{path.stem}-{taken[path.stem]}"
        write_overlay(path, spotted, folder / f"{name}.png", grouping)
        content = {"image": str(path), "words": [word.to_json() for word in spotted]}
        write_bytes(folder / f"{name}.json", json.dumps(content, ensure_ascii=False, indent=1).encode())


def write_overlay(path: Path, words: Sequence[SpottedWord], out: Path, grouping: Mapping[str, str]) -> None:
    """Draw a photograph with its words. Colours are those of the heads."""
    colours = head_colours([*dict.fromkeys(grouping.values())])
    drawn = [
        DrawnWord(word.polygon, word.text, word.task, f"{word.detection:.2f} {word.task} {word.head}", colours.get(word.head, INK))
        for word in words
    ]
    shown = {head: colours[head] for head in colours if any(word.head == head for word in words)}
    save_figure(spotted_scene_figure(read_photograph(path), drawn, shown), out)


def _numbered(words: Mapping[Path, Sequence[SpottedWord]], task: int) -> dict[int | str, list[Word]]:
    numbered: dict[int | str, list[Word]] = {}
    for path, spotted in words.items():
        digits = re.findall(r"\d+", path.stem)
        if not digits:
            raise ConfigError(f"{path}: a submission names images by number, and this name has none, such as ts_img_00001.jpg")
        numbered[digits[-1]] = [_word(word, task) for word in spotted]
    return numbered


def _word(word: SpottedWord, task: int) -> Word:
    confidence = word.detection if task != 4 else word.detection * word.confidence
    script = word.task if word.task in SCRIPT_OF_TASK else _UNKNOWN_SCRIPT
    return Word([(float(x), float(y)) for x, y in word.polygon], word.text or "?", script, confidence)
