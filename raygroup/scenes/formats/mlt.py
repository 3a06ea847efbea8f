"""MLT17 and MLT19 (RRC challenges 8 and 15, tasks 1, 3 and 4): quadrilaterals with script and transcription.

``131,34,181,34,179,47,131,49,Latin,Castle``; the text is everything after the ninth comma; ``###`` is a don't-care whatever its script.
E2E-MLT's copies of MLT17 have float coordinates and the script ``1``.

``mlt-polygons`` is the same with four corners or more, for data sets of curved words in MLT's spelling.
"""

import dataclasses
import re
from collections.abc import Sequence

from raygroup.errors import LabelError
from raygroup.scenes.formats.label_lines import numbers, split
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import SHOWN, Parsed
from raygroup.scenes.formats.script_names import MLT19_SCRIPTS, is_script

_DONT_CARE = "###"
_COORDINATE = re.compile(r"[^A-Za-z,]*,")
_E2E_SCRIPT = "1"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def parse(line: str) -> Parsed:
    fields = split(line, 10, "8 coordinates, script, transcription")
    return Parsed(numbers(fields[:8]), fields[9], fields[9] == _DONT_CARE, fields[8])


def parse_polygon(line: str) -> Parsed:
    """The script is the first field that begins with a letter."""
    place = 0
    while match := _COORDINATE.match(line, place):
        place = match.end()
    flat = line[:place].split(",")[:-1]
    script, comma, text = line[place:].partition(",")
    if not comma or len(flat) < 6 or len(flat) % 2:
        raise LabelError(f"expected x1,y1,...,xn,yn,script,transcription with 3 corners or more, got {line[:SHOWN]!r}")
    return Parsed(numbers(flat), text, text == _DONT_CARE, script)


def doubt(first: Sequence[Parsed]) -> str:
    """Most of the first lines must name a script, as those of ICDAR15 with commas in their texts do not, and none a coordinate."""
    unknown = [found.script or "" for found in first if not is_script(found.script) and found.script != _E2E_SCRIPT]
    numbers_there = [script for script in unknown if _NUMBER.fullmatch(script)]
    if not numbers_there and 2 * len(unknown) <= len(first):
        return ""
    return f"script is {(numbers_there or unknown)[0][:SHOWN]!r}, must be one of {', '.join(MLT19_SCRIPTS)}"


MLT19 = LineFormat(
    name="mlt19",
    title="MLT19",
    pattern=re.compile(r"(?P<stem>(?:tr|ts|val)_img_\d+|gt_img_\d{5,})\.txt"),
    stems=lambda match: tuple(match["stem"].replace("gt_", prefix) for prefix in ("gt_", "", "ts_", "tr_", "val_")),
    parse=parse,
    doubt=doubt,
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
    doubt=doubt,
    example="428,376,599,340,788,417,737,454,616,394,446,420,Latin,naughty",
)
