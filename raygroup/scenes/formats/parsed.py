"""Turn the parsed labels of a data set into scenes.

Polygons are checked many images at a time, because that is faster.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from raygroup.scenes.archives.members import Member
from raygroup.scenes.formats.script_names import is_script, task_of
from raygroup.scenes.polygons import check_polygons
from raygroup.scenes.scene import LINE_ENDS, Instance, Problems, Scene

MAX_SHOWN = 60
"""Characters of a text or a line that a message shows."""
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
_BATCH_SIZE = 1000
"""Images and instances that are collected before their polygons are checked."""


@dataclass(frozen=True, slots=True)
class ParsedInstance:
    """An instance as its label spells it, with an unchecked polygon."""

    corners: tuple[float, ...] | None
    """x, y, x, y, ..., or None for the whole image."""
    text: str
    dont_care: bool = False
    script: str | None = None


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """An image and its parsed labels."""

    name: str
    labels: str
    """Place of the labels, for messages."""
    image: Member | None
    instances: list[tuple[int, ParsedInstance]] = field(default_factory=list)
    """Instances with the numbers of their lines or items."""
    place: str = ""
    """Text that messages put before such a number; if empty, ``labels``."""


def build_scenes(images: Iterable[LabelledImage], problems: Problems) -> Iterator[Scene]:
    """Yield a scene for each image, in the same order.

    Broken polygons, unknown scripts, control characters and words without text become problems.
    """
    batch: list[LabelledImage] = []
    count = 0
    for image in images:
        batch.append(image)
        count += 1 + len(image.instances)
        if count >= _BATCH_SIZE:
            yield from _check_batch(batch, problems)
            batch, count = [], 0
    yield from _check_batch(batch, problems)


def _check_batch(batch: list[LabelledImage], problems: Problems) -> Iterator[Scene]:
    corners = [parsed.corners for image in batch for _, parsed in image.instances if parsed.corners is not None]
    polygons = iter(check_polygons(corners))
    for image in batch:
        instances = []
        for number, parsed in image.instances:
            polygon, defect = (None, "") if parsed.corners is None else next(polygons)
            task = task_of(parsed.script)
            if defect or (not parsed.text and not parsed.dont_care) or (task is None and not is_script(parsed.script)):
                _report(parsed, polygon is not None, defect, f"{image.place or image.labels}:{number}", problems)
            text = parsed.text
            if _CONTROL.search(text):
                text = _on_one_line(text, f"{image.place or image.labels}:{number}", problems)
            if polygon is not None or parsed.corners is None:
                instances.append(Instance(polygon, text, parsed.dont_care, parsed.script, task, number))
        yield Scene(image.name, image.labels, image.image, tuple(instances))


def _on_one_line(text: str, place: str, problems: Problems) -> str:
    """Return a text with blanks in place of its line ends, and report its control characters."""
    signs = ", ".join(sorted({f"U+{ord(sign):04X}" for sign in _CONTROL.findall(text)}))
    one_line = LINE_ENDS.sub(" ", text)
    change = "stays" if one_line == text else "stays, with a blank for each line end"
    problems.add("control character", place, f"the text {text[:MAX_SHOWN]!r} has {signs}: it {change}")
    return one_line


def _report(parsed: ParsedInstance, is_repaired: bool, defect: str, place: str, problems: Problems) -> None:
    text = repr(parsed.text[:MAX_SHOWN])
    if defect:
        problems.add("polygon repaired" if is_repaired else "polygon rejected", place, f"{defect}; text {text}")
    if parsed.script is not None and not is_script(parsed.script):
        script = repr(parsed.script[:MAX_SHOWN])
        problems.add("script unknown", place, f"unknown script {script} of text {text}: the word stays, without a task")
    if not parsed.text and not parsed.dont_care:
        problems.add("text empty", place, "the word has no text, but is not marked as a don't-care")
