"""docTR: ``labels.json``, one object ``{"a.png": "text", ...}`` of the images in the folder ``images``."""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.label_files import LabelFile, same_path
from raygroup.words.importing.label_rows import Row, plain_row, require_whole_text

_SHOWN = 40
_BLANKS = re.compile(r"[ \t\r\n]*")
_LINE_END = re.compile("\r\r\n|\r\n|\r")
_DECODER = json.JSONDecoder()
_EXPECTED = 'expected an object such as {"a.png": "text"}'


def parse_doctr(file: Path, stream: IO[str], columns: set[str]) -> Iterator[Row]:
    """Yield a row for each item of the object, also if a name is there twice.

    Raises ConfigError with the line if the file is not JSON of this form.
    """
    text = _LINE_END.sub("\n", stream.read())
    at, line, counted = _expect(file, text, 0, "{"), 1, 0
    while not text.startswith("}", at):
        line, counted = line + text.count("\n", counted, at), at
        name, value, at = _item(file, text, at, line)
        yield plain_row(line, name, value)
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
        if not text.startswith("}", at):
            at = _expect(file, text, at, ",")
            _require_item(file, text, at)
    if text[at + 1 :].strip():
        raise _error(file, text, at + 1, f"expected the end of the file, got {text[at + 1 :].strip()[:_SHOWN]!r}")


def open_doctr(file: Path) -> LabelFile:
    """Return the words of a ``labels.json`` of docTR. Without a folder ``images``, the images lie beside it."""
    locate = partial("images/{}".format) if (file.parent / "images").is_dir() else same_path
    return LabelFile(file, parse_doctr, locate, "doctr")


def _item(file: Path, text: str, at: int, line: int) -> tuple[str, str | None, int]:
    """Return the name of an image, its text, and the place behind them."""
    _require_item(file, text, at)
    name, at = _value(file, text, at)
    value, at = _value(file, text, _expect(file, text, at, ":"))
    place, shown = f"{file}:{line}", repr(name[:_SHOWN])
    require_whole_text(place, "the image", name)
    if isinstance(value, dict) and "polygons" in value:
        raise ConfigError(f"{place}: {shown} has polygons: docTR's labels for detection, without texts; {_EXPECTED}")
    require_whole_text(place, f"the text of {shown}", value)
    return name, value, at


def _require_item(file: Path, text: str, at: int) -> None:
    if not text.startswith('"', at):
        raise _error(file, text, at, f"{_EXPECTED}, got {text[at : at + _SHOWN]!r}")


def _expect(file: Path, text: str, at: int, sign: str) -> int:
    """Return the place of the next character behind ``sign`` and blanks."""
    at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]
    if not text.startswith(sign, at):
        raise _error(file, text, at, f"expected {sign!r}, got {text[at : at + _SHOWN]!r}; {_EXPECTED}")
    return _BLANKS.match(text, at + 1).end()  # type: ignore[union-attr]


def _value(file: Path, text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise _error(file, text, at, f"nested too deeply; {_EXPECTED}") from error
    except ValueError as error:
        raise _error(file, text, at, f"not JSON at {text[at : at + _SHOWN]!r}; {_EXPECTED}") from error


def _error(file: Path, text: str, at: int, what: str) -> ConfigError:
    return ConfigError(f"{file}:{text.count(chr(10), 0, at) + 1}: {what}")


DOCTR = WordFormat(
    name="doctr", title="docTR", pattern=re.compile(r"labels\.json", re.IGNORECASE), suffixes=(".json",), open=open_doctr
)  # fmt: skip
