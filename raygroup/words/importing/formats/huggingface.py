"""Hugging Face's image folders: ``metadata.csv`` or ``metadata.jsonl`` with ``file_name`` and a column of texts.

Parts are folders. Each may hold a metadata file of its own, or one file above names the images in
``train/`` and ``test/``.
"""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from raygroup.words.importing.formats.parts import assign_splits, part_of
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.label_columns import Columns
from raygroup.words.importing.label_files import LabelFile
from raygroup.words.importing.label_rows import header_of, parse_labels
from raygroup.words.importing.label_text import first_line
from raygroup.words.importing.listed_rows import ListedRows, ReportProgress, ignore_progress

_COLUMNS = Columns("file_name", ("text", "transcription", "transcript", "label", "word", "words"))
_KEY = re.compile(r'"file_name"\s*:')


@dataclass(frozen=True)
class ImageFolderLabels(LabelFile):
    """A metadata file. If the folders of its images name several parts, these give the splits."""

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return the rows like ``LabelFile.rows``. A note names the column of the texts."""
        listed = super().rows(progress)
        parts = [part_of(path) for path in listed.table["path"].to_pylist()]
        noted = listed._replace(notes=(*listed.notes, *_COLUMNS.note(listed.columns)))
        return assign_splits(noted, parts, lambda row: f"{self.root / self.place(listed.table, row)}")


def open_metadata(file: Path) -> ImageFolderLabels:
    """Return the words of a metadata file."""
    return ImageFolderLabels(file, partial(parse_labels, expected=_COLUMNS), format="huggingface")


def _names_files(file: Path) -> bool:
    """Return whether a file is called ``metadata``, or its first line has ``file_name``."""
    if file.stem.lower() == "metadata":
        return True
    line = first_line(file)
    return _KEY.search(line) is not None if file.suffix.lower() == ".jsonl" else "file_name" in header_of(line, {})


HUGGINGFACE = WordFormat(
    name="huggingface", title="a Hugging Face image folder", suffixes=(".csv", ".jsonl"), fits=_names_files, open=open_metadata,
    pattern=re.compile(r"metadata\.(?:csv|jsonl)", re.IGNORECASE),
)  # fmt: skip
