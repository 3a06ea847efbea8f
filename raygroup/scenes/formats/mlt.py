"""MLT17 and MLT19: words as quadrilaterals with their script.

These are RRC challenges 8 and 15, tasks 1, 3 and 4. A line is
``131,34,181,34,179,47,131,49,Latin,Castle``. The text is everything after the ninth comma. ``###``
is a don't-care, whatever its script. E2E-MLT's copies of MLT17 have float coordinates and the
script ``1``.

``mlt-polygons`` is the same format with three corners or more, for data sets of curved words.
"""

import dataclasses
import re
from collections.abc import Sequence

from raygroup.errors import LabelError
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import MAX_SHOWN, ParsedInstance
from raygroup.scenes.formats.script_names import MLT19_SCRIPTS, is_script
from raygroup.scenes.formats.syntax.label_lines import parse_numbers, split_fields
from raygroup.words.dont_care import is_dont_care

_COORDINATE = re.compile(r"[^A-Za-z,]*,")
_E2E_SCRIPT = "1"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FURTHER_CORNERS = re.compile(r"(?:-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?,)+(?P<script>[^\d,][^,]*),")


def parse(line: str) -> ParsedInstance:
    fields = split_fields(line, 10, "8 coordinates, script, transcription")
    return ParsedInstance(parse_numbers(fields[:8]), fields[9], is_dont_care(fields[9]), fields[8])


def parse_polygon(line: str) -> ParsedInstance:
    """Parse a line with any number of corners.

    The script is the first field that has a letter.
    """
    start = 0
    while match := _COORDINATE.match(line, start):
        start = match.end()
    coordinates = line[:start].split(",")[:-1]
    script, comma, text = line[start:].partition(",")
    if not comma or len(coordinates) < 6 or len(coordinates) % 2:
        raise LabelError(f"expected x1,y1,...,xn,yn,script,transcription with 3 corners or more, got {line[:MAX_SHOWN]!r}")
    return ParsedInstance(parse_numbers(coordinates), text, is_dont_care(text), script)


def objection(first: Sequence[ParsedInstance]) -> str:
    """Return a message if most lines name no known script.

    ICDAR15's lines with commas in their texts look like that. If a number is in the script's place,
    one line is enough, because the line seems to have further corners.
    """
    unknown = [parsed.script or "" for parsed in first if not is_script(parsed.script) and parsed.script != _E2E_SCRIPT]
    coordinates = [script for script in unknown if _NUMBER.fullmatch(script)]
    if not coordinates and 2 * len(unknown) <= len(first):
        return ""
    return f"script is {(coordinates or unknown)[0][:MAX_SHOWN]!r}, must be one of {', '.join(MLT19_SCRIPTS)}"


def has_further_corners(parsed: ParsedInstance) -> bool:
    """Return whether a line has more than four corners before its script.

    Then its data set is of ``mlt-polygons``, even if most words have four corners.
    """
    match = _FURTHER_CORNERS.match(f"{parsed.script},{parsed.text}")
    return match is not None and is_script(match["script"])


MLT19 = LineFormat(
    name="mlt19",
    title="MLT19",
    pattern=re.compile(r"(?P<stem>(?:tr|ts|val)_img_\d+|gt_img_\d{5,})\.txt"),
    stems=lambda match: tuple(match["stem"].replace("gt_", prefix) for prefix in ("gt_", "", "ts_", "tr_", "val_")),
    parse=parse,
    objection=objection,
    is_ruled_out_by=has_further_corners,
    example="131,34,181,34,179,47,131,49,Latin,Castle",
)
MLT17 = dataclasses.replace(
    MLT19,
    name="mlt17",
    title="MLT17",
    pattern=re.compile(r"gt_(?P<stem>img_\d{1,4})\.txt"),
    stems=lambda match: tuple(f"{prefix}{match['stem']}" for prefix in ("", "gt_", "ts_", "tr_")),
)
MLT19_OF_ANY_NAME = dataclasses.replace(MLT19, pattern=ANY_NAME, stems=stems_of_any_name, is_exact=True)
MLT_POLYGONS = LineFormat(
    name="mlt-polygons",
    title="polygons in MLT's spelling",
    pattern=ANY_NAME,
    stems=stems_of_any_name,
    parse=parse_polygon,
    objection=objection,
    example="428,376,599,340,788,417,737,454,616,394,446,420,Latin,naughty",
)
