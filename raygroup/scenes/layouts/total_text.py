"""Write Total-Text's two layouts: MATLAB files and their printed form.

Both lose scripts. The text of a don't-care is ``#``.
"""

import io
import math

import numpy as np
from scipy.io import savemat

from raygroup.scenes.layouts.layout import Files, Layout
from raygroup.scenes.layouts.page import Page, corners, encode_lines, transcription
from raygroup.scenes.scene import Instance

_DONT_CARE = "#"
_HEADER_LENGTH = 116
"""Bytes of a MATLAB file that normally say where and when it was written."""
_MAX_HORIZONTAL = math.radians(6)
"""A word that is turned by more than this is multi-oriented, not horizontal."""


def _folder(page: Page) -> str:
    return "Train" if page.is_train else "Test"


def _image_name(page: Page) -> str:
    return f"Images/{_folder(page)}/img{page.number}{page.suffix}"


def orientation(page: Page, instance: Instance) -> str:
    """Return c(urved), h(orizontal), m(ulti-oriented) or, for a don't-care, #."""
    if instance.dont_care:
        return _DONT_CARE
    polygon = corners(page, instance)
    if len(polygon) > 4:
        return "c"
    along = polygon[1] - polygon[0]
    return "m" if abs(math.atan2(along[1], along[0])) > _MAX_HORIZONTAL else "h"


def _text(instance: Instance) -> str:
    return _DONT_CARE if instance.dont_care else transcription(instance)


def _matlab(page: Page) -> Files:
    """Yield a MATLAB file with one row per word.

    A row has six cells: 'x:', xs, 'y:', ys, text, orientation. The header has no date, so the same
    scene gives the same bytes.
    """
    rows = np.empty((len(page.instances), 6), object)
    for row, instance in zip(rows, page.instances, strict=True):
        x, y = corners(page, instance).T
        row[:] = [*_cells("x:", x), *_cells("y:", y), _text(instance), orientation(page, instance)]
    with io.BytesIO() as file:
        savemat(file, {"polygt": rows})
        content = file.getvalue()
    header = b"MATLAB 5.0 MAT-file, written by raygroup".ljust(_HEADER_LENGTH)
    yield f"gt/{_folder(page)}/poly_gt_img{page.number}.mat", header + content[_HEADER_LENGTH:]


def _cells(name: str, values: np.ndarray) -> list[object]:
    return [name, values[None].astype(np.int32)]


def _printed(page: Page) -> Files:
    """Yield a text file with the arrays numpy prints.

    A line is ``x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']``.
    """
    lines = []
    for instance in page.instances:
        x, y = (" ".join(map(str, values.tolist())) for values in corners(page, instance).T)
        fields = [f"x: [[{x}]]", f"y: [[{y}]]", f"ornt: [u'{orientation(page, instance)}']", f"transcriptions: [u{_text(instance)!r}]"]
        lines.append(", ".join(fields))
    yield f"gt/{_folder(page)}/poly_gt_img{page.number}.txt", encode_lines(lines)


TOTAL_TEXT = Layout(name="totaltext", title="Total-Text", loses="scripts", image_name=_image_name, labels=_matlab)
TOTAL_TEXT_PRINTED = Layout(name="totaltext-txt", title="Total-Text, printed", loses="scripts", image_name=_image_name, labels=_printed)
