"""Total-Text's two layouts: MATLAB files and their printed form. Both lose scripts; don't-cares are ``#``."""

import io
import math

import numpy as np
from scipy.io import savemat

from raygroup.scenes.layouts.layout import Files, Layout
from raygroup.scenes.layouts.page import Page, as_file, corners, text
from raygroup.scenes.scene import Instance

_UNREADABLE = "#"
_HEADER = 116
"""Bytes of a MATLAB file that tell where and when it was written."""
_TURNED = math.radians(6)
"""From which angle a word is multi-oriented and no longer horizontal."""


def _folder(page: Page) -> str:
    return "Train" if page.is_train else "Test"


def _image(page: Page) -> str:
    return f"Images/{_folder(page)}/img{page.number}{page.suffix}"


def orientation(page: Page, instance: Instance) -> str:
    """c(urved), h(orizontal), m(ulti-oriented), or # of a don't-care."""
    if instance.dont_care:
        return _UNREADABLE
    polygon = corners(page, instance)
    if len(polygon) > 4:
        return "c"
    along = polygon[1] - polygon[0]
    return "m" if abs(math.atan2(along[1], along[0])) > _TURNED else "h"


def _text(instance: Instance) -> str:
    return _UNREADABLE if instance.dont_care else text(instance)


def _matlab(page: Page) -> Files:
    """Rows of six cells: 'x:', xs, 'y:', ys, text, orientation. The same scene gives the same bytes: the header tells no date."""
    rows = np.empty((len(page.instances), 6), object)
    for row, instance in zip(rows, page.instances, strict=True):
        x, y = corners(page, instance).T
        row[:] = [*_cells("x:", x), *_cells("y:", y), _text(instance), orientation(page, instance)]
    with io.BytesIO() as gathered:
        savemat(gathered, {"polygt": rows})
        content = gathered.getvalue()
    header = b"MATLAB 5.0 MAT-file, written by raygroup".ljust(_HEADER)
    yield f"gt/{_folder(page)}/poly_gt_img{page.number}.mat", header + content[_HEADER:]


def _cells(name: str, values: np.ndarray) -> list[object]:
    return [name, values[None].astype(np.int32)]


def _printed(page: Page) -> Files:
    """``x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']``"""
    lines = []
    for instance in page.instances:
        x, y = (" ".join(map(str, values.tolist())) for values in corners(page, instance).T)
        told = [f"x: [[{x}]]", f"y: [[{y}]]", f"ornt: [u'{orientation(page, instance)}']", f"transcriptions: [u{_text(instance)!r}]"]
        lines.append(", ".join(told))
    yield f"gt/{_folder(page)}/poly_gt_img{page.number}.txt", as_file(lines)


TOTAL_TEXT = Layout(name="totaltext", title="Total-Text", loses="scripts", image=_image, labels=_matlab)
TOTAL_TEXT_PRINTED = Layout(name="totaltext-txt", title="Total-Text, printed", loses="scripts", image=_image, labels=_printed)
