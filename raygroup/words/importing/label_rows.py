"""Parse the rows of csv, tsv and jsonl files.

CR, LF, CR LF and CR CR LF each end a line. A row stands on one line, so a quote that swallows the
rows behind it is an error with the line on which it opens.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from raygroup.errors import ConfigError
from raygroup.words.importing.label_columns import OWN_COLUMNS, Columns
from raygroup.words.importing.label_text import first_line
from raygroup.words.labels import normalise

Row = tuple[int, str | None, str | None, str | None, str | None, str | None]
"""Line number, path, text, task, split, source."""
_SHOWN = 40
_TSV: dict[str, Any] = {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A lone surrogate. JSON can spell one, but no UTF-8 file can hold it."""


class NumberedLines:
    """The lines of a text without their ends. It remembers the line on which a record begins."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._after_cr = False
        self.number = 0
        """Number of the last line that was read."""
        self.record: tuple[int, str] | None = None
        """Number and text of the first line since ``end_record``."""

    def __iter__(self) -> "NumberedLines":
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        if line == "\r\n" and self._after_cr:
            line = next(self._stream)  # CR CR LF: text written twice in text mode on Windows
        self._after_cr = line.endswith("\r")
        self.number += 1
        line = line.rstrip("\r\n")
        if self.record is None:
            self.record = self.number, line
        return line

    def end_record(self) -> bool:
        """Forget the record. Returns True if it had more than one line."""
        is_split = self.record is not None and self.record[0] != self.number
        if not is_split:
            self.record = None
        return is_split


def parse_labels(file: Path, stream: IO[str], columns: set[str], expected: Columns = OWN_COLUMNS) -> Iterator[Row]:
    """Yield the rows of a csv, tsv or jsonl file. The suffix of its name decides."""
    parse = parse_json_lines if file.suffix.lower() == ".jsonl" else parse_separated
    return parse(file, stream, columns, expected)


def parse_separated(file: Path, stream: IO[str], columns: set[str], expected: Columns = OWN_COLUMNS) -> Iterator[Row]:
    """Yield the rows of a csv or tsv file, and add the names of its columns to ``columns``.

    In csv, a field with a comma stands in quotes, and a quote in it is doubled. In tsv, every
    character except the tab is text.
    """
    lines = NumberedLines(stream)
    is_tsv = file.suffix.lower() == ".tsv"
    first = next(lines, "")
    options = _TSV if is_tsv else {"skipinitialspace": ", " in first}
    header = header_of(first, options)
    meanings = expected.meanings(file, header)
    columns.update(header)
    lines.end_record()
    reader = csv.reader(lines, strict=True, **options)
    try:
        for fields in reader:
            if lines.end_record():
                raise _quote_error(file, lines, header)
            if fields and len(fields) != len(header):
                hint = "" if is_tsv else "; put a text with a comma in quotes"
                raise ConfigError(f"{file}:{lines.number}: expected {len(header)} fields ({','.join(header)}), got {len(fields)}{hint}")
            if fields:
                yield _row(lines.number, {meanings[name]: field for name, field in zip(header, fields, strict=True) if name in meanings})
    except csv.Error as error:
        raise _quote_error(file, lines, header) from error


def header_of(line: str, options: Mapping[str, Any]) -> list[str]:
    """Return the names of columns in the first line of a csv or tsv file. Case does not matter."""
    return [normalise(name).casefold() for name in next(csv.reader([line], **options), [])]


def column_names(file: Path) -> list[str]:
    """Return the names of columns in the first line of a csv, tsv or jsonl file. There may be none."""
    line = first_line(file)
    if file.suffix.lower() != ".jsonl":
        return header_of(line, _TSV if file.suffix.lower() == ".tsv" else {})
    try:
        return [*_json_object("", line, "")]
    except ConfigError:
        return []


def parse_json_lines(file: Path, stream: IO[str], columns: set[str], expected: Columns = OWN_COLUMNS) -> Iterator[Row]:
    """Yield the rows of a jsonl file, one object per line, and add the keys to ``columns``."""
    lines = NumberedLines(stream)
    for text in lines:
        if not text.strip():
            continue
        place = f"{file}:{lines.number}"
        fields = _json_object(place, text, ", ".join(expected.needed))
        columns.update(fields)
        meanings = expected.meanings(place, list(fields))
        for name in meanings:
            require_whole_text(place, name, fields[name])
        yield _row(lines.number, {meaning: fields[name] for name, meaning in meanings.items()})


def require_whole_text(place: str, name: str, value: Any) -> None:
    """Raise ConfigError unless a value of JSON is null or a string that UTF-8 can hold."""
    if value is not None and (not isinstance(value, str) or _HALF_CHARACTER.search(value)):
        raise ConfigError(f"{place}: {name} is {repr(value)[:_SHOWN]}: it must be a string of whole characters")


def _json_object(place: str, text: str, needed: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{place}: nested too deeply; expected an object with {needed}") from error
    except ValueError as error:
        raise ConfigError(f"{place}: not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ConfigError(f"{place}: expected an object with {needed}, got {text.strip():.{_SHOWN}}")
    return fields


def _quote_error(file: Path, lines: NumberedLines, header: Sequence[str]) -> ConfigError:
    """Return the error of a row that its quotes break. Its field begins on the first line of the record."""
    number, line = lines.record or (lines.number, "")
    fields = next(csv.reader([line[:100_000]]), [""])
    column = repr(header[len(fields) - 1]) if 0 < len(fields) <= len(header) else "a field"
    return ConfigError(
        f"{file}:{number}: a quote opens {column} and does not close it on this line: {line[:_SHOWN]!r}; a quote inside a text is "
        f'doubled and the text stands in quotes: "5"" disk"'
    )


def plain_row(line: int, path: str, text: str | None) -> Row:
    """Return a row that has no other columns. Windows' separators of paths become slashes."""
    return line, path.replace("\\", "/"), text or "", None, None, None


def _row(line: int, fields: Mapping[str, str | None]) -> Row:
    path = (fields.get("path") or "").replace("\\", "/")
    return line, path, fields.get("text") or "", _name(fields.get("task")), _name(fields.get("split")), _name(fields.get("source"))


def _name(value: str | None) -> str | None:
    return value.strip() or None if value else None
