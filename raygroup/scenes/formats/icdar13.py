r"""ICDAR13: words in upright boxes.

This is RRC challenge 2, focused scene text. The training part separates fields by blanks: ``158 128
411 181 "Footpath"``. The test part uses commas: ``38, 43, 920, 215, "Tiredness"``. In a text, a
quote is spelled ``\"`` and a backslash ``\\``. There are no don't-cares. Other code bases made
copies with eight coordinates, which are in ICDAR15's format.
"""

import re

from raygroup.errors import LabelError
from raygroup.scenes.formats.line_format import LineFormat
from raygroup.scenes.formats.parsed import MAX_SHOWN, ParsedInstance
from raygroup.scenes.formats.syntax.label_lines import parse_numbers

_BOX = re.compile(r"\s*([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+?)[\s,]+(\".*)")
_ESCAPED = re.compile(r"\\([\"\\])")


def parse(line: str) -> ParsedInstance:
    match = _BOX.fullmatch(line)
    if not match:
        raise LabelError(f"expected left, top, right, bottom and a text in quotes, got {line[:MAX_SHOWN]!r}")
    left, top, right, bottom = parse_numbers(match.groups()[:4])
    return ParsedInstance((left, top, right, top, right, bottom, left, bottom), unquote(match[5]))


def unquote(quoted: str) -> str:
    """Return the text between its quotes.

    Raises LabelError if they are missing.
    """
    text = quoted.strip()
    if len(text) < 2 or not (text.startswith('"') and text.endswith('"')):
        raise LabelError(f"the text is {text[:MAX_SHOWN]!r}, must be in quotes")
    return _ESCAPED.sub(r"\1", text[1:-1])


ICDAR13 = LineFormat(
    name="icdar13",
    title="ICDAR13",
    pattern=re.compile(r"gt_(?P<stem>(?:img_)?\d+)\.txt"),
    stems=lambda match: (match["stem"], f"gt_{match['stem']}", f"img_{match['stem'].removeprefix('img_')}"),
    parse=parse,
    example='158 128 411 181 "Footpath" or 38, 43, 920, 215, "Tiredness"',
)
