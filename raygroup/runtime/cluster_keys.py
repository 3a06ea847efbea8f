"""Names in cluster files that nobody would read: keys that do not exist at their place, resources that Ray does not know."""

import difflib
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
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

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def unknown_keys(content: Mapping[str, Any], allowed: Mapping[str, Any], at: str = "") -> Iterator[Row]:
    """Keys that are not allowed. ``allowed``: name -> what is allowed below it, ANY, or in a list what is allowed in each of its items."""
    for name, value in content.items():
        path = f"{at}.{name}" if at else str(name)
        if name not in allowed:
            yield Row(path, "no such key", _closest(str(name), allowed))
            continue
        below = allowed[name]
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            yield from unknown_keys(value, below, path)
        elif isinstance(below, list) and isinstance(value, list):
            for number, item in enumerate(value):
                if isinstance(item, Mapping):
                    yield from unknown_keys(item, below[0], f"{path}[{number}]")


ANY: Mapping[str, Any] | None = None


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
    """The keys of a file for ``ray up``, from Ray's own schema, and those of AWS's instances where boto3 is installed."""
    where = find_spec("ray")
    folder = Path(str((where.submodule_search_locations if where else [""])[0]))  # type: ignore[index]
    schema = json.loads((folder / "autoscaler" / "ray-schema.json").read_text(encoding="utf-8"))
    found = _below(schema, schema)
    found["metadata"] = {"storage_path": ANY, "usd_per_hour": ANY, "resources": ANY}
    found["provider"] = dict.fromkeys(
        ("type", "module", "region", "availability_zone", "cache_stopped_nodes", "use_internal_ips", "use_external_head_ip", "key_pair",
         "security_group", "vpc_id", "aws_credentials", "disable_launch_config_check", "disable_node_updaters", "head_ip", "worker_ips",
         "coordinator_address", "external_head_ip"),
        ANY,
    )  # fmt: skip
    found["auth"] = (found.get("auth") or {}) | {"ssh_user": ANY, "ssh_private_key": ANY, "ssh_public_key": ANY, "ssh_proxy_command": ANY}
    return dict(found)


@functools.cache
def of_instances() -> dict[str, Any] | None:
    """The keys of ``node_config`` on AWS: what RunInstances takes. None where boto3 is not installed to ask."""
    try:
        import botocore.session
    except ImportError:
        return None
    shape = botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape
    return dict(_members(shape, 6) or {})


def _below(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """What a JSON schema allows, as ``unknown_keys`` takes it."""
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _below(target, root)
    if schema.get("type") == "object" and schema.get("properties") and schema.get("additionalProperties") is False:
        return {name: _below(below, root) for name, below in schema["properties"].items()}
    return ANY


def _members(shape: Any, depth: int) -> Any:
    if depth and shape.type_name == "structure":
        return {name: _members(member, depth - 1) for name, member in shape.members.items()}
    if depth and shape.type_name == "list":
        below = _members(shape.member, depth - 1)
        return [below] if isinstance(below, dict) else ANY
    return ANY


def _closest(name: str, allowed: Mapping[str, Any]) -> str:
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
