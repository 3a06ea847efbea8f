"""List the images that a user named."""

import glob
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from raygroup.errors import ConfigError

STANDARD_INPUT = "-"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".jp2", ".avif"})
"""Endings of the files that are taken from a folder. A file that is named itself may have any."""
_OF_TELEPHONES = frozenset({".heic", ".heif"})
"""Endings that are not read. They are listed beside other images, so that reading gives the reason."""
_SIGNS_OF_PATTERNS = re.compile(r"[*?\[]")


def list_images(arguments: Sequence[str], standard_input: TextIO) -> list[Path]:
    """Return the paths in their order. A folder gives its images by name, with numbers in their order.

    A path that is not there stays in the list, and reading it gives the reason. Raises ConfigError
    for a folder or a pattern without images.
    """
    paths: list[Path] = []
    for argument in arguments:
        paths += _paths(argument, standard_input)
    if not paths:
        raise ConfigError("no images: name files, folders or patterns, or - for paths on standard input")
    return paths


def _paths(argument: str, standard_input: TextIO) -> Iterable[Path]:
    if argument == STANDARD_INPUT:
        return [Path(line) for text in standard_input if (line := text.rstrip("\r\n"))]
    path = Path(argument)
    if path.is_dir():
        return _in_folder(path)
    if _SIGNS_OF_PATTERNS.search(argument) and not path.exists():
        matches = [Path(match) for match in glob.glob(argument, recursive=True)]
        images = sorted((match for match in matches if match.is_file()), key=_by_number)
        if not images:
            raise ConfigError(f"{argument}: no file fits this pattern")
        return images
    return [path]


def _in_folder(folder: Path) -> list[Path]:
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    images = [path for path in files if path.suffix.lower() in SUFFIXES | _OF_TELEPHONES]
    if not images:
        raise ConfigError(
            f"{folder}: no images in this folder: it looks for {', '.join(sorted(SUFFIXES))}; for its subfolders name {folder}/**/*.png"
        )
    return sorted(images, key=_by_number)


def _by_number(path: Path) -> tuple[object, ...]:
    """Return a key by which frame_2 comes before frame_10."""
    parts = re.split(r"(\d+)", str(path))
    return tuple((int(part), part) if number % 2 else (part,) for number, part in enumerate(parts))
