"""EasyOCR's trainer: ``labels.csv`` with the columns ``filename`` and ``words``.

It is a usual csv file: a text with a comma stands in quotes. The images lie beside it. The trainer
reads a folder for each part, such as ``en_train`` and ``en_val``.
"""

import re
from functools import partial
from pathlib import Path

from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.label_columns import OWN_COLUMNS, Columns
from raygroup.words.importing.label_files import LabelFile
from raygroup.words.importing.label_rows import column_names, parse_labels

_COLUMNS = Columns("filename", ("words",))


def open_easyocr(file: Path) -> LabelFile:
    """Return the words of a ``labels.csv`` of EasyOCR."""
    return LabelFile(file, partial(parse_labels, expected=_COLUMNS), format="easyocr")


def _has_columns(file: Path) -> bool:
    """Return whether the header has EasyOCR's columns, and not raygroup's own."""
    header = {*column_names(file)}
    return header >= {*_COLUMNS.needed} and not header >= {*OWN_COLUMNS.needed}


EASYOCR = WordFormat(
    name="easyocr", title="EasyOCR", pattern=re.compile(r"labels\.csv", re.IGNORECASE), suffixes=(".csv",), fits=_has_columns,
    open=open_easyocr,
)  # fmt: skip
