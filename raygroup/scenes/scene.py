"""A scene: an image and the text that its data set tells of in it, whatever format told it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.archives.sources import Member

Polygon = NDArray[np.float64]
"""(n, 2), n >= 3: x to the right, y down, in pixels of the image as it is stored, before any EXIF rotation."""

_KEPT = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One piece of text in an image: a word, or a line where a data set labels phrases."""

    polygon: Polygon | None
    """Corners in the order of the label, in reading direction where the format promises it; None: the whole image (a word crop)."""
    text: str
    """Raw: as the file spells it, nothing stripped, folded or reordered."""
    dont_care: bool
    script: str | None = None
    """As the data set names it; None where it names none."""
    task: str | None = None
    """The task of that script; None where it is not known or no task of ours."""
    line: int = 0
    """Of the label file, from 1; in JSON the number of the item."""


@dataclass(frozen=True, slots=True)
class Scene:
    """An image and its instances."""

    name: str
    """The same in every copy of a data set: its image's stem."""
    labels: str
    """Where its labels stand."""
    image: Member | None
    """None where no image was found."""
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of a data set that could not be taken as it stands."""

    kind: str
    """A short phrase, the same for all of its kind: what problems are counted by."""
    place: str
    """``file:line``."""
    what: str
    """What was seen, and what would be right or what was done about it."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass
class Problems:
    """Every problem counted, the first ten thousand kept."""

    counts: Counter[str] = field(default_factory=Counter)
    kept: list[Problem] = field(default_factory=list)

    def add(self, kind: str, place: str, what: str) -> None:
        self.counts[kind] += 1
        if len(self.kept) < _KEPT:
            self.kept.append(Problem(kind, place, what))

    def merge(self, told: dict[str, Any]) -> None:
        """Adds what another one's ``to_json`` said."""
        self.counts.update(told["counts"])
        self.kept += [Problem(**each) for each in told["listed"][: max(_KEPT - len(self.kept), 0)]]

    def first(self, kind: str) -> Problem:
        return next(problem for problem in self.kept if problem.kind == kind)

    def to_json(self) -> dict[str, Any]:
        listed = [{"kind": problem.kind, "place": problem.place, "what": problem.what} for problem in self.kept]
        return {"counts": dict(self.counts.most_common()), "listed": listed}
