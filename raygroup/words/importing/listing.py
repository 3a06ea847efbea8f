"""Find the label file or the Parquet files of a data set."""

import os
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.words.importing.label_files import SUFFIXES, LabelFile, label_file_in
from raygroup.words.importing.parquet_files import ParquetWords, parquet_files_in, parquet_folders_below

Listing = LabelFile | ParquetWords


def find_listing(path: Path) -> Listing:
    """Return the label file or the Parquet files at a path.

    Raises ConfigError if there are none.
    """
    if path.is_dir():
        return _listing_in(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{path}: no permission to read it")
    if path.suffix.lower() in SUFFIXES:
        return LabelFile(path)
    if path.suffix.lower() == ".parquet":
        return ParquetWords(path)
    raise ConfigError(f"{path}: must be a .parquet file, a label file ({', '.join(SUFFIXES)}), or a folder with one or with Parquet files")


def _listing_in(folder: Path) -> Listing:
    """Return the label file or the Parquet files in a folder. A label file wins over Parquet files."""
    parquet = parquet_files_in(folder)
    has_labels = any((folder / f"labels{suffix}").is_file() for suffix in SUFFIXES)
    if parquet and not has_labels:
        return ParquetWords(parquet[0] if len(parquet) == 1 else folder)
    if not has_labels and (folders := parquet_folders_below(folder)):
        names = " and ".join(map(str, folders[:3]))
        raise ConfigError(f"{folder}: no label file and no Parquet file; Parquet files lie in {names}: give that folder")
    return label_file_in(folder)
