"""Check a ``node_config`` against the settings that EC2's RunInstances takes."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from raygroup.cluster.rules.keys import closest_name
from raygroup.runtime.planning.finding import Finding

_READ_BY_RAY = {"SubnetIds"}
"""Ray reads these itself: it gives each instance one of the subnets."""
_PYTHON_TYPES = {"string": str, "boolean": bool, "integer": int, "structure": dict, "list": list}
"""Type in botocore's description -> type in a YAML file."""


def check_instance(node_config: Mapping[str, Any], at: str) -> Iterator[Finding]:
    """Yield a finding for every key and value that EC2 would refuse. ``at`` is the dotted path of the settings in the file.

    The description of EC2 comes with boto3. If boto3 is not installed, nothing is checked.
    """
    description = _run_instances_description()
    if description is None:
        return
    settings = {name: value for name, value in node_config.items() if name not in _READ_BY_RAY}
    yield from _check_value(settings, description, at)


def knows_ec2() -> bool:
    """Return whether boto3 is installed, so that ``check_instance`` checks something."""
    return _run_instances_description() is not None


@functools.cache
def _run_instances_description() -> Any:
    """Return botocore's description of RunInstances, or None without boto3. Reading it is slow."""
    try:
        import botocore.session
    except ImportError:
        return None
    return botocore.session.get_session().get_service_model("ec2").operation_model("RunInstances").input_shape


def _check_value(value: object, shape: Any, at: str) -> Iterator[Finding]:
    python_type = _PYTHON_TYPES.get(shape.type_name, object)
    if not isinstance(value, python_type) or (python_type is int and isinstance(value, bool)):
        yield Finding(at, f"EC2 does not take {value!r} here", f"a value of type {shape.type_name}")
    elif isinstance(value, dict) and shape.type_name == "structure":
        for name, below in value.items():
            if name in shape.members:
                yield from _check_value(below, shape.members[name], f"{at}.{name}")
            else:
                yield Finding(f"{at}.{name}", "no such key", closest_name(str(name), shape.members))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _check_value(item, shape.member, f"{at}[{number}]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        problem = f"EC2 has no {value!r}, as far as the installed boto3 knows"
        yield Finding(at, problem, closest_name(str(value), dict.fromkeys(shape.enum)))
