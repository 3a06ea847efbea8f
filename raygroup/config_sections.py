"""The machinery of settings: frozen sections, checks on their values, JSON, and fingerprints."""

import dataclasses
import difflib
import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from raygroup.errors import ConfigError, one_line
from raygroup.values import MisfitError, fitted, type_text

Section = TypeVar("Section")
Changes = tuple[tuple[float, float], ...]
"""Later values of a setting: pairs of a share of the steps, from 0 to 1, and the value from there on."""

_MAX_VALUE = 120
"""Most characters of a value in a message."""
COUNTS_IF_SET: Mapping[str, bool] = {"counts_if_set": True}
"""Metadata of a field that was added later. At its default it is left out of fingerprints, so older trials keep their ids."""
NO_EFFECT: Mapping[str, bool] = {"changes_result": False}
"""Metadata of a field that cannot change a result. It is never part of a fingerprint."""


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def section(cls: type[Section]) -> type[Section]:
    """Make a frozen keyword-only dataclass for settings.

    A misspelt field raises ConfigError with the valid names, and so does a value that does not have the type of its field. An int given
    for a float becomes a float, so that 1 and 1.0 have the same fingerprint. A list becomes a tuple.
    """
    decorated: Any = dataclass(frozen=True, kw_only=True)(cls)
    generated_init: Callable[..., None] = decorated.__init__
    kinds = {f.name: f.type for f in fields(decorated)}
    needed = {f.name for f in fields(decorated) if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING}
    prefix = getattr(cls, "path_prefix", f"{cls.__name__.lower()}.")

    def init(self: Section, *positional: Any, **values: Any) -> None:
        if positional:
            raise ConfigError(f"{cls.__name__} takes its fields by name, such as {cls.__name__}({next(iter(kinds))}=...)")
        for name in values:
            if name not in kinds:
                raise ConfigError(unknown_field(name, name, cls.__name__, kinds))
        if not needed <= values.keys():
            raise ConfigError(f"{cls.__name__} needs the field '{min(needed - values.keys())}'")
        misfits = _fit_values(values, kinds, prefix)
        try:
            generated_init(self, **values)  # its own checks say more about a value than its type does
        except (TypeError, AttributeError, ValueError) as error:
            if isinstance(error, ConfigError) or not misfits:
                raise
        if misfits:
            name, *_ = misfits
            raise ConfigError(f"{prefix}{name} is {_value_text(values[name])}: it must be {type_text(kinds[name])}")

    decorated.__init__ = init
    return cls


def _fit_values(values: dict[str, Any], kinds: Mapping[str, Any], prefix: str) -> list[str]:
    """Fit each value to its field. Returns the names of those that do not fit."""
    misfits = []
    for name, value in values.items():
        try:
            values[name] = fitted(kinds[name], value, f"{prefix}{name}")
        except MisfitError:
            misfits.append(name)
    return misfits


def unknown_field(path: str, name: str, owner: str, names: Iterable[str]) -> str:
    """Return the message on a field that does not exist. It proposes the name that comes closest."""
    known = list(names)
    close = difflib.get_close_matches(name, known, 1)
    meant = f"did you mean '{close[0]}'? " if close else ""
    return f"no field '{path:.60}'; {meant}{owner} has: {', '.join(known)}"


def _value_text(value: object) -> str:
    """Return a value for a message, shortened if it is long."""
    return one_line(repr(value), _MAX_VALUE)


def require(ok: bool, field_name: str, value: object, right: str) -> None:
    """Raise ConfigError unless ``ok``. ``right`` says what the value must be."""
    if not ok:
        raise ConfigError(f"{field_name} is {_value_text(value)}: it must be {right}")


def require_number(field_name: str, value: object, *, low: float, high: float = float("inf"), whole: bool = False) -> None:
    """Raise ConfigError unless the value is a finite number from ``low`` to ``high``. A bool is not a number."""
    kind = "a whole number" if whole else "a number"
    limits = f"{kind} from {low:g}" + ("" if high == float("inf") else f" to {high:g}")
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    require(right_type and low <= value <= high and value < float("inf"), field_name, value, limits)  # type: ignore[operator]


def require_changes(field_name: str, changes: Changes, *, low: float) -> None:
    """Raise ConfigError unless each change is a later share of the steps and a number from ``low``."""
    right = f"pairs of a share of the steps, each later than the one before, and a number from {low:g}, such as ((0.5, 0.1),)"
    shares = [share for share, _ in changes]
    are_shares = all(0 <= share <= 1 for share in shares) and all(before < after for before, after in itertools.pairwise(shares))
    require(are_shares and all(low <= value < float("inf") for _, value in changes), field_name, changes, right)


def require_choice(field_name: str, value: object, *choices: str) -> None:
    """Raise ConfigError unless the value is one of the choices."""
    require(value in choices, field_name, value, "one of " + ", ".join(choices))


def replace_field(config: Any, path: str, value: object) -> Any:
    """Return a copy with the field at a dotted path set to a value. Raises ConfigError like ``replace_fields``."""
    return replace_fields(config, {path: value})


def replace_fields(config: Any, values: Mapping[str, object]) -> Any:
    """Return a copy with the fields at dotted paths set to values, all at once.

    So values may be right together that would not be right one by one. Raises ConfigError for a path that does not exist. The message
    lists the fields that do.
    """
    return _replace(config, {path: (path, value) for path, value in values.items()})


def _replace(config: Any, values: Mapping[str, tuple[str, object]]) -> Any:
    """Replace the fields at the paths that are left: path below ``config`` -> (whole path, value)."""
    names = [f.name for f in fields(config)]
    deeper: dict[str, dict[str, tuple[str, object]]] = {}
    replaced: dict[str, Any] = {}
    for rest, (path, value) in values.items():
        name, _, below = rest.partition(".")
        if name not in names:
            owner = path[: len(path) - len(rest)].rstrip(".") or type(config).__name__.lower()
            raise ConfigError(unknown_field(path, name, owner, names))
        if below and not dataclasses.is_dataclass(getattr(config, name)):
            raise ConfigError(f"no field '{path}'; '{path[: len(path) - len(below) - 1]}' is a single value")
        if below:
            deeper.setdefault(name, {})[below] = (path, value)
        else:
            replaced[name] = value
    replaced |= {name: _replace(getattr(config, name), below) for name, below in deeper.items()}
    return dataclasses.replace(config, **replaced)


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
