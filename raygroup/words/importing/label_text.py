"""Read the text of a label file: its first line, its number of lines, and what is wrong with its encoding."""

import codecs
import re
from pathlib import Path

from raygroup.errors import ConfigError

_BYTES_PER_READ = 1 << 22
_BYTES_OF_FIRST_LINE = 1 << 16
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def first_line(file: Path) -> str:
    """Return the first line that is not blank, or "".

    At most 64 KiB are read, and bytes that are not UTF-8 are replaced: formats are told apart by it.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_BYTES_OF_FIRST_LINE).decode("utf-8-sig", "replace")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from error
    return next((line for line in re.split(r"[\r\n]+", text) if line.strip()), "")


def count_lines(file: Path) -> int:
    """Return about how many lines a file has, at least 1. Only progress depends on it."""
    count = {b"\n": 0, b"\r": 0}
    with file.open("rb") as stream:
        while part := stream.read(_BYTES_PER_READ):
            count = {sign: number + part.count(sign) for sign, number in count.items()}
    return max(count[b"\n"] or count[b"\r"], 1)


def encoding_error(file: Path, error: UnicodeDecodeError) -> str:
    """Name the encoding if its mark tells it, else the line and the byte that is not UTF-8."""
    content = file.read_bytes()
    if content.startswith(_UTF16_MARKS):
        return f"{file}: UTF-16: save it as UTF-8"
    try:
        content.decode()
    except UnicodeDecodeError as whole:
        error = whole
    line = len(re.findall(rb"\r\r\n|\r\n|\r|\n", content[: error.start])) + 1
    return f"{file}:{line}: not UTF-8 ({error.reason} 0x{content[error.start]:02x} at byte {error.start}): save it as UTF-8"
