r"""ICDAR13 (RRC challenge 2, focused scene text): upright boxes.

Its training part separates by blanks, ``158 128 411 181 "Footpath"``, its test part by commas, ``38, 43, 920, 215, "Tiredness"``. A quote
in the text is spelled ``\"`` and a backslash ``\\``. There are no don't-cares. The copies that other code bases made with eight
coordinates are ICDAR15's layout.
"""

import re

from raygroup.errors import LabelError
from raygroup.scenes.formats.label_lines import numbers
from raygroup.scenes.formats.line_format import LineFormat
from raygroup.scenes.formats.parsed import SHOWN, Parsed

_BOX = re.compile(r"\s*([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+?)[\s,]+(\".*)")
_ESCAPED = re.compile(r"\\([\"\\])")


def parse(line: str) -> Parsed:
    match = _BOX.fullmatch(line)
    if not match:
        raise LabelError(f"expected left, top, right, bottom and a text in quotes, got {line[:SHOWN]!r}")
    left, top, right, bottom = numbers(match.groups()[:4])
    return Parsed((left, top, right, top, right, bottom, left, bottom), unquoted(match[5]))


def unquoted(quoted: str) -> str:
    """The text between its quotes; raises LabelError where they do not enclose it."""
    text = quoted.strip()
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        raise LabelError(f"the text is {text[:SHOWN]!r}, must stand in quotes")
    return _ESCAPED.sub(r"\1", text[1:-1])


ICDAR13 = LineFormat(
    name="icdar13",
    title="ICDAR13",
    pattern=re.compile(r"gt_(?P<stem>(?:img_)?\d+)\.txt"),
    stems=lambda match: (match["stem"], f"gt_{match['stem']}", f"img_{match['stem'].removeprefix('img_')}"),
    parse=parse,
    example='158 128 411 181 "Footpath" or 38, 43, 920, 215, "Tiredness"',
)
