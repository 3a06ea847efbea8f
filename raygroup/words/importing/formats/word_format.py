"""A format of label files for word images."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from raygroup.words.importing.listed_rows import Listing


def any_content(file: Path) -> bool:
    """Return True: the name of a file is enough."""
    return True


@dataclass(frozen=True, kw_only=True)
class WordFormat:
    """A format: how its label files are called, how they look, and who reads them."""

    name: str
    """Name after the colon in ``PATH:FORMAT``."""
    title: str
    """Name of the tool that writes the format."""
    pattern: re.Pattern[str]
    """Matches the whole name of a label file in a folder."""
    suffixes: tuple[str, ...]
    """Suffixes of a label file whose path is given. Then it may have any name."""
    fits: Callable[[Path], bool] = any_content
    """Tests the first line of a file that has a fitting name or suffix."""
    open: Callable[[Path], Listing]
    """Takes a label file. Returns its words, without reading them."""
    has_several: bool = False
    """Whether one folder may hold several label files of the format, which are read together."""

    def covers(self, file: Path) -> bool:
        """Return whether a file in a folder is a label file of this format."""
        return self.pattern.fullmatch(file.name) is not None and self.fits(file)

    def takes(self, file: Path) -> bool:
        """Return whether a file whose path is given can be read as this format."""
        return file.suffix.lower() in self.suffixes and self.fits(file)
