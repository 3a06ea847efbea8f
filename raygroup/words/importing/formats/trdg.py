"""TRDG (TextRecognitionDataGenerator): ``labels.txt``, or labels in the names of the images.

A line of ``labels.txt`` is the name of an image, a blank and the text. Without it, TRDG names an
image ``TEXT_NUMBER.jpg``, or ``NUMBER_TEXT.jpg``. Any folder of images looks a little like that, so
names are read as texts only if a user says so: ``FOLDER:trdg-names``.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.label_files import SCHEMA, LabelFile
from raygroup.words.importing.label_rows import NumberedLines, Row, plain_row
from raygroup.words.importing.listed_rows import ListedRows, ReportProgress, ignore_progress

IMAGE_NAME = re.compile(r"[^.].*\.(?:jpe?g|png|gif|bmp|webp|tiff?|ppm|jp2|avif)", re.IGNORECASE)
"""The name of an image, as far as a name tells."""
_SHOWN = 40
_LINE = re.compile(r"(?P<name>\S+\.\w+)(?: (?P<text>.*))?")
_FORMS = {"TEXT_NUMBER": re.compile(r"(?P<text>.+)_(?P<number>\d+)"), "NUMBER_TEXT": re.compile(r"(?P<number>\d+)_(?P<text>.+)")}
_WHOLE = "TEXT"


def parse_trdg(file: Path, stream: IO[str], columns: set[str]) -> Iterator[Row]:
    """Yield the rows of a ``labels.txt``. Raises ConfigError for a line that does not begin with a file's name."""
    lines = NumberedLines(stream)
    for line in lines:
        match = _LINE.fullmatch(line)
        if match:
            yield plain_row(lines.number, match["name"], match["text"])
        elif line.strip():
            raise ConfigError(f"{file}:{lines.number}: expected the name of an image, a blank and the text, got {line[:_SHOWN]!r}")


@dataclass(frozen=True)
class NamedImages(LabelFile):
    """The images of a folder whose names are their texts. ``file`` is the folder."""

    @property
    def root(self) -> Path:
        return self.file

    @property
    def name(self) -> str:
        return self.file.resolve().name

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return a row for each image, by name. Its text is empty if the name has another form than most."""
        names = _image_names(self.file)
        stems = [Path(name).stem for name in names]
        form = _form_of(stems)
        texts = [_text(form, stem) for stem in stems]
        example = next((f"; {name!r} is {text!r}" for name, text in zip(names, texts, strict=True) if text), "")
        nulls = [None] * len(names)
        table = pa.table([range(1, len(names) + 1), names, texts, nulls, nulls, nulls], schema=SCHEMA)
        notes = [f"the names of the images are their texts, as {form}{example}", *_unread(self.file, len(names))]
        return ListedRows(table, frozenset(), (*self.notes, *notes))

    def place(self, rows: pa.Table, row: int) -> str:
        name: str = rows["path"][row].as_py()
        return name if name.isprintable() and name == name.strip() else repr(name)

    def _content(self) -> bytes:
        return "\n".join(_image_names(self.file)).encode(errors="surrogateescape")


def _image_names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if IMAGE_NAME.fullmatch(entry.name) and entry.is_file())


def _unread(folder: Path, num_images: int) -> list[str]:
    """Return a note on the files and folders that are not named like an image."""
    count = sum(not entry.name.startswith(".") for entry in os.scandir(folder)) - num_images
    return [f"{count} other files or folders are not read: their names are not those of images"] if count else []


def _form_of(stems: Sequence[str]) -> str:
    """Return the form that most names have. Of two, it is the one with fewer equal numbers, then TRDG's usual one."""
    best, most = _WHOLE, (0, 0)
    for form, pattern in _FORMS.items():
        numbers = [match["number"] for stem in stems if (match := pattern.fullmatch(stem))]
        if (len(numbers), len({*numbers})) > most:
            best, most = form, (len(numbers), len({*numbers}))
    return best


def _text(form: str, stem: str) -> str:
    if form == _WHOLE:
        return stem
    match = _FORMS[form].fullmatch(stem)
    return match["text"] if match else ""


TRDG = WordFormat(
    name="trdg", title="TRDG", pattern=re.compile(r"labels\.txt", re.IGNORECASE), suffixes=(".txt",),
    open=lambda file: LabelFile(file, parse_trdg, format="trdg"),
)  # fmt: skip
TRDG_NAMES = "trdg-names"
"""Name of the choice to read the names of images as texts."""
