"""The keys and types that ``ray up`` allows in its file.

They come from Ray's own JSON schema.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from raygroup.cluster.rules.keys import ANY, ANY_NAME
from raygroup.runtime.planning.finding import Finding

_PROVIDER_KEYS = (
    "type", "module", "region", "availability_zone", "cache_stopped_nodes", "use_internal_ips", "use_external_head_ip", "key_pair",
    "security_group", "vpc_id", "aws_credentials", "disable_launch_config_check", "disable_node_updaters", "head_ip", "worker_ips",
    "coordinator_address", "external_head_ip", "cloudwatch",
)  # fmt: skip
"""Ray's schema allows any key below ``provider``. Its node providers read only these."""


@functools.cache
def ray_up_keys() -> dict[str, Any]:
    """Return the allowed keys in the form that ``check_keys`` takes.

    They are those of Ray's schema, of its node providers, and of raygroup (below ``metadata``).
    """
    schema = _schema()
    keys = dict(_allowed_keys(schema, schema))
    keys["metadata"] = {"storage_path": ANY, "usd_per_hour": ANY, "resources": ANY}
    keys["provider"] = dict.fromkeys(_PROVIDER_KEYS, ANY)
    return keys


def check_types(content: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a finding for every value that Ray's schema refuses.

    It skips unknown keys, because ``check_keys`` reports them with a better suggestion.
    """
    from jsonschema import Draft7Validator

    for error in Draft7Validator(_schema()).iter_errors(content):
        if error.validator != "additionalProperties":
            path = ".".join(map(str, error.absolute_path)) or "the file"
            yield Finding(path, error.message, f"{error.validator}: {error.validator_value}, as in Ray's schema")


@functools.cache
def _schema() -> dict[str, Any]:
    """Read the schema from Ray's folder. Ray is not imported, since that takes seconds."""
    spec = find_spec("ray")
    folder = Path(str((spec.submodule_search_locations if spec else [""])[0]))  # type: ignore[index]
    return dict(json.loads((folder / "autoscaler" / "ray-schema.json").read_text(encoding="utf-8")))


def _allowed_keys(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Convert a part of a JSON schema for ``check_keys``."""
    if "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _allowed_keys(target, root)
    any_name = {}
    for below in schema.get("patternProperties", {}).values():
        any_name[ANY_NAME] = _allowed_keys(below, root)
    if schema.get("additionalProperties") is False:
        return any_name | {name: _allowed_keys(below, root) for name, below in schema.get("properties", {}).items()}
    return ANY
