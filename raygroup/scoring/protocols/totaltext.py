"""Total-Text end to end (and word spotting): curved polygons, scored as ICDAR15.

facts: ground truth ``gt_imgN.txt`` has ``x1,y1,...,xn,yn,text`` lines, a submission ``res_imgN.txt`` two lines a word: polygon, then
text. A text that stands on the line of its polygon is not looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.archive_entries import Entry, read_entries
from raygroup.scoring.line_files import decoded
from raygroup.scoring.protocols import icdar15
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import Annotated, Places, polygons

TRUTH_NAME = r"gt_img([0-9]+).txt"
SUBMISSION_NAME = r"res_img([0-9]+).txt"

_INT32 = 2**31

Row = tuple[int, list[int], str]
"""Line, coordinates, text."""


def read_truths(source: Path) -> Annotated:
    """Raises ConfigError for what the official script refuses. A text is what follows the last comma, as there: one with two commas
    makes the line unreadable."""
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like gt_img1.txt (no underscore before the number)")
    return icdar15.with_ignored(_words(files, tuple(files), {image: list(_truth_rows(file)) for image, file in files.items()}))


def read_detections(source: Path, truths: Annotated) -> Annotated:
    """Raises SubmissionError for what the official script refuses or dies of."""
    files = read_entries(source, SUBMISSION_NAME, strict=True, kind=SubmissionError)
    for image in files.keys() - set(truths.images):
        raise SubmissionError(f"{files[image].place}: the ground truth has no gt_img{image}.txt (numbers are compared digit by digit)")
    return _words(files, truths.images, {image: list(_detection_rows(file)) for image, file in files.items()})


def score(truths: Annotated, detections: Annotated, *, spotting: bool = False) -> Result:
    return icdar15.score(truths, detections, spotting=spotting, protocol="totaltext")


def coordinates(place: str, values: Sequence[str], kind: type[ConfigError]) -> list[int]:
    """Whole pixels: what follows a point is cut off, as in the official script."""
    if len(values) < 6:
        raise kind(f"{place}: {len(values) // 2} points: a polygon has at least 3, as x1,y1,x2,y2,...")
    found = [number for value in values if (number := _number(value)) is not None]
    if len(found) < len(values):
        wrong = next(value for value in values if _number(value) is None)
        raise kind(f"{place}: coordinate is {wrong.strip():.40}: it must be a number (a text has no second comma)")
    if max(map(abs, found)) >= _INT32:
        raise kind(f"{place}: coordinate {max(found, key=abs)} is out of range: it must fit 32 bits")
    return found


def _truth_rows(file: Entry) -> Iterator[Row]:
    for number, line in enumerate(decoded(file, True, ConfigError).replace("\r", "").split("\n"), 1):
        if line:
            *values, text = line.split(",")
            yield number, coordinates(f"{file.place}:{number}", values[: len(values) // 2 * 2], ConfigError), text


def _detection_rows(file: Entry) -> Iterator[Row]:
    """Two lines a word; a last line without a partner, and pairs of empty lines at the end, are nothing."""
    lines = [line.strip() for line in decoded(file, True, SubmissionError).split("\n")]
    last = max((number for number, line in enumerate(lines, 1) if line), default=0)
    for number in range(1, last + 1, 2):
        if number < len(lines):
            line, text = lines[number - 1], lines[number]
            if not _passes_for_coordinates(text.split(",")):
                raise SubmissionError(f"{file.place}:{number + 1}: text is {text:.40}: the official script takes no text with two commas")
            values = line.split(",")
            yield number, coordinates(f"{file.place}:{number}", values[: len(values) // 2 * 2], SubmissionError), text


def _passes_for_coordinates(fields: Sequence[str]) -> bool:
    """Whether the official script, which reads every line as if it had a polygon, finds numbers before the last or the last two commas."""
    return all(_number(value) is not None for value in fields[: (len(fields) - 1) // 2 * 2])


def _number(text: str) -> int | None:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None


def _words(files: Mapping[str, Entry], images: tuple[str, ...], rows: Mapping[str, Sequence[Row]]) -> Annotated:
    each = [(place, files[image].place, row) for place, image in enumerate(images) for row in rows.get(image, ())]
    return Annotated(
        images=images,
        image=np.array([place for place, _, _ in each], np.intp),
        polygons=polygons([np.reshape(points, (-1, 2)) for _, _, (_, points, _) in each]),
        texts=[text for _, _, (_, _, text) in each],
        places=Places([(file, number) for _, file, (number, _, _) in each]),
    )
