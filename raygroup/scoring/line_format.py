"""Format of the lines of a ground truth or a submission, one word each."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

SCRIPTS = ("Arabic", "Latin", "Chinese", "Japanese", "Korean", "Bangla", "Hindi", "Symbols", "Mixed", "None")

_BLANKS = r"[^\S\n]*"
FIELDS = {
    "coordinate": (r"-?[0-9]+", "a whole number"),
    "confidence": (r"[0-1].?[0-9]*", "a number such as 0.9500, with 0 or 1 before the point and no exponent (write %.4f)"),
    "script": ("|".join(SCRIPTS), f"one of {', '.join(SCRIPTS)}"),
    "text": (r".*", "any text"),
}
"""Field -> its expression, and its description in messages.

The confidence takes any character as its point, as in the official script.
"""


@dataclass(frozen=True)
class LineFormat:
    """Format of a line: eight coordinates, then other fields."""

    fields: tuple[str, ...]
    """Names of the fields that follow ``x1,y1,...,x4,y4``."""
    clockwise: bool = True
    """Whether a counter-clockwise polygon is an error."""
    byte_order_mark: bool = False
    """Whether a file may begin with a byte-order mark, which is dropped."""
    spelling: Callable[[str], str] = field(default=lambda text: text)
    """Returns the text of a word from the text in its line."""

    @cached_property
    def line(self) -> re.Pattern[str]:
        """Expression for one line.

        Blanks may surround coordinates, confidence and script. A text is everything after its
        comma.
        """
        names = ["coordinate"] * 8 + list(self.fields)
        parts = [f"({FIELDS[name][0]})" if name == "text" else f"{_BLANKS}({FIELDS[name][0]}){_BLANKS}" for name in names]
        return re.compile("^" + ",".join(parts) + "$", re.MULTILINE)

    @property
    def description(self) -> str:
        """The fields of a line, for messages."""
        return ",".join(["x1,y1,x2,y2,x3,y3,x4,y4", *self.fields])

    def fault(self, line: str) -> str:
        """Return what is wrong with a line. The first wrong field counts."""
        names = ["coordinate"] * 8 + list(self.fields)
        values = line.split(",", len(names) - 1)
        for index, (name, value) in enumerate(zip(names, values, strict=False)):
            if not re.fullmatch(FIELDS[name][0], value.strip()):
                label = ("x", "y")[index % 2] + str(index // 2 + 1) if name == "coordinate" else name
                return f"{label} is {value.strip():.60}: it must be {FIELDS[name][1]} (a line is {self.description})"
        if len(values) < len(names):
            return f"expected {len(names)} comma-separated fields ({self.description}), got {len(values)}"
        return f"not a line of {self.description}: {line:.80}"
