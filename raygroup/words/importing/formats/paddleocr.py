"""PaddleOCR: lists of word images, ``path<TAB>text``, and its labels of whole scenes.

Word lists are called ``rec_gt.txt``, ``rec_gt_train.txt``, ``rec_gt_test.txt``, or ``train.txt`` and
``val.txt``. ``gt.txt`` and ``labels.txt`` are read too if they have tabs. A path may be a JSON list
of paths that share the text. Paths may begin with the folders in which the list lies
(``rec/train/a.png`` in the folder ``rec``), because PaddleOCR reads them from a folder above. The
text of a scene's line is a JSON list of objects: ``raygroup.data import`` reads such files and cuts
the words out.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.label_files import LabelFile
from raygroup.words.importing.label_rows import NumberedLines, Row, plain_row
from raygroup.words.importing.label_text import first_line

_SHOWN = 40
_SCENE = re.compile(r"[^\t]+\t\s*\[\s*(?:\{.*|\]\s*)")
_TRDG_NAME = re.compile(r"labels\.txt", re.IGNORECASE)
_TRDG_LINE = re.compile(r"\S+\.\w+ ")
_COMMAND = "cut its words out with: python -m raygroup.data import FOLDER --name NAME --out DATA, and give DATA/words"


def parse_word_list(file: Path, stream: IO[str], columns: set[str]) -> Iterator[Row]:
    """Yield the rows of a word list. Raises ConfigError for a line without a tab, or one of a scene."""
    for number, line in _numbered(stream):
        path, tab, text = line.partition("\t")
        if not tab:
            raise ConfigError(f"{file}:{number}: no tab; a line is path<TAB>text, got {line[:_SHOWN]!r}")
        if _SCENE.fullmatch(line):
            raise ConfigError(f"{file}:{number}: the text is a list of boxes, so it labels a scene: {_COMMAND}")
        for image in _paths(path):
            yield plain_row(number, image, text)


def open_word_list(file: Path) -> LabelFile:
    """Return the words of a list of PaddleOCR."""
    path = next(iter(_paths(first_line(file).partition("\t")[0])), "").replace("\\", "/")
    prefix = "" if (file.parent / path).is_file() else _own_folders(file.resolve().parent, path)
    return LabelFile(file, parse_word_list, partial(_without_prefix, prefix), "paddleocr")


def refuse_scenes(file: Path) -> LabelFile:
    """Raise ConfigError: a file of scenes has no word images."""
    raise ConfigError(f"{file}: it labels whole scenes, as PPOCRLabel does: {_COMMAND}")


def _numbered(stream: IO[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers."""
    lines = NumberedLines(stream)
    for line in lines:
        if line.strip():
            yield lines.number, line


def _paths(field: str) -> list[str]:
    """Return the paths of a line: one, or those of a JSON list."""
    if field.lstrip().startswith("["):
        try:
            paths = json.loads(field)
        except (ValueError, RecursionError):
            return [field]
        if isinstance(paths, list) and paths and all(isinstance(path, str) for path in paths):
            return paths
    return [field]


def _own_folders(folder: Path, path: str) -> str:
    """Return the longest beginning of a path that names the last folders of ``folder``, or ""."""
    names = path.split("/")[:-1]
    counts = (count for count in range(len(names), 0, -1) if (*folder.parts[-count:],) == (*names[:count],))
    return "".join(f"{name}/" for name in names[: next(counts, 0)])


def _without_prefix(prefix: str, path: str) -> str:
    # With ".." inside, the rest of a path could leave the folder although the whole path does not.
    return path.strip().removeprefix(prefix) if prefix and ".." not in path else path


def _is_scene(file: Path) -> bool:
    return _SCENE.match(first_line(file)) is not None


def _has_tab(file: Path) -> bool:
    """Return whether the first line has a tab, and is not one of TRDG, whose text may have tabs."""
    line = first_line(file)
    return "\t" in line and not (_TRDG_NAME.fullmatch(file.name) and _TRDG_LINE.match(line))


PADDLEOCR_SCENES = WordFormat(
    name="paddleocr-scenes", title="PaddleOCR's scenes", suffixes=(".txt",), fits=_is_scene, open=refuse_scenes, has_several=True,
    pattern=re.compile(r"(?:.*[_-])?labels?\.txt|det[_-].*\.txt|(?:train|val|test)\.txt", re.IGNORECASE),
)  # fmt: skip
PADDLEOCR = WordFormat(
    name="paddleocr", title="PaddleOCR", suffixes=(".txt",), fits=_has_tab, open=open_word_list, has_several=True,
    pattern=re.compile(r"rec_gt.*\.txt|(?:gt|labels?|train|val|test)\.txt", re.IGNORECASE),
)  # fmt: skip
