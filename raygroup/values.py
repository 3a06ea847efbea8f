"""Check the values that a user gives: the ranges of numbers, and the types of a section's fields."""

import argparse
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Union, get_args, get_origin

from raygroup.errors import ConfigError

MOST_VALUES = 1_000_000
"""Most values of one field. More would fill the memory before any check."""
_MOST_COUNT = 1_000_000


@dataclass(frozen=True)
class NumberRange:
    """The numbers from ``low`` to ``high``."""

    low: float
    high: float
    whole: bool = False
    open_low: bool = False
    """True if ``low`` itself is left out."""

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} {f'above {self.low:g} and at most' if self.open_low else f'from {self.low:g} to'} {_digits(self.high)}"

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        number: Any = value
        return bool((self.low < number if self.open_low else self.low <= number) and number <= self.high)  # NaN is in no range

    def require(self, name: str, value: object) -> None:
        """Raise ConfigError if the value is not in the range."""
        if value not in self:
            raise ConfigError(f"{name} is {value!r:.60}: it must be {self}")

    def parse(self, text: str) -> Any:
        """Return the number of a command-line argument."""
        pattern = r"[0-9]{1,18}" if self.whole else r"[-+0-9.eE]{1,40}|nan|-?inf(inity)?"
        try:
            if re.fullmatch(pattern, text):
                number = int(text) if self.whole else float(text)
                if number in self:
                    return number
        except ValueError:
            pass
        raise argparse.ArgumentTypeError(f"{text!r:.60} must be {self}")

    def parse_pair(self, separator: str, *, single: bool = False) -> Callable[[str], tuple[int, int]]:
        """Return a function that parses two numbers with a separator, the smaller one first if it is ``-``.

        With ``single``, one number stands for two equal ones.
        """

        def parse(text: str) -> tuple[int, int]:
            first, found_separator, second = text.partition(separator)
            try:
                if single and not found_separator:
                    second = first
                pair = self.parse(first), self.parse(second)
                if separator != "-" or pair[0] <= pair[1]:
                    return pair
            except argparse.ArgumentTypeError:
                pass
            example = f"{self.low:g}{separator}{2 * self.low:g}"
            each = f"{self}, or two such as {example}" if single else f"two numbers such as {example}, each {self}"
            raise argparse.ArgumentTypeError(f"{text!r:.60} must be {each}")

        return parse


COUNT = NumberRange(1, _MOST_COUNT, whole=True)
WORKERS = NumberRange(1, 10_000, whole=True)
ACCUMULATE = NumberRange(1, 10_000, whole=True)
SECONDS = NumberRange(0, 1e9)
MEMORY_GB = NumberRange(0, 1e6, open_low=True)
USD = NumberRange(0, 1e12)
DEVICES = NumberRange(0, 1e15)
SHARD_WORDS = NumberRange(1, 2**30, whole=True)
EDITS = NumberRange(0, _MOST_COUNT, whole=True)
SCENES = NumberRange(1, 100 * _MOST_COUNT, whole=True)
STEPS = NumberRange(1, 10**9, whole=True)
SEED = NumberRange(0, 2**63 - 1, whole=True)
SCENE_SIDE = NumberRange(64, 16_384, whole=True)
SCENE_WORDS = NumberRange(1, 10_000, whole=True)
CHARACTERS = NumberRange(2, _MOST_COUNT, whole=True)
CLUTTER_OBJECTS = NumberRange(1, 100, whole=True)
LARGEST_TEXT = NumberRange(0, 1, open_low=True)
SHARE = NumberRange(0, 1)
BAD_SHARE = 0.05
"""Largest share of a user's listed words that an import may lose, unless the user allows more."""
COPIES = NumberRange(0, 100, whole=True)
CROP_HEIGHT = NumberRange(8, 16_384, whole=True)
NOTICE_SECONDS = NumberRange(0, 60, open_low=True)
BEAMS = NumberRange(1, 1000, whole=True)
EXPORTED_BEAMS = NumberRange(2, 1000, whole=True)
THREADS = NumberRange(0, 1024, whole=True)


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) and number < 1e15 else f"{number:g}"


def add_bad_share_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--bad-share`` to a command that reads a user's words."""
    parser.add_argument(
        "--bad-share", type=SHARE.parse, default=BAD_SHARE, metavar="SHARE",
        help="largest share of your words that may be dropped, from 0 to 1 (default: 0.05)",
    )  # fmt: skip


class MisfitError(Exception):
    """A value does not have the type of its field."""


def fitted(kind: Any, value: Any, name: str = "it") -> Any:
    """Return the value in the type of its field. Raises MisfitError if that would change it.

    A whole float becomes an int and an int a float. NumPy's numbers become Python's. A list or a range becomes a tuple.
    """
    if type(value).__module__.partition(".")[0] == "numpy":
        value = value.tolist() if hasattr(value, "tolist") else value
    if kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _fitted_to_one(arguments, value, name)
    if origin is tuple:
        return _fitted_tuple(arguments, value, name)
    if origin is not None and issubclass(origin, Mapping):
        return value if isinstance(value, Mapping) else _refuse()
    return _fitted_scalar(kind, value)


def type_text(kind: Any) -> str:
    """Return what a value of a field must be, such as ``a tuple of whole numbers``."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(type_text, arguments))
    if origin is tuple:
        plurals = {int: " of whole numbers, such as (0, 1)", float: " of numbers", str: ' of texts, such as ("ar", "la")'}
        sections = f" of {getattr(arguments[0], '__name__', '')}(...)" if is_dataclass(arguments[0]) else ""
        return "a tuple" + plurals.get(arguments[0], sections)
    if origin is not None:
        return 'a mapping, such as {"heads.count": (3, 5)}'
    names = {bool: "True or False", int: "a whole number", float: "a number", str: "text in quotes", type(None): "None"}
    return names.get(kind) or f"a {getattr(kind, '__name__', kind)}"


def _refuse() -> Any:
    raise MisfitError


def _fitted_to_one(kinds: tuple[Any, ...], value: Any, name: str) -> Any:
    for kind in kinds:
        try:
            return fitted(kind, value, name)
        except MisfitError:
            continue
    return _refuse()


def _fitted_tuple(kinds: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list | range):
        _refuse()
    if len(value) > MOST_VALUES:
        raise ConfigError(f"{name} has {len(value):,} values: it must have at most {MOST_VALUES:,}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(fitted(kinds[0], entry, name) for entry in value)
    if len(value) != len(kinds):
        _refuse()
    return tuple(fitted(kind, entry, name) for kind, entry in zip(kinds, value, strict=True))


def _fitted_scalar(kind: Any, value: Any) -> Any:
    if kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            converted = kind(value)
        except (OverflowError, ValueError):  # infinity and NaN are no whole numbers
            return _refuse()
        return converted if converted == value or value != value else _refuse()
    if is_dataclass(kind) or kind in (bool, str, type(None)):
        return value if isinstance(value, kind) else _refuse()
    return _refuse()
