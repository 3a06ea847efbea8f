"""RCTW17: lines of Chinese and some Latin text.

They are quadrilaterals, clockwise from the top left:
``390,902,1856,902,1856,1225,390,1225,0,"金氏眼镜"``. If the ninth field is 1, the text is
difficult and counts as a don't-care. The text ``###`` is a don't-care too. One pair of quotes is
dropped; there are no escapes. Label files are named after their images. No languages are given.
"""

from raygroup.errors import LabelError
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import MAX_SHOWN, ParsedInstance
from raygroup.scenes.formats.syntax.label_lines import parse_numbers, split_fields
from raygroup.words.dont_care import is_dont_care


def parse(line: str) -> ParsedInstance:
    fields = split_fields(line, 10, '8 coordinates, difficult, "transcription"')
    difficult, quoted = fields[8].strip(), fields[9].strip()
    if difficult not in ("0", "1"):
        raise LabelError(f"difficult is {difficult[:MAX_SHOWN]!r}, must be 0 or 1")
    if len(quoted) < 2 or not (quoted.startswith('"') and quoted.endswith('"')):
        raise LabelError(f"the text is {quoted[:MAX_SHOWN]!r}, must be in quotes")
    text = quoted[1:-1]
    return ParsedInstance(parse_numbers(fields[:8]), text, difficult == "1" or is_dont_care(text))


RCTW17 = LineFormat(
    name="rctw17",
    title="RCTW17",
    unit="phrase",
    pattern=ANY_NAME,
    stems=stems_of_any_name,
    parse=parse,
    example='390,902,1856,902,1856,1225,390,1225,0,"金氏眼镜"',
)
