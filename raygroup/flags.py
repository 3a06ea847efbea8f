"""The numbers that a user may give on a command line or to its Python twin, each with its range."""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from raygroup.errors import ConfigError

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


WORKERS = NumberRange(1, 10_000, whole=True)
ACCUMULATE = NumberRange(1, 10_000, whole=True)
SECONDS = NumberRange(0, 1e9)
MEMORY_GB = NumberRange(0, 1e6, open_low=True)
USD = NumberRange(0, 1e12)
DEVICES = NumberRange(0, 1e15)
SHARD_WORDS = NumberRange(1, 2**30, whole=True)
EDITS = NumberRange(0, _MOST_COUNT, whole=True)
SCENES = NumberRange(1, 100 * _MOST_COUNT, whole=True)
SEED = NumberRange(0, 2**63 - 1, whole=True)
SCENE_SIDE = NumberRange(64, 16_384, whole=True)
SCENE_WORDS = NumberRange(1, 10_000, whole=True)
SHARE = NumberRange(0, 1)
CROP_HEIGHT = NumberRange(8, 16_384, whole=True)
NOTICE_SECONDS = NumberRange(0, 60, open_low=True)


class Parser(argparse.ArgumentParser):
    """A parser of flags that refuses wrong ones in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError. ``run_command`` prints it without the list of all flags that argparse would print."""
        raise ConfigError(f"{message}; see {self.prog} --help")


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) and number < 1e15 else f"{number:g}"
