"""Find the label file or the Parquet files of a data set, and tell their format.

Where the format is not clear, an error names the candidates.
"""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.chosen import split_choice
from raygroup.words.importing.formats.joined import JoinedListings
from raygroup.words.importing.formats.own import OWN
from raygroup.words.importing.formats.paddleocr import PADDLEOCR_SCENES
from raygroup.words.importing.formats.registry import ALL_FORMATS, FORMATS, LABEL_SUFFIXES, label_files_in
from raygroup.words.importing.formats.subfolders import listing_below
from raygroup.words.importing.formats.trdg import TRDG_NAMES, NamedImages
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.listed_rows import Listing
from raygroup.words.importing.parquet_files import ParquetWords, parquet_files_in

_MOST_NAMED = 3


def find_listing(path: Path) -> Listing:
    """Return the words at a path: a Parquet file or a folder of them, a label file or a folder with one.

    ``PATH:FORMAT`` names the format of a label file. Raises ConfigError if there is no data set, or
    if it is not clear which one is meant.
    """
    path, choice = split_choice(path)
    if path.is_dir():
        return NamedImages(path, format=TRDG_NAMES) if choice == TRDG_NAMES else _listing_in(path, choice)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{path}: no permission to read it")
    if path.suffix.lower() == ".parquet" and not choice:
        return ParquetWords(path)
    if choice == TRDG_NAMES:
        raise ConfigError(f"{path}: {TRDG_NAMES} reads the names of a folder's images: give the folder")
    return _format_of(path, choice).open(path)


def _format_of(file: Path, choice: str) -> WordFormat:
    """Return the chosen format, or the first one that takes a file. Raises ConfigError if there is none."""
    if choice:
        return FORMATS[choice]
    if known := next((known for known in ALL_FORMATS if known.takes(file)), None):
        return known
    suffixes = ", ".join([*OWN.suffixes, *sorted(LABEL_SUFFIXES - {*OWN.suffixes})])
    raise ConfigError(f"{file}: must be a .parquet file, a label file ({suffixes}), or a folder with one or with Parquet files")


def _listing_in(folder: Path, choice: str) -> Listing:
    """Return the words in a folder. ``labels.csv`` and its like win over Parquet files, and these over other names."""
    formats = [FORMATS[choice]] if choice else ALL_FORMATS
    files, parquet = label_files_in(folder, formats), [] if choice else parquet_files_in(folder)
    if parquet and not any(OWN.pattern.fullmatch(path.name) for paths in files.values() for path in paths):
        return _with_notes(ParquetWords(parquet[0] if len(parquet) == 1 else folder), files, "the Parquet files are")
    if OWN.name in files:
        return _open(folder, OWN, files, files[OWN.name][0].name + " is")
    names = [name for name in files if name != PADDLEOCR_SCENES.name]
    if len(names) > 1:
        raise ConfigError(f"{folder}: {_candidates(files, names)}: give the path of the one to read")
    if names:
        return _open(folder, FORMATS[names[0]], files, files[names[0]][0].name + " is")
    if files:
        return PADDLEOCR_SCENES.open(files[PADDLEOCR_SCENES.name][0])
    return listing_below(folder, formats)


def _open(folder: Path, known: WordFormat, files: Mapping[str, Sequence[Path]], winner: str) -> Listing:
    """Return the words of the files of one format. The others are named in notes."""
    paths = files[known.name]
    if len(paths) > 1 and not known.has_several:
        raise ConfigError(f"{folder}: {' and '.join(file.name for file in paths)}: keep one, or give the path of the one to read")
    listing = known.open(paths[0]) if len(paths) == 1 else JoinedListings(folder, tuple(map(known.open, paths)))
    return _with_notes(listing, {name: others for name, others in files.items() if name != known.name}, winner)


_Noted = TypeVar("_Noted")


def _with_notes(listing: _Noted, passed: Mapping[str, Sequence[Path]], winner: str) -> _Noted:
    """Return the listing with a note on each label file that is passed over."""
    notes = []
    for name, paths in passed.items():
        reason = "it labels scenes: python -m raygroup.data import reads it" if name == PADDLEOCR_SCENES.name else winner
        notes += [f"{path.name} is not read: {reason}" for path in paths]
    return dataclasses.replace(listing, notes=tuple(notes)) if notes else listing  # type: ignore[type-var]


def _candidates(files: Mapping[str, Sequence[Path]], names: Sequence[str]) -> str:
    """Name the formats with a file each."""
    shown = [f"{files[name][0].name} of {FORMATS[name].title}" for name in names[:_MOST_NAMED]]
    return f"label files of {len(names)} formats: {' and '.join(shown)}"
