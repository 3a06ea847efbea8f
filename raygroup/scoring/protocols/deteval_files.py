"""Read the files of Total-Text detection for DetEval.

A submission has files ``imgN.txt`` with lines ``y1,x1,...,yn,xn``. The ground truth is
``poly_gt_imgN.mat`` of the data set.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from raygroup.errors import ConfigError, MatFileError, SubmissionError
from raygroup.scenes.formats.syntax.matlab import Cell, cell_rows
from raygroup.scoring.archive_entries import ArchiveEntry, read_entries
from raygroup.scoring.line_files import decode
from raygroup.scoring.protocols.totaltext import coordinates
from raygroup.scoring.reading_notes import reading_notes
from raygroup.scoring.word_columns import Locations, Reals, WordColumns, polygons

TRUTH_NAME = r"poly_gt_img([0-9]+)\.mat"
SUBMISSION_NAME = r"img([0-9]+)\.txt"


def read_truths(source: Path) -> WordColumns:
    """Read a ground truth.

    Words of orientation ``#`` are ignored. Raises ConfigError for files that are not those of the
    data set.
    """
    files = read_entries(source, TRUTH_NAME, strict=False)
    if not files:
        raise ConfigError(f"{source}: no entry called like poly_gt_img1.mat")
    rows = [(index, *row) for index, file in enumerate(files.values()) for row in _mat_rows(file)]
    return WordColumns(
        images=tuple(files),
        image=np.array([row[0] for row in rows], np.intp),
        polygons=polygons([row[1] for row in rows]),
        texts=[row[2] for row in rows],
        ignored=np.array([row[3] for row in rows], np.bool_),
    )


def read_detections(source: Path, truths: WordColumns) -> WordColumns:
    """Read a submission.

    Entries of other names are skipped, as in the official script. Raises SubmissionError for
    everything that the script dies of.
    """
    files = read_entries(source, SUBMISSION_NAME, strict=False, kind=SubmissionError)
    for image in files.keys() - set(truths.images):
        raise SubmissionError(f"{files[image].location}: the ground truth has no poly_gt_img{image}.mat")
    if not files:
        raise SubmissionError(f"{source}: no entry called like img1.txt")
    answered = [(index, files[image]) for index, image in enumerate(truths.images) if image in files]
    rows = [(index, file.location, *row) for index, file in answered for row in _detection_rows(file)]
    return WordColumns(
        images=truths.images,
        image=np.array([row[0] for row in rows], np.intp),
        polygons=polygons([row[3] for row in rows]),
        locations=Locations([(row[1], row[2]) for row in rows]),
        answered=frozenset(files),
        notes=reading_notes(files.values()),
    )


def _detection_rows(file: ArchiveEntry) -> Iterator[tuple[int, Reals]]:
    """Yield (line, points) of a file, which has y before x."""
    for number, line in enumerate(decode(file, True, SubmissionError).replace("\r", "").removesuffix("\n").split("\n"), 1):
        values, location = line.split(","), f"{file.location}:{number}"
        if line and len(values) % 2:
            raise SubmissionError(f"{location}: {len(values)} numbers: a line is y1,x1,...,yn,xn and nothing else")
        if line:
            yield number, np.reshape(coordinates(location, values, SubmissionError), (-1, 2))[:, ::-1].astype(np.float64)


def _mat_rows(file: ArchiveEntry) -> Iterator[tuple[Reals, str, bool]]:
    """Yield (points, text, whether ignored) of each word.

    Its cells are ``x:, xs, y:, ys, text, orientation``.
    """
    try:
        for row in cell_rows(file.content, ("polygt", "gt")):
            x, y = (np.asarray(row[column], np.float64) for column in (1, 3))
            if len(x) != len(y):
                raise ValueError(f"{len(x)} x and {len(y)} y of one polygon")
            if len(x) > 2:
                yield np.stack([x, y], axis=1), _text(row[4]), len(row) > 5 and _text(row[5]) == "#"
    except (MatFileError, ValueError, TypeError, IndexError) as error:
        raise ConfigError(f"{file.location}: not ground truth of Total-Text (polygt of 6 cells a word): {error}") from error


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else "".join(f"{number:g}" for number in cell)
