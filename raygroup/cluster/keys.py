"""Names in cluster files that nobody would read: keys that do not exist at their place, resources that Ray does not know."""

import difflib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_RESOURCES = ("CPU", "GPU", "TPU", "memory", "object_store_memory")
_NEAR = 0.75
"""How alike a name must be to be taken for a misspelt one."""


@dataclass(frozen=True)
class Row:
    """One thing wrong in a cluster file."""

    path: str
    """Where, such as ``available_node_types.gpu.resources.GPUs``."""
    problem: str
    instead: str


def unknown_keys(content: Mapping[str, Any], allowed: Mapping[str, Any], at: str = "") -> Iterator[Row]:
    """Keys that are not allowed. ``allowed``: name -> what is allowed below it, ANY, or in a list what is allowed in each of its items."""
    for name, value in content.items():
        path = f"{at}.{name}" if at else str(name)
        if name not in allowed and EVERY not in allowed:
            yield Row(path, "no such key", closest(str(name), allowed))
            continue
        below = allowed.get(name, allowed.get(EVERY))
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            yield from unknown_keys(value, below, path)
        elif isinstance(below, list) and isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from unknown_keys(item, below[0], f"{path}[{number}]")


ANY: Mapping[str, Any] | None = None
EVERY = "*"
"""Stands for names that are the user's own, such as those of types of nodes."""


def wrong_resources(resources: Mapping[str, Any], at: str) -> Iterator[Row]:
    """Names that look like one of Ray's own, and counts that are no numbers."""
    for name, count in resources.items():
        path = f"{at}.{name}"
        meant = _meant(str(name))
        if meant:
            yield Row(path, f"a resource of your own called {name!r}: nothing asks for it", meant)
        if not isinstance(count, int | float) or isinstance(count, bool) or count < 0:
            yield Row(path, f"{count!r} is no number", "how many there are, 0 or more")


@functools.cache
def of_ray_up() -> dict[str, Any]:
    """The keys of a file for ``ray up``, from Ray's own schema, and those that its providers read besides."""
    schema = _schema()
    found = _below(schema, schema)
    found["metadata"] = {"storage_path": ANY, "usd_per_hour": ANY, "resources": ANY}
    found["provider"] = dict.fromkeys(
        ("type", "module", "region", "availability_zone", "cache_stopped_nodes", "use_internal_ips", "use_external_head_ip", "key_pair",
         "security_group", "vpc_id", "aws_credentials", "disable_launch_config_check", "disable_node_updaters", "head_ip", "worker_ips",
         "coordinator_address", "external_head_ip", "cloudwatch"),
        ANY,
    )  # fmt: skip
    return dict(found)


def wrong_types(content: Mapping[str, Any]) -> Iterator[Row]:
    """Values that are of another kind than Ray's schema asks for. Unknown keys are for ``unknown_keys``, which names what was meant."""
    from jsonschema import Draft7Validator

    for error in Draft7Validator(_schema()).iter_errors(content):
        if error.validator != "additionalProperties":
            path = ".".join(map(str, error.absolute_path))
            yield Row(path or "the file", error.message, f"{error.validator}: {error.validator_value}, as Ray's schema has it")


def wrong_instance(config: Mapping[str, Any], at: str) -> Iterator[Row]:
    """What EC2's RunInstances would not take of a ``node_config``, as boto3 knows it; where boto3 is not installed nothing is said."""
    known = _instances()
    if known is None:
        return
    own_of_ray = {"SubnetIds"}  # of which it takes one for each instance
    yield from _wrong_value({name: value for name, value in config.items() if name not in own_of_ray}, known, at)


@functools.cache
def _instances() -> Any:
    """What RunInstances takes; reading it takes a while."""
    try:
        import botocore.session
    except ImportError:
        return None
    return botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape


_KINDS = {"string": str, "boolean": bool, "integer": int, "structure": dict, "list": list}


def _wrong_value(value: object, shape: Any, at: str) -> Iterator[Row]:
    kind = _KINDS.get(shape.type_name, object)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        yield Row(at, f"{value!r} is of another kind than EC2 asks for", f"{shape.type_name}")
    elif isinstance(value, dict) and shape.type_name == "structure":
        for name, below in value.items():
            if name in shape.members:
                yield from _wrong_value(below, shape.members[name], f"{at}.{name}")
            else:
                yield Row(f"{at}.{name}", "no such key", closest(str(name), shape.members))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _wrong_value(item, shape.member, f"{at}[{number}]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        yield Row(at, f"EC2 has no {value!r}, as far as the boto3 installed here knows", closest(str(value), dict.fromkeys(shape.enum)))


@functools.cache
def _schema() -> dict[str, Any]:
    where = find_spec("ray")
    folder = Path(str((where.submodule_search_locations if where else [""])[0]))  # type: ignore[index]
    return dict(json.loads((folder / "autoscaler" / "ray-schema.json").read_text(encoding="utf-8")))


def _below(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """What a JSON schema allows, as ``unknown_keys`` takes it."""
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _below(target, root)
    own: dict[str, Any] = {}
    for below in schema.get("patternProperties", {}).values():
        own[EVERY] = _below(below, root)
    if schema.get("additionalProperties") is False:
        return own | {name: _below(below, root) for name, below in schema.get("properties", {}).items()}
    return ANY


def closest(name: str, allowed: Mapping[str, Any]) -> str:
    """The name that was meant, or the names there are."""
    by_lower = {known.lower(): known for known in map(str, allowed)}
    near = difflib.get_close_matches(name.lower(), by_lower, 1, 0.6)
    if near:
        return by_lower[near[0]]
    return "one of " + ", ".join(sorted(map(str, allowed))) if len(allowed) <= 30 else "leave it out"


def _meant(name: str) -> str | None:
    """Which of Ray's resources was meant by another name."""
    if name in _RESOURCES:
        return None
    plain = name.casefold().rstrip("s")
    for known in _RESOURCES:
        if plain == known.casefold() or difflib.SequenceMatcher(None, plain, known.casefold()).ratio() > _NEAR:
            return known
    return None
