"""Split ``PATH:FORMAT``, by which a user names the format of a data set."""

from pathlib import Path

from raygroup.errors import ConfigError

CHOICES = ("raygroup", "easyocr", "paddleocr", "doctr", "huggingface", "lmdb", "trdg", "trdg-names")
"""The formats that a user may name."""


def split_choice(path: Path) -> tuple[Path, str]:
    """Return a path without its format, and the format or "".

    A file or folder whose own name has a colon wins. Raises ConfigError if the path before the colon
    is there, but the format is not known.
    """
    name, colon, choice = path.name.rpartition(":")
    if not colon or not name or path.exists():
        return path, ""
    bare = path.with_name(name)
    if choice in CHOICES:
        return bare, choice
    if bare.exists():
        raise ConfigError(f"{path}: no format {choice!r}: write one of {', '.join(CHOICES)} after the colon")
    return path, ""
