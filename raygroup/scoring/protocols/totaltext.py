"""Total-Text, end to end and word spotting.

Its curved polygons are scored as in ICDAR15. A line of the ground truth ``gt_imgN.txt`` is
``x1,y1,...,xn,yn,text``. A submission ``res_imgN.txt`` has two lines for each word: polygon, then
text. A text on the line of the polygon is not read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.archive_entries import ArchiveEntry, read_entries
from raygroup.scoring.line_files import decode
from raygroup.scoring.protocols import icdar15
from raygroup.scoring.reading_notes import reading_notes
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import Locations, WordColumns, polygons

TRUTH_NAME = r"gt_img([0-9]+).txt"
SUBMISSION_NAME = r"res_img([0-9]+).txt"

_INT32 = 2**31

WordLine = tuple[int, list[int], str]
"""Line number, coordinates, text."""


def read_truths(source: Path) -> WordColumns:
    """Read a ground truth.

    Raises ConfigError for everything that the official script refuses. A text is everything after
    the last comma, as in the script. So a text with two commas makes its line unreadable.
    """
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like gt_img1.txt (no underscore before the number)")
    return icdar15.with_ignored(_words(files, tuple(files), {image: list(_truth_lines(file)) for image, file in files.items()}))


def read_detections(source: Path, truths: WordColumns) -> WordColumns:
    """Read a submission.

    Raises SubmissionError for everything that the official script refuses or dies of.
    """
    files = read_entries(source, SUBMISSION_NAME, strict=True, kind=SubmissionError, example=truths.images[0])
    for image in files.keys() - set(truths.images):
        raise SubmissionError(f"{files[image].location}: the ground truth has no gt_img{image}.txt (numbers are compared digit by digit)")
    return _words(files, truths.images, {image: list(_detection_lines(file)) for image, file in files.items()})


def score(truths: WordColumns, detections: WordColumns, *, spotting: bool = False) -> Result:
    """Score detections as in ICDAR15.

    Raises SubmissionError if the polygons make the official script die.
    """
    return icdar15.score(truths, detections, spotting=spotting, protocol="totaltext")


def coordinates(location: str, values: Sequence[str], kind: type[ConfigError]) -> list[int]:
    """Return coordinates in whole pixels.

    Digits after a point are cut off, as in the official script.
    """
    if len(values) < 6:
        raise kind(f"{location}: {len(values) // 2} points: a polygon has at least 3, as x1,y1,x2,y2,...")
    numbers = [number for value in values if (number := _number(value)) is not None]
    if len(numbers) < len(values):
        wrong = next(value for value in values if _number(value) is None)
        raise kind(f"{location}: coordinate is {wrong.strip():.40}: it must be a number (a text has no second comma)")
    if max(map(abs, numbers)) >= _INT32:
        raise kind(f"{location}: coordinate {max(numbers, key=abs)} is out of range: it must fit 32 bits")
    return numbers


def _truth_lines(file: ArchiveEntry) -> Iterator[WordLine]:
    for number, line in enumerate(decode(file, True, ConfigError).replace("\r", "").split("\n"), 1):
        if line:
            *values, text = line.split(",")
            yield number, coordinates(f"{file.location}:{number}", values[: len(values) // 2 * 2], ConfigError), text


def _detection_lines(file: ArchiveEntry) -> Iterator[WordLine]:
    """Yield the words of a submission, two lines each.

    A last line without a partner and pairs of empty lines at the end are skipped.
    """
    lines = [line.strip() for line in decode(file, True, SubmissionError).split("\n")]
    last = max((number for number, line in enumerate(lines, 1) if line), default=0)
    for number in range(1, last + 1, 2):
        if number < len(lines):
            line, text = lines[number - 1], lines[number]
            if not _passes_for_coordinates(text.split(",")):
                raise SubmissionError(
                    f"{file.location}:{number + 1}: text is {text:.40}: the official script takes no text with two commas"
                )
            values = line.split(",")
            yield number, coordinates(f"{file.location}:{number}", values[: len(values) // 2 * 2], SubmissionError), text


def _passes_for_coordinates(fields: Sequence[str]) -> bool:
    """Return whether the official script can read this text line.

    The script reads every line as if it had a polygon. It wants numbers before the last comma, or
    before the last two.
    """
    return all(_number(value) is not None for value in fields[: (len(fields) - 1) // 2 * 2])


def _number(text: str) -> int | None:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return None


def _words(files: Mapping[str, ArchiveEntry], images: tuple[str, ...], lines: Mapping[str, Sequence[WordLine]]) -> WordColumns:
    words = [(index, files[image].location, line) for index, image in enumerate(images) for line in lines.get(image, ())]
    return WordColumns(
        images=images,
        image=np.array([index for index, _, _ in words], np.intp),
        polygons=polygons([np.reshape(points, (-1, 2)) for _, _, (_, points, _) in words]),
        texts=[text for _, _, (_, _, text) in words],
        locations=Locations([(file, number) for _, file, (number, _, _) in words]),
        notes=reading_notes(files.values()),
    )
