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
from raygroup.words.importing.label_columns import OWN_COLUMNS, Columns
from raygroup.words.importing.label_files import LabelFile
from raygroup.words.importing.label_rows import column_names, parse_labels
from raygroup.words.importing.listed_rows import ListedRows, ReportProgress, ignore_progress

_COLUMNS = Columns("file_name", ("text", "transcription", "transcript", "label", "word", "words"))


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
    """Return whether a file is called ``metadata`` or has ``file_name``, and does not have raygroup's own columns."""
    names = {*column_names(file)}
    return not names >= {*OWN_COLUMNS.needed} and (file.stem.lower() == "metadata" or _COLUMNS.path in names)


HUGGINGFACE = WordFormat(
    name="huggingface", title="a Hugging Face image folder", suffixes=(".csv", ".jsonl"), fits=_names_files, open=open_metadata,
    pattern=re.compile(r"metadata\.(?:csv|jsonl)", re.IGNORECASE),
)  # fmt: skip
