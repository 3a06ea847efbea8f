"""What a label file says before its polygons are checked, and the scenes that come of it: many images at once, which is faster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from raygroup.scenes.archives.members import Member
from raygroup.scenes.formats.script_names import is_script, task_of
from raygroup.scenes.polygons import check_polygons
from raygroup.scenes.scene import Instance, Problems, Scene

SHOWN = 60
"""Characters of a text or a line that messages show."""
_TOGETHER = 1000
"""Instances whose polygons are checked at once."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An instance that was understood."""

    corners: tuple[float, ...] | None
    """x, y, x, y, ...; None: the whole image."""
    text: str
    dont_care: bool = False
    script: str | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """An image and what was understood of its labels."""

    name: str
    labels: str
    """Where they stand, for a reader."""
    image: Member | None
    found: list[tuple[int, Parsed]] = field(default_factory=list)
    """With the number of the line or item."""
    place: str = ""
    """What messages put before that number; empty: ``labels``."""


def finished(labelled: Iterable[Labelled], problems: Problems) -> Iterator[Scene]:
    """The scenes, in their order; polygons that are broken, scripts that are unknown and words without text are told of."""
    waiting: list[Labelled] = []
    count = 0
    for one in labelled:
        waiting.append(one)
        count += 1 + len(one.found)
        if count >= _TOGETHER:
            yield from _finished(waiting, problems)
            waiting, count = [], 0
    yield from _finished(waiting, problems)


def _finished(waiting: list[Labelled], problems: Problems) -> Iterator[Scene]:
    polygons = iter(check_polygons([parsed.corners for one in waiting for _, parsed in one.found if parsed.corners is not None]))
    for one in waiting:
        instances = []
        for number, parsed in one.found:
            polygon, said = (None, "") if parsed.corners is None else next(polygons)
            task = task_of(parsed.script)
            if said or (not parsed.text and not parsed.dont_care) or (task is None and not is_script(parsed.script)):
                _tell(parsed, polygon is not None, said, f"{one.place or one.labels}:{number}", problems)
            if polygon is not None or parsed.corners is None:
                instances.append(Instance(polygon, parsed.text, parsed.dont_care, parsed.script, task, number))
        yield Scene(one.name, one.labels, one.image, tuple(instances))


def _tell(parsed: Parsed, is_kept: bool, said: str, place: str, problems: Problems) -> None:
    text = repr(parsed.text[:SHOWN])
    if said:
        problems.add("polygon repaired" if is_kept else "polygon rejected", place, f"{said}; text {text}")
    if not is_script(parsed.script):
        problems.add("script unknown", place, f"script {parsed.script[:SHOWN]!r} of {text} is none we know: kept without a task")  # type: ignore[index]
    if not parsed.text and not parsed.dont_care:
        problems.add("text empty", place, "a word without text that is no don't-care")
