"""Read a data set whose label files lie in one folder for each part, or say which folder to give."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.joined import JoinedListings
from raygroup.words.importing.formats.parts import part_of
from raygroup.words.importing.formats.registry import FORMATS, label_files_in
from raygroup.words.importing.formats.trdg import IMAGE_NAME, TRDG_NAMES
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.listed_rows import Listing
from raygroup.words.importing.parquet_files import parquet_folders_below

_MOST_SHOWN = 3
_MOST_COUNTED = 100_000


def listing_below(folder: Path, formats: Sequence[WordFormat]) -> Listing:
    """Return the label files of the folders below, if each names one part of a data set.

    All of them must be of one format. Raises ConfigError otherwise, with the folders to choose from.
    """
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    files = {path: found for path in below if (found := label_files_in(path, formats))}
    parts = [part_of(path.name, with_base=True) for path in files]
    names = {name for found in files.values() for name in found}
    if len({*parts}) > 1 and None not in parts and len(names) == 1 and {*names} <= FORMATS.keys() and not parquet_folders_below(folder):
        known = FORMATS[names.pop()]
        members = [known.open(file) for found in files.values() for file in found[known.name]]
        return JoinedListings(folder, tuple(members), _unread(below, files))
    raise ConfigError(_nothing_in(folder, [*files], formats))


def _unread(below: Sequence[Path], read: dict[Path, dict[str, list[Path]]]) -> tuple[str, ...]:
    """Return a note on each folder that is not read though it names a part."""
    unread = [path for path in below if path not in read and part_of(path.name, with_base=True)]
    return tuple(f"{path.name}/ is not read: no label file lies in it" for path in unread)


def _nothing_in(folder: Path, labelled: Sequence[Path], formats: Sequence[WordFormat]) -> str:
    """Say what a folder lacks, and what may be meant."""
    if parquet := parquet_folders_below(folder):
        names = " and ".join(map(str, parquet[:_MOST_SHOWN]))
        return f"{folder}: no label file and no Parquet file; Parquet files lie in {names}: give that folder"
    if labelled:
        names = " and ".join(path.name for path in labelled[:_MOST_SHOWN])
        more = f" and {len(labelled) - _MOST_SHOWN} more" if len(labelled) > _MOST_SHOWN else ""
        return f"{folder}: no label file; label files lie in {names}{more}: give the path of one"
    if len(formats) == 1:
        return f"{folder}: no label file of {formats[0].title}; its name must match {formats[0].pattern.pattern}"
    images = [*itertools.islice((path.name for path in folder.iterdir() if IMAGE_NAME.fullmatch(path.name)), _MOST_COUNTED)]
    hint = f"; if the names of its images, such as {min(images)[:40]!r}, are their texts, give {folder.name}:{TRDG_NAMES}" if images else ""
    return f"{folder}: no label file; it must hold one of labels.csv, labels.tsv, labels.jsonl, or another tool's (docs/data.md){hint}"
