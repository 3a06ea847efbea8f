"""MLT17 and MLT19 (RRC challenges 8 and 15, tasks 1, 3 and 4): quadrilaterals with script and transcription.

``131,34,181,34,179,47,131,49,Latin,Castle``; the text is everything after the ninth comma; ``###`` is a don't-care whatever its script.
"""

import re

from raygroup.scenes.lines import LineFormat, Parsed, quad, split

_DONT_CARE = "###"


def parse(line: str) -> Parsed:
    fields = split(line, 10, "8 coordinates, script, transcription")
    return Parsed(quad(fields), fields[9], fields[9] == _DONT_CARE, fields[8])


MLT19 = LineFormat(
    name="mlt19",
    title="MLT19",
    pattern=re.compile(r"(?P<stem>(?:tr|gt|ts|val)_img_\d+)\.txt"),
    stems=lambda match: (
        match["stem"],
        match["stem"].removeprefix("gt_"),
        match["stem"].replace("gt_", "ts_"),
        match["stem"].replace("gt_", "tr_"),
    ),
    parse=parse,
    example="131,34,181,34,179,47,131,49,Latin,Castle",
)
