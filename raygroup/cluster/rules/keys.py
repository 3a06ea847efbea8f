"""Find names in cluster files that Ray or Kubernetes would ignore.

These are keys that do not exist at their place, and resources that look like a misspelt one of
Ray's.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from raygroup.runtime.planning.finding import Finding

ANY: Mapping[str, Any] | None = None
"""Allows everything below a key."""
ANY_NAME = "*"
"""Stands for the names that users choose, such as those of node types."""
_RESOURCES = ("CPU", "GPU", "TPU", "memory", "object_store_memory")
_MIN_SIMILARITY = 0.75
"""Ratio above which a resource counts as a misspelt one of Ray's."""
_MAX_SUGGESTIONS = 30


def check_keys(content: Mapping[str, Any], allowed: Mapping[str, Any], at: str = "") -> Iterator[Finding]:
    """Yield a finding for every key that is not allowed.

    ``allowed`` maps a key to what is allowed below it: a mapping, a list that holds the mapping for
    each item, or ANY. ``at`` is the path of ``content`` in the file.
    """
    for name, value in content.items():
        path = f"{at}.{name}" if at else str(name)
        if name not in allowed and ANY_NAME not in allowed:
            yield Finding(path, "no such key", closest_name(str(name), allowed))
            continue
        below = allowed.get(name, allowed.get(ANY_NAME))
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            yield from check_keys(value, below, path)
        elif isinstance(below, list) and isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from check_keys(item, below[0], f"{path}[{number}]")


def check_resources(resources: Iterable[str], at: str) -> Iterator[Finding]:
    """Yield a finding for misspelt resources."""
    for name in resources:
        path = f"{at}.{name}"
        ray_name = _similar_resource(str(name))
        if ray_name:
            yield Finding(path, f"{name!r} is a resource of your own, and nothing asks for it", ray_name)


def closest_name(name: str, allowed: Mapping[str, Any]) -> str:
    """Return the allowed name that was probably meant.

    If none is similar, return the list of allowed names, or the advice to leave the key out if
    there are many.
    """
    by_lower_case = {known.lower(): known for known in map(str, allowed)}
    matches = difflib.get_close_matches(name.lower(), by_lower_case, 1, 0.6)
    if matches:
        return by_lower_case[matches[0]]
    return "one of " + ", ".join(sorted(map(str, allowed))) if len(allowed) <= _MAX_SUGGESTIONS else "leave it out"


def _similar_resource(name: str) -> str | None:
    """Return the resource of Ray's that this name misspells, or None."""
    if name in _RESOURCES:
        return None
    singular = name.casefold().rstrip("s")
    for known in _RESOURCES:
        similarity = difflib.SequenceMatcher(None, singular, known.casefold()).ratio()
        if singular == known.casefold() or similarity > _MIN_SIMILARITY:
            return known
    return None
