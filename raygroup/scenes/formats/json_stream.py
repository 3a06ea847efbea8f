"""The items of a large JSON object, one at a time: what is held of the text is a window, not the whole."""

import codecs
import io
import json
from collections.abc import Iterator
from typing import Any

from raygroup.errors import LabelError
from raygroup.scenes.formats.parsed import SHOWN

MAX_ITEM = 1 << 20
"""Characters of one item: all labels of one image."""
_WINDOW = 4 * MAX_ITEM
_BLANK = " \t\n\r"


def json_items(content: bytes) -> Iterator[tuple[str, Any]]:
    """Key and value of each item of a UTF-8 JSON object; raises LabelError with line and column where it is none."""
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
            raise window.error(f"expected a colon after {key[:SHOWN]!r}, got {window.ahead()}")
        window.skip(1)
        window.next()
        yield key, window.value()
        sign = window.next()
        window.skip(1)
        if sign == "}":
            return
        if sign != ",":
            raise window.error(f"expected a comma or the end of the object after the item of {key[:SHOWN]!r}, got {sign!r}")
        if window.next() == "}":
            raise window.error("expected another item after a comma, got '}'")


class _Window:
    """Some million characters of a text, and where they stand in it."""

    def __init__(self, content: bytes) -> None:
        self._file = io.TextIOWrapper(io.BytesIO(content.removeprefix(codecs.BOM_UTF8)), "utf-8", newline="\n")
        self._decoder = json.JSONDecoder()
        self._text, self._at = "", 0
        self._is_ended = False
        self._line, self._column = 1, 1
        """Of the window's first character."""

    def next(self) -> str:
        """The next sign that is not blank, where it stands now; empty at the end."""
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
        return repr(self._text[self._at : self._at + SHOWN]) if self._at < len(self._text) else "the end of the file"

    def value(self) -> Any:
        """The value that begins here."""
        try:
            found, end = self._decoder.raw_decode(self._text, self._at)
        except RecursionError:
            raise self.error("nested too deep, an item is a list of objects") from None
        except json.JSONDecodeError as error:
            if error.pos - self._at > MAX_ITEM:
                raise self.error(f"an item of more than {MAX_ITEM:,} characters") from error
            self._at = error.pos
            raise self.error(f"not JSON: {error.msg}, got {self.ahead()}") from error
        except ValueError as error:
            raise self.error(f"not JSON: {error}") from error
        if end - self._at > MAX_ITEM:
            raise self.error(f"an item of more than {MAX_ITEM:,} characters")
        self._at = end
        return found

    def error(self, said: str) -> LabelError:
        line, column = self._position()
        return LabelError(f"line {line}, column {column}: {said}")

    def _position(self) -> tuple[int, int]:
        passed = self._text[: self._at]
        lines = passed.count("\n")
        return self._line + lines, len(passed) - passed.rfind("\n") if lines else self._column + len(passed)

    def _fill(self) -> bool:
        """Reads on where less than an item's length is ahead; False at the end of the file."""
        if self._is_ended or len(self._text) - self._at > MAX_ITEM:
            return not self._is_ended
        self._line, self._column = self._position()
        self._text, self._at = self._text[self._at :], 0
        try:
            more = self._file.read(_WINDOW)
        except UnicodeDecodeError as error:
            raise self.error(f"not UTF-8 some way after this: {error.reason}: save it as UTF-8") from error
        self._text += more
        self._is_ended = not more
        return bool(more)
