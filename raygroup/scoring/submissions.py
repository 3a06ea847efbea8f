"""Writes submissions that the official MLT19 scripts accept, whatever a detector found: convex, clockwise, whole pixels, ``%.4f``.

facts: ``1e-05``, ``.9``, a counter-clockwise polygon or one float coordinate refuse a whole submission, and a polygon that crosses itself
over a don't-care word ends the evaluation.
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
from raygroup.files.atomic import whole
from raygroup.scoring.line_files import SCRIPTS
from raygroup.scoring.overlap import convex_shared_areas, signed_areas, turns
from raygroup.scoring.protocols.mlt19 import TASKS
from raygroup.scoring.word_columns import Reals, Word

SCRIPT_OF_TASK = {"ar": "Arabic", "bn": "Bangla", "zh": "Chinese", "hi": "Hindi", "ja": "Japanese", "ko": "Korean", "la": "Latin"}
"""MLT19's names of the paper's tasks."""

FARTHEST = 1 << 29
"""Pixels; what lies further out is moved in, so that the scripts' 32 bits hold it."""
_FINE = 1024
"""Parts of a pixel to which polygons are read, and in which they are compared with their roundings: sides that coincide do so exactly."""
_ROUNDINGS = np.array(list(itertools.product((0, 1), repeat=8))).reshape(-1, 4, 2)
"""Each coordinate of four corners down or up."""

Corners = NDArray[np.int64]


def write_submission(path: Path, task: int, words: Mapping[int | str, Sequence[Word]]) -> None:
    """A zip for MLT19's task 1, 3 or 4, by number of the image: 7 is written as 00007, a string as it is.

    A polygon becomes the quadrilateral of ``quadrilateral``; a confidence is brought into 0 to 1; ``script`` may be a task of raygroup
    (``ar``) or MLT19's name (``Arabic``), line breaks in a text are dropped. Raises ConfigError for what no submission can hold: another
    task or script, a number that is none, an empty polygon.
    """
    if task not in TASKS:
        raise ConfigError(f"task is {task}: a submission is for MLT19's task 1, 3 or 4")
    with whole(path, lost="submission not written") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for image, found in words.items():
            name = _entry_name(image)
            lines = [_line(word, task, f"{name}:{number}") for number, word in enumerate(found, 1)]
            archive.writestr(zipfile.ZipInfo(name), "".join(lines).encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)


def script_name(script: str) -> str:
    """MLT19's name of a script or of a task of raygroup; raises ConfigError for another."""
    name = SCRIPT_OF_TASK.get(script, script)
    if name not in SCRIPTS:
        raise ConfigError(f"script is {script!r}: it must be one of {', '.join(SCRIPTS)}, or a task: {', '.join(SCRIPT_OF_TASK)}")
    return name


def quadrilateral(polygon: ArrayLike) -> Corners:
    """Four corners (4, 2) in whole pixels, strictly convex and clockwise on the image, for a polygon of any number of points.

    A strictly convex quadrilateral stays itself, another polygon becomes its rectangle of least area; of all ways to round the corners up
    or down the one is taken that overlaps most. What is thinner than a pixel becomes one pixel wide. Raises ConfigError for no points and
    for coordinates that are no numbers.
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
    """None for points in one line."""
    hull = shapely.convex_hull(shapely.multipoints(points))
    if shapely.get_type_id(hull) != shapely.GeometryType.POLYGON:
        return None
    with np.errstate(all="ignore"):
        rectangle = shapely.oriented_envelope(hull)
    corners: Reals = shapely.get_coordinates(rectangle)[:4]
    return corners if len(corners) == 4 and np.isfinite(corners).all() else None


def _rounded(corners: Reals) -> Corners | None:
    """The best of all roundings that are strictly convex, and of the box around; None where even the box has no area."""
    tried = np.floor(corners) + _ROUNDINGS * (corners % 1 != 0)
    tried = np.concatenate([tried[_is_convex(tried) & (signed_areas(tried) > 0)], _box(corners)[None]])
    origin = np.floor(corners.min(axis=0))
    whole_parts = np.broadcast_to(np.round((corners - origin) * _FINE), tried.shape)
    if not _is_convex(whole_parts[:1])[0]:
        return None
    shared = convex_shared_areas(whole_parts, (tried - origin) * _FINE)
    union = signed_areas(whole_parts) + signed_areas(tried) * _FINE**2 - shared
    best: Corners = tried[np.argmax(shared / union)].astype(np.int64)
    return best


def _is_convex(quads: Reals) -> NDArray[np.bool_]:
    """Strictly, in either direction."""
    bends = turns(quads)
    return np.asarray((bends > 0).all(axis=1) | (bends < 0).all(axis=1))


def _box(points: Reals) -> Corners:
    """Whole pixels around points, at least one wide and high."""
    left, top = np.floor(points.min(axis=0)).astype(np.int64)
    right, bottom = np.ceil(points.max(axis=0)).astype(np.int64)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.int64)


def _line(word: Word, task: int, place: str) -> str:
    try:
        fields = [str(value) for value in quadrilateral(word.polygon).ravel().tolist()]
        if math.isnan(word.confidence):
            raise ConfigError("confidence is nan: it must be a number from 0 to 1")
        fields.append(f"{abs(min(max(word.confidence, 0.0), 1.0)):.4f}")
        if task == 3:
            fields.append(script_name(word.script))
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error
    if task == 4:
        fields.append(word.text.replace("\n", "").replace("\r", ""))
    return ",".join(fields) + "\n"


def _entry_name(image: int | str) -> str:
    number = f"{image:05d}" if isinstance(image, int) else image
    if not re.fullmatch("[0-9]+", number):
        raise ConfigError(f"image is {image!r}: it must be the number of the image, such as 7 or '00007'")
    return f"res_img_{number}.txt"
