"""Scenes: images with their labelled text, the same for every data set."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.archives.members import Member

Polygon = NDArray[np.float64]
"""Corners, (n, 2) with n >= 3, in pixels of the stored image: x to the right, y down.

A rotation in EXIF is not applied.
"""

MapInOrder = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Applies a function to items, as ``map`` does. It may use other processes."""
ReportProgress = Callable[[int, int], None]
"""Takes the number of scenes done and the number known so far.

The second is 0 until it is known.
"""

LINE_ENDS = re.compile("[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
"""Every run of characters that ends a line, for Python or for an editor."""

_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One piece of text in an image.

    It is a word, or a line in data sets of phrases.
    """

    polygon: Polygon | None
    """Corners in the order of the label, in reading direction if the format promises it.

    None for the whole image (a word crop).
    """
    text: str
    """Raw, as the file spells it: not stripped, folded or reordered. Line ends within it are blanks."""
    dont_care: bool
    script: str | None = None
    """The data set's name for the script, or None if it gives none."""
    task: str | None = None
    """The task of that script, or None if the script is unknown or belongs to no task of ours."""
    line: int = 0
    """Line of the label file, from 1; in JSON files the number of the item."""


@dataclass(frozen=True, slots=True)
class Scene:
    """An image and its instances."""

    name: str
    """Stem of the image's file name, the same in every copy of a data set."""
    labels: str
    """Place of the labels: ``file`` or ``file:item``."""
    image: Member | None
    """None if the data set has no image of this name."""
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of a data set that could not be used unchanged."""

    kind: str
    """Short phrase by which problems are counted, the same for all problems of one kind."""
    place: str
    """``file:line``."""
    what: str
    """Description of the problem, and what would be right or how the reader went on."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass
class Problems:
    """Counts of all problems, with details of the first ten thousand."""

    counts: Counter[str] = field(default_factory=Counter)
    """Kind -> number of problems."""
    entries: list[Problem] = field(default_factory=list)

    def add(self, kind: str, place: str, what: str) -> None:
        self.counts[kind] += 1
        if len(self.entries) < _MAX_ENTRIES:
            self.entries.append(Problem(kind, place, what))

    def merge(self, summary: dict[str, Any]) -> None:
        """Add the problems in ``summary``, the result of another object's ``to_json``."""
        self.counts.update(summary["counts"])
        self.entries += [Problem(**entry) for entry in summary["listed"][: max(_MAX_ENTRIES - len(self.entries), 0)]]

    def first(self, kind: str) -> Problem:
        return next(problem for problem in self.entries if problem.kind == kind)

    def to_json(self) -> dict[str, Any]:
        listed = [{"kind": problem.kind, "place": problem.place, "what": problem.what} for problem in self.entries]
        return {"counts": dict(self.counts.most_common()), "listed": listed}
