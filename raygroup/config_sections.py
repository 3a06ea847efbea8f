"""The machinery of settings: frozen sections, checks on their values, JSON, and fingerprints."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from raygroup.errors import ConfigError

Section = TypeVar("Section")

COUNTS_IF_SET: Mapping[str, bool] = {"counts_if_set": True}
"""Metadata of a field that was added later. At its default it is left out of fingerprints, so older trials keep their ids."""
NO_EFFECT: Mapping[str, bool] = {"changes_result": False}
"""Metadata of a field that cannot change a result. It is never part of a fingerprint."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def section(cls: type[Section]) -> type[Section]:
    """Make a frozen keyword-only dataclass for settings.

    A misspelt field raises ConfigError with the valid names. An int given for a float becomes a float, so that 1 and 1.0 have the same
    fingerprint. A list becomes a tuple.
    """
    decorated: Any = dataclass(frozen=True, kw_only=True)(cls)
    generated_init: Callable[..., None] = decorated.__init__
    names = [f.name for f in fields(decorated)]
    float_names = [f.name for f in fields(decorated) if f.type is float]

    def init(self: Section, **values: Any) -> None:
        for name in values:
            if name not in names:
                raise ConfigError(f"no field '{name}'; {cls.__name__} has: {', '.join(names)}")
        floats = {name: float(values[name]) for name in float_names if type(values.get(name)) is int}
        tuples = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        generated_init(self, **values | floats | tuples)

    decorated.__init__ = init
    return cls


def require(ok: bool, field_name: str, value: object, right: str) -> None:
    """Raise ConfigError unless ``ok``. ``right`` says what the value must be."""
    if not ok:
        raise ConfigError(f"{field_name} is {value!r}: it must be {right}")


def require_number(field_name: str, value: object, *, low: float, high: float = float("inf"), whole: bool = False) -> None:
    """Raise ConfigError unless the value is a finite number from ``low`` to ``high``. A bool is not a number."""
    kind = "a whole number" if whole else "a number"
    limits = f"{kind} from {low:g}" + ("" if high == float("inf") else f" to {high:g}")
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    require(right_type and low <= value <= high and value < float("inf"), field_name, value, limits)  # type: ignore[operator]


def require_choice(field_name: str, value: object, *choices: str) -> None:
    """Raise ConfigError unless the value is one of the choices."""
    require(value in choices, field_name, value, "one of " + ", ".join(choices))


def replace_field(config: Any, path: str, value: object) -> Any:
    """Return a copy with the field at a dotted path set to a value.

    Raises ConfigError for a path that does not exist. The message lists the fields that do.
    """
    return _replace(config, path, path, value)


def _replace(config: Any, path: str, rest: str, value: object) -> Any:
    name, _, deeper = rest.partition(".")
    names = [f.name for f in fields(config)]
    if name not in names:
        owner = path[: len(path) - len(rest)].rstrip(".") or type(config).__name__.lower()
        raise ConfigError(f"no field '{path}'; {owner} has: {', '.join(names)}")
    if deeper and not dataclasses.is_dataclass(getattr(config, name)):
        raise ConfigError(f"no field '{path}'; '{path[: len(path) - len(deeper) - 1]}' is a single value")
    return dataclasses.replace(config, **{name: _replace(getattr(config, name), path, deeper, value) if deeper else value})


def to_json(config: Any) -> dict[str, Any]:
    """Return every field as plain JSON values."""
    return json.loads(json.dumps(dataclasses.asdict(config)))  # type: ignore[no-any-return]


def section_from_json(cls: type[Section], stored: dict[str, Any]) -> Section:
    """Return the section that ``to_json`` wrote. Raises ConfigError for fields that this version does not know."""
    kinds = {f.name: f.type for f in fields(cls)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in stored.items():
        kind = kinds.get(name)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            values[name] = section_from_json(kind, value)
        else:
            values[name] = tuple(value) if isinstance(value, list) else value
    return cls(**values)


def result_fields(config: Any) -> dict[str, Any]:
    """Return the settings that change a trial's numbers, as plain JSON values."""
    settings = {}
    for f in fields(config):
        value = getattr(config, f.name)
        is_unset = f.metadata.get("counts_if_set", False) and value == f.default
        if f.metadata.get("changes_result", True) and not is_unset:
            settings[f.name] = result_fields(value) if dataclasses.is_dataclass(value) else value
    return settings


def fingerprint(*evidence: object) -> str:
    """Return the SHA-256 of the evidence as canonical JSON. It is the same on every machine."""
    text = json.dumps(evidence, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
