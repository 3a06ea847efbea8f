"""Fit the values that a user gives to the types of a section's fields."""

import types
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin

from raygroup.errors import ConfigError

MOST_VALUES = 1_000_000
"""Most values of one field. More would fill the memory before any check."""


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
        return "a tuple" + plurals.get(arguments[0], "")
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
