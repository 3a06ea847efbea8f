"""Read a large JSON object item by item.

Only a window of the decoded text is in memory, not the whole.
"""

import io
import json
from collections.abc import Iterator
from typing import Any

from raygroup.errors import LabelError
from raygroup.scenes.formats.parsed import MAX_SHOWN
from raygroup.scenes.formats.syntax.encoding import split_mark

MAX_ITEM = 1 << 20
"""Characters of one item, which is all labels of one image."""
_WINDOW = 4 * MAX_ITEM
_BLANK = " \t\n\r"


def json_items(content: bytes) -> Iterator[tuple[str, Any]]:
    """Yield key and value of each item of a JSON object.

    Raises LabelError with line and column if the content is not a JSON object. Without a byte-order
    mark it must be UTF-8.
    """
    window = _Window(content)
    if window.next() != "{":
        raise window.error(f"expected an object that maps image ids to lists, got {window.ahead()}")
    window.skip(1)
    if window.next() == "}":
        return
    while True:
        if window.next() != '"':
            raise window.error(f"expected the id of an image in quotes, got {window.ahead()}")
        key = str(window.value())
        if window.next() != ":":
            raise window.error(f"expected a colon after {key[:MAX_SHOWN]!r}, got {window.ahead()}")
        window.skip(1)
        window.next()
        yield key, window.value()
        character = window.next()
        window.skip(1)
        if character == "}":
            return
        if character != ",":
            raise window.error(f"expected a comma or the end of the object after the item of {key[:MAX_SHOWN]!r}, got {character!r}")
        if window.next() == "}":
            raise window.error("expected another item after a comma, got '}'")


class _Window:
    """A part of a text and a position in it.

    The part is a few million characters long.
    """

    def __init__(self, content: bytes) -> None:
        self._codec, content = split_mark(content)
        self._file = io.TextIOWrapper(io.BytesIO(content), self._codec, newline="\n")
        self._decoder = json.JSONDecoder()
        self._text, self._at = "", 0
        self._is_ended = False
        self._line, self._column = 1, 1
        """Line and column of the window's first character."""

    def next(self) -> str:
        """Skip blanks and return the next character, or ""."""
        while True:
            self._fill()
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._fill():
                return ""

    def skip(self, count: int) -> None:
        self._at += count

    def ahead(self) -> str:
        """Return the text at the position, quoted, for a message."""
        return repr(self._text[self._at : self._at + MAX_SHOWN]) if self._at < len(self._text) else "the end of the file"

    def value(self) -> Any:
        """Decode the value at the position and skip it."""
        try:
            value, end = self._decoder.raw_decode(self._text, self._at)
        except RecursionError:
            raise self.error("nested too deep: an item must be a list of objects") from None
        except json.JSONDecodeError as error:
            # the window ends within the item, so the decoder fails at the window's end
            if error.pos - self._at > MAX_ITEM:
                raise self.error(f"an item has more than {MAX_ITEM:,} characters") from error
            self._at = error.pos
            raise self.error(f"not JSON: {error.msg}, got {self.ahead()}") from error
        except ValueError as error:
            raise self.error(f"not JSON: {error}") from error
        if end - self._at > MAX_ITEM:
            raise self.error(f"an item has more than {MAX_ITEM:,} characters")
        self._at = end
        return value

    def error(self, message: str) -> LabelError:
        """Return an error with the position's line and column."""
        line, column = self._position()
        return LabelError(f"line {line}, column {column}: {message}")

    def _position(self) -> tuple[int, int]:
        passed = self._text[: self._at]
        lines = passed.count("\n")
        return self._line + lines, len(passed) - passed.rfind("\n") if lines else self._column + len(passed)

    def _fill(self) -> bool:
        """Read on if less than one item is ahead.

        Returns False at the end of the file.
        """
        if self._is_ended or len(self._text) - self._at > MAX_ITEM:
            return not self._is_ended
        self._line, self._column = self._position()
        self._text, self._at = self._text[self._at :], 0
        try:
            more = self._file.read(_WINDOW)
        except UnicodeDecodeError as error:
            raise self.error(f"not {self._codec.upper()} somewhere after this: {error.reason}: save the file as UTF-8") from error
        self._text += more
        self._is_ended = not more
        return bool(more)
