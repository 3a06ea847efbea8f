"""Figures as SVG elements that stand inside a page.

A page may hold many of them, so their ids must not clash. The same figure always gives the same text: no dates and no random ids.
"""

import io
import re
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from raygroup.terminal import show_controls

_MOST_POINTS = 400
"""A longer line is stored as pixels, because each of its points would take about 20 bytes."""
_DOTS_PER_INCH = 144
"""Of the parts of a figure that are stored as pixels."""
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_SETTINGS: dict[Any, Any] = {"svg.fonttype": "path", "svg.image_inline": True, "path.simplify": True}
_LEFT_OUT = re.compile(r"<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>]*>|<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'\s+id="([^"]*)"')
_REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]*)')
_OPENING = re.compile(r"<svg\b[^>]*>")
_VIEW_BOX = re.compile(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"')


def inline_svg(figure: Figure, name: str, title: str, description: str = "") -> str:
    """Return a figure as one ``<svg>`` element.

    ``name`` begins every id, so each figure of a page needs its own. ``title`` is what a screen reader reads, and ``description`` says
    what the figure shows. Text is stored as paths, so the reader needs no fonts. Lines of many points are stored as pixels.
    """
    for artist in figure.findobj(_is_long):
        artist.set_rasterized(True)
    buffer = io.StringIO()
    with matplotlib.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", dpi=_DOTS_PER_INCH, metadata=_NO_METADATA)
    text = _with_own_ids(_LEFT_OUT.sub("", buffer.getvalue()), name)
    size = _VIEW_BOX.search(text)
    box = f'viewBox="0 0 {size[1]} {size[2]}"' if size else ""
    labels = f'<title id="{name}-title">{escape(show_controls(title))}</title>'
    labelled = f"{name}-title"
    if description:
        labels += f'<desc id="{name}-desc">{escape(show_controls(description))}</desc>'
        labelled += f" {name}-desc"
    opening = f'<svg {box} role="img" aria-labelledby="{labelled}">{labels}'
    return _OPENING.sub(lambda match: opening, text, count=1).strip()


def _is_long(artist: Artist) -> bool:
    if isinstance(artist, Line2D):
        return np.size(artist.get_xdata()) > _MOST_POINTS
    return isinstance(artist, Collection) and any(np.shape(path.vertices)[0] > _MOST_POINTS for path in artist.get_paths())


def _with_own_ids(text: str, name: str) -> str:
    """Number the ids that something refers to, and drop the others."""
    number_of = {id_: f"{name}-{number}" for number, id_ in enumerate(dict.fromkeys(_REFERENCE.findall(text)))}
    text = _ID.sub(lambda match: f' id="{number_of[match[1]]}"' if match[1] in number_of else "", text)
    return _REFERENCE.sub(lambda match: match[0].replace(match[1], number_of[match[1]]), text)
