"""ICDAR15: words as quadrilaterals.

This is RRC challenge 4, incidental scene text, tasks 4.1 and 4.4. A line is
``377,117,463,117,465,130,378,130,Genaxis Theatre``. The text is everything after the eighth comma,
without escapes. ``###`` is a don't-care. The variant with any file name also reads the copy of
ICDAR13 with eight coordinates that other code bases use.
"""

import dataclasses
import re
from collections.abc import Sequence

from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import MAX_SHOWN, ParsedInstance
from raygroup.scenes.formats.syntax.label_lines import parse_numbers, split_fields
from raygroup.words.dont_care import is_dont_care

_PAIR = re.compile(r"-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?,")


def parse(line: str) -> ParsedInstance:
    fields = split_fields(line, 9, "8 coordinates, transcription")
    return ParsedInstance(parse_numbers(fields[:8]), fields[8], is_dont_care(fields[8]))


def objection(first: Sequence[ParsedInstance]) -> str:
    """Return a message if a text begins with two coordinates.

    Then the labels seem to be polygons with more than four corners.
    """
    texts = [parsed.text for parsed in first if _PAIR.match(parsed.text)]
    return f"the text is {texts[0][:MAX_SHOWN]!r}, must not begin with two coordinates" if texts else ""


ICDAR15 = LineFormat(
    name="icdar15",
    title="ICDAR15",
    pattern=re.compile(r"gt_(?P<stem>img_\d+)\.txt"),
    stems=lambda match: tuple(f"{prefix}{match['stem']}" for prefix in ("", "gt_", "ts_", "tr_")),
    parse=parse,
    example="377,117,463,117,465,130,378,130,Genaxis Theatre",
)
ICDAR15_OF_ANY_NAME = dataclasses.replace(ICDAR15, pattern=ANY_NAME, stems=stems_of_any_name, objection=objection, is_exact=True)
