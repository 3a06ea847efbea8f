"""ICDAR15 (RRC challenge 4, incidental scene text, tasks 4.1 and 4.4): quadrilaterals with a transcription.

``377,117,463,117,465,130,378,130,Genaxis Theatre``; the text is everything after the eighth comma, without escapes; ``###`` is a
don't-care. Of any name it is also the eight-coordinate copy of ICDAR13 that other code bases read.
"""

import dataclasses
import re
from collections.abc import Sequence

from raygroup.scenes.formats.label_lines import numbers, split
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import SHOWN, Parsed

_DONT_CARE = "###"
_PAIR = re.compile(r"-?\d+(?:\.\d+)?,-?\d+(?:\.\d+)?,")


def parse(line: str) -> Parsed:
    fields = split(line, 9, "8 coordinates, transcription")
    return Parsed(numbers(fields[:8]), fields[8], fields[8] == _DONT_CARE)


def doubt(first: Sequence[Parsed]) -> str:
    """A text that begins with a pair of numbers speaks of more corners than four."""
    pairs = [found.text for found in first if _PAIR.match(found.text)]
    return f"the text is {pairs[0][:SHOWN]!r}, must not begin with two coordinates" if pairs else ""


ICDAR15 = LineFormat(
    name="icdar15",
    title="ICDAR15",
    pattern=re.compile(r"gt_(?P<stem>img_\d+)\.txt"),
    stems=lambda match: tuple(f"{prefix}{match['stem']}" for prefix in ("", "gt_", "ts_", "tr_")),
    parse=parse,
    example="377,117,463,117,465,130,378,130,Genaxis Theatre",
)
ICDAR15_OF_ANY_NAME = dataclasses.replace(ICDAR15, pattern=ANY_NAME, stems=stems_of_any_name, doubt=doubt, is_exact=True)
