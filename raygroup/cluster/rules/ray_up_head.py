"""Rules for the head of a ``ray up`` cluster.

It must train nothing, have room for drivers, and be closed to the world.
"""

import re
from collections.abc import Iterator

from raygroup.runtime.planning.clusters.cluster_file import AWS, ClusterFile
from raygroup.runtime.planning.clusters.node_types import NodeType, as_list, as_mapping
from raygroup.runtime.planning.finding import Finding

_GPU_INSTANCE = re.compile(r"(g\d|gr\d|p\d)")
_COMMANDS = "head_start_ray_commands"
_HEAD_TRAINS = "the head would train, and a crash there would end the whole cluster"
_NO_DRIVERS = "the head offers no resource for drivers: they would take CPUs of workers, or start on other nodes"


def check_head(cluster: ClusterFile) -> Iterator[Finding]:
    """Yield what is wrong with the head.

    On AWS its resources are those of its node type, on other machines the flags of ``ray start``.
    """
    commands = " ".join(map(str, as_list(cluster.content.get(_COMMANDS))))
    head = next((node for node in cluster.node_types if node.head), None)
    if cluster.kind != AWS:
        yield from _check_flags(_flag_resources(commands))
    elif head:
        yield from _check_node_type(head.name, _node_type_resources(cluster, head))
    else:
        types = ", ".join(as_mapping(cluster.content.get("available_node_types"))) or "the node types that the file describes"
        yield Finding("head_node_type", "no node type is the head's", f"one of {types}")
        return
    yield from _check_commands(commands, has_default_commands=cluster.kind == AWS and not commands)


def _check_node_type(name: str, resources: dict[str, float]) -> Iterator[Finding]:
    at = f"available_node_types.{name}.resources"
    for kind in _training_resources(resources):
        yield Finding(f"{at}.{kind}", _HEAD_TRAINS, f"{kind}: 0")
    if not resources.get("driver"):
        yield Finding(f"{at}.driver", _NO_DRIVERS, "driver: 32")


def _check_flags(resources: dict[str, float]) -> Iterator[Finding]:
    for kind in _training_resources(resources):
        yield Finding(_COMMANDS, _HEAD_TRAINS, f"--num-{kind.lower()}s=0")
    if not resources.get("driver"):
        yield Finding(_COMMANDS, _NO_DRIVERS, "--resources='{\"driver\": 32}'")


def _check_commands(commands: str, *, has_default_commands: bool) -> Iterator[Finding]:
    if has_default_commands or re.search(r"--dashboard-host[= ]['\"]?(0\.0\.0\.0|::)", commands):
        cause = "Ray's own start commands open its dashboard" if has_default_commands else "its dashboard is open"
        problem = f"the head is unprotected: {cause} to the world, and anyone can run code there"
        yield Finding(_COMMANDS, problem, "--dashboard-host=127.0.0.1, and `ray dashboard FILE` to look at it")
    if "ray start" in commands and "--autoscaling-config" not in commands:
        yield Finding(_COMMANDS, "nodes would be neither started nor stopped", "--autoscaling-config=~/ray_bootstrap_config.yaml")


def _training_resources(resources: dict[str, float]) -> list[str]:
    return [kind for kind in ("CPU", "GPU") if resources.get(kind, 1.0) > 0]


def _node_type_resources(cluster: ClusterFile, head: NodeType) -> dict[str, float]:
    """Return the resources in the file. For those left out, Ray counts the instance's."""
    node = as_mapping(as_mapping(cluster.content.get("available_node_types")).get(head.name))
    instance = str(as_mapping(node.get("node_config")).get("InstanceType", ""))
    return {"CPU": 1.0, "GPU": 1.0 if _GPU_INSTANCE.match(instance) else 0.0} | dict(head.resources)


def _flag_resources(commands: str) -> dict[str, float]:
    """Return the resources in the flags of ``ray start``.

    For those left out, Ray counts the machine's.
    """
    counts = {kind: re.search(rf"--num-{kind.lower()}s[= ](\d+)", commands) for kind in ("CPU", "GPU")}
    driver = {"driver": 1.0} if re.search(r"--resources\S*driver", commands) else {}
    return {kind: float(match[1]) if match else 1.0 for kind, match in counts.items()} | driver
