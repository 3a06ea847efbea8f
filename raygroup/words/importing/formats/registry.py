"""The formats of label files for word images."""

import os
from collections.abc import Sequence
from pathlib import Path

from raygroup.words.importing.formats.doctr import DOCTR
from raygroup.words.importing.formats.easyocr import EASYOCR
from raygroup.words.importing.formats.huggingface import HUGGINGFACE
from raygroup.words.importing.formats.lmdb_database import LMDB
from raygroup.words.importing.formats.own import OWN
from raygroup.words.importing.formats.paddleocr import PADDLEOCR, PADDLEOCR_SCENES
from raygroup.words.importing.formats.trdg import TRDG
from raygroup.words.importing.formats.word_format import WordFormat

ALL_FORMATS = (EASYOCR, HUGGINGFACE, OWN, PADDLEOCR_SCENES, PADDLEOCR, TRDG, DOCTR, LMDB)
"""Formats, stricter ones first: a file belongs to the first one that fits."""

FORMATS = {known.name: known for known in ALL_FORMATS if known is not PADDLEOCR_SCENES}
"""The formats that a user may name, in ``PATH:FORMAT``."""

LABEL_SUFFIXES = frozenset(suffix for known in ALL_FORMATS for suffix in known.suffixes)
_SUFFIXES = tuple(LABEL_SUFFIXES)


def label_files_in(folder: Path, formats: Sequence[WordFormat] = ALL_FORMATS) -> dict[str, list[Path]]:
    """Return the label files directly in a folder, by name of their format. Hidden files do not count."""
    files: dict[str, list[Path]] = {}
    # A folder may hold millions of images, so their names are compared before anything else.
    names = [entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(_SUFFIXES) and not entry.name.startswith(".")]
    for path in (folder / name for name in sorted(names)):
        if path.is_file() and (known := next((known for known in formats if known.covers(path)), None)):
            files.setdefault(known.name, []).append(path)
    return files
