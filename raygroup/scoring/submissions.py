"""Write submissions that the official MLT19 scripts accept, whatever a detector returns.

Polygons become convex, clockwise and whole pixels, and confidences have the form ``%.4f``. The
scripts refuse a whole submission because of ``1e-05``, ``.9``, a counter-clockwise polygon or one
float coordinate. A polygon that crosses itself over a don't-care word ends the evaluation.
"""

import itertools
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write
from raygroup.scoring.line_format import SCRIPTS
from raygroup.scoring.protocols.mlt19 import TASKS
from raygroup.scoring.quadrilaterals import convex_shared_areas, signed_areas, turns
from raygroup.scoring.word_columns import Reals, Word
from raygroup.tasks import language_of

SCRIPT_OF_TASK = {"ar": "Arabic", "bn": "Bangla", "zh": "Chinese", "hi": "Hindi", "ja": "Japanese", "ko": "Korean", "la": "Latin"}
"""MLT19's name of each task of the paper."""

FARTHEST = 1 << 29
"""Largest coordinate in pixels.

Points further out are moved in, so that the 32 bits of the scripts hold them.
"""
_FINE = 1024
"""Parts of a pixel.

Polygons are read to this precision and compared with their roundings in it, so that equal sides are
exactly equal.
"""
_ROUNDINGS = np.array(list(itertools.product((0, 1), repeat=8))).reshape(-1, 4, 2)
"""All 256 ways to round the coordinates of four corners down or up, (256, 4, 2)."""

Corners = NDArray[np.int64]


def write_submission(path: Path, task: int, words: Mapping[int | str, Sequence[Word]]) -> None:
    """Write a zip for MLT19's task 1, 3 or 4.

    The keys are numbers of images: 7 is written as 00007, a string as it is. ``quadrilateral``
    converts the polygons. Confidences are clipped to 0 to 1, and line breaks in a text are dropped.
    ``script`` may be a task of raygroup (``ar``) or MLT19's name (``Arabic``). Raises ConfigError
    for anything that no submission can hold: another task or script, a coordinate or confidence
    that is not a number, an empty polygon.
    """
    if task not in TASKS:
        raise ConfigError(f"task is {task}: a submission is for MLT19's task 1, 3 or 4")
    with atomic_write(path, consequence="submission not written") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for image, image_words in words.items():
            name = _entry_name(image)
            lines = [_line(word, task, f"{name}:{number}") for number, word in enumerate(image_words, 1)]
            archive.writestr(zipfile.ZipInfo(name), "".join(lines).encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)


def script_name(script: str) -> str:
    """Return MLT19's name of a script or of a task of raygroup.

    Raises ConfigError for any other name.
    """
    name = SCRIPT_OF_TASK.get(language_of(script), script)
    if name not in SCRIPTS:
        raise ConfigError(f"script is {script!r}: it must be one of {', '.join(SCRIPTS)}, or a task: {', '.join(SCRIPT_OF_TASK)}")
    return name


def quadrilateral(polygon: ArrayLike) -> Corners:
    """Return four corners in whole pixels, (4, 2).

    The polygon may have any number of points. The corners are strictly convex and clockwise on the
    image. A strictly convex quadrilateral keeps its form, any other polygon becomes its rectangle
    of least area. Of all ways to round the corners up or down, the one that overlaps most wins. A
    polygon thinner than a pixel becomes one pixel wide. Raises ConfigError if there are no points,
    or if a coordinate is not a number.
    """
    points = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    if not len(points) or not np.isfinite(points).all():
        raise ConfigError(f"polygon is {points.tolist()}: it must have points, all of them numbers")
    points = np.round(points.clip(-FARTHEST, FARTHEST) * _FINE) / _FINE
    corners = points if len(points) == 4 and _is_convex(points[None])[0] else _least_rectangle(points)
    if corners is not None and signed_areas(corners[None])[0] < 0:
        corners = corners[::-1]
    rounded = None if corners is None else _rounded(corners)
    return _box(points) if rounded is None else rounded


def _least_rectangle(points: Reals) -> Reals | None:
    """Return the rectangle of least area. Points in one line have none."""
    hull = shapely.convex_hull(shapely.multipoints(points))
    if shapely.get_type_id(hull) != shapely.GeometryType.POLYGON:
        return None
    with np.errstate(all="ignore"):
        rectangle = shapely.oriented_envelope(hull)
    corners: Reals = shapely.get_coordinates(rectangle)[:4]
    return corners if len(corners) == 4 and np.isfinite(corners).all() else None


def _rounded(corners: Reals) -> Corners | None:
    """Return the rounding that overlaps most.

    All strictly convex roundings and the box around the corners are candidates. A polygon that is
    too thin has none.
    """
    roundings = np.floor(corners) + _ROUNDINGS * (corners % 1 != 0)
    roundings = np.concatenate([roundings[_is_convex(roundings) & (signed_areas(roundings) > 0)], _box(corners)[None]])
    origin = np.floor(corners.min(axis=0))
    whole_parts = np.broadcast_to(np.round((corners - origin) * _FINE), roundings.shape)
    if not _is_convex(whole_parts[:1])[0]:
        return None
    shared = convex_shared_areas(whole_parts, (roundings - origin) * _FINE)
    union = signed_areas(whole_parts) + signed_areas(roundings) * _FINE**2 - shared
    best: Corners = roundings[np.argmax(shared / union)].astype(np.int64)
    return best


def _is_convex(quads: Reals) -> NDArray[np.bool_]:
    """Return which quadrilaterals are strictly convex, in either direction."""
    bends = turns(quads)
    return np.asarray((bends > 0).all(axis=1) | (bends < 0).all(axis=1))


def _box(points: Reals) -> Corners:
    """Return the box of whole pixels around points. It is at least one pixel wide and high."""
    left, top = np.floor(points.min(axis=0)).astype(np.int64)
    right, bottom = np.ceil(points.max(axis=0)).astype(np.int64)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.int64)


def _line(word: Word, task: int, location: str) -> str:
    try:
        fields = [str(value) for value in quadrilateral(word.polygon).ravel().tolist()]
        if math.isnan(word.confidence):
            raise ConfigError("confidence is nan: it must be a number from 0 to 1")
        fields.append(f"{abs(min(max(word.confidence, 0.0), 1.0)):.4f}")
        if task == 3:
            fields.append(script_name(word.script))
    except ConfigError as error:
        raise ConfigError(f"{location}: {error}") from error
    if task == 4:
        fields.append(word.text.replace("\n", "").replace("\r", ""))
    return ",".join(fields) + "\n"


def _entry_name(image: int | str) -> str:
    number = f"{image:05d}" if isinstance(image, int) else image
    if not re.fullmatch("[0-9]+", number):
        raise ConfigError(f"image is {image!r}: it must be the number of the image, such as 7 or '00007'")
    return f"res_img_{number}.txt"
