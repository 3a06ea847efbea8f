"""RCTW17: Chinese and some Latin, whole lines of text, as quadrilaterals clockwise from the top left.

``390,902,1856,902,1856,1225,390,1225,0,"金氏眼镜"``: the ninth field is 1 where the line is difficult, which is a don't-care, as is
``###``. One pair of quotes is dropped; there are no escapes. Files are named after their images; the data set names no languages.
"""

from raygroup.errors import LabelError
from raygroup.scenes.formats.label_lines import numbers, split
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import SHOWN, Parsed

_DONT_CARE = "###"


def parse(line: str) -> Parsed:
    fields = split(line, 10, '8 coordinates, difficult, "transcription"')
    difficult, quoted = fields[8].strip(), fields[9].strip()
    if difficult not in ("0", "1"):
        raise LabelError(f"difficult is {difficult[:SHOWN]!r}, must be 0 or 1")
    if len(quoted) < 2 or not (quoted.startswith('"') and quoted.endswith('"')):
        raise LabelError(f"the text is {quoted[:SHOWN]!r}, must stand in quotes")
    text = quoted[1:-1]
    return Parsed(numbers(fields[:8]), text, difficult == "1" or text == _DONT_CARE)


RCTW17 = LineFormat(
    name="rctw17",
    title="RCTW17",
    unit="phrase",
    pattern=ANY_NAME,
    stems=stems_of_any_name,
    parse=parse,
    example='390,902,1856,902,1856,1225,390,1225,0,"金氏眼镜"',
)
