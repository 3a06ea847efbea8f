"""Rules for the files of ``ray up``: AWS and own machines."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

from raygroup.cluster import aws_rules as cluster_aws
from raygroup.cluster.keys import Row, of_ray_up, unknown_keys, wrong_resources, wrong_types
from raygroup.runtime.planning.cluster_file import AWS, ClusterFile, NodeType, listed, mapping, storage_fault

_LONGEST_IDLE_MIN = 60
_SECRET = re.compile(r"(?:SECRET|PASSWORD|TOKEN|ACCESS_KEY)[A-Z_]*=(?!\s|\$|/|~)(?P<value>\S+)")
_OWN_FOLDERS = ("/tmp", "/home", "/root", "/var/tmp", "/dev/shm")
_WITH_ACCELERATORS = re.compile(r"(g\d|gr\d|p\d)")


def rules(found: ClusterFile) -> Iterator[Row]:
    content = found.content
    yield from unknown_keys(content, of_ray_up())
    yield from _schema(content)
    for node in found.node_types:
        yield from _node(found, node)
    yield from _head(found)
    yield from _storage(found)
    yield from _token(content)
    yield from _secrets(content)
    yield from _idle(content)
    yield from _results(content)
    yield from cluster_aws.rules(found) if found.kind == AWS else _versions(content)


def _schema(content: dict[str, Any]) -> Iterator[Row]:
    """What Ray itself says, of the places that it names; of what its schema allows and its code does not, only once the schema does."""
    from raygroup.runtime.on_ray.ray_up_schema import schema_error

    wrong = list(wrong_types(content))
    yield from wrong
    said = None if wrong else schema_error(content)
    if said:
        yield Row(said[0], said[1], "what Ray's schema of cluster files asks for")


def _node(found: ClusterFile, node: NodeType) -> Iterator[Row]:
    at = f"available_node_types.{node.name}"
    content = mapping(mapping(found.content.get("available_node_types")).get(node.name))
    yield from wrong_resources(mapping(content.get("resources")), f"{at}.resources")
    fewest, most = content.get("min_workers", 0), content.get("max_workers", found.content.get("max_workers", 0))
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Row(f"{at}.min_workers", f"{fewest} is more than max_workers, {most}", f"at most {most}")


def _head(found: ClusterFile) -> Iterator[Row]:
    """Nothing trains there, drivers have a place, and nobody from outside reaches it."""
    commands = " ".join(map(str, listed(found.content.get("head_start_ray_commands"))))
    head = next((node for node in found.node_types if node.head), None)
    aws = found.kind == AWS
    if aws and not head:
        types = ", ".join(mapping(found.content.get("available_node_types"))) or "types of nodes that the file describes"
        yield Row("head_node_type", "no type of node is the head's", f"one of {types}")
        return
    at = f"available_node_types.{head.name}.resources" if aws and head else "head_start_ray_commands"
    offered = _head_of_aws(found, head) if aws and head else _head_of_own(commands)
    for kind in ("CPU", "GPU"):
        if offered.get(kind, 1.0) > 0:
            flag = f"{kind}: 0" if aws else f"--num-{kind.lower()}s=0"
            yield Row(f"{at}.{kind}" if aws else at, "the head would train, and with it everything would end", flag)
    if not offered.get("driver"):
        right = "driver: 32" if aws else "--resources='{\"driver\": 32}'"
        problem = "nothing for drivers to take: they would take the CPUs of workers, or start on other nodes"
        yield Row(f"{at}.driver" if aws else at, problem, right)
    if re.search(r"--dashboard-host[= ]['\"]?(0\.0\.0\.0|::)", commands) or (aws and not commands):
        problem = "the head is unprotected: its dashboard runs anybody's code, and answers to the world" + (
            "" if commands else ", as Ray's own commands have it"
        )
        yield Row("head_start_ray_commands", problem, "--dashboard-host=127.0.0.1, and `ray dashboard FILE` to look at it")
    if "ray start" in commands and "--autoscaling-config" not in commands:
        yield Row("head_start_ray_commands", "no node would be started or ended", "--autoscaling-config=~/ray_bootstrap_config.yaml")


def _head_of_aws(found: ClusterFile, head: NodeType) -> dict[str, float]:
    """What the file says, and what Ray adds of the instance."""
    node = mapping(mapping(found.content.get("available_node_types")).get(head.name))
    instance = str(mapping(node.get("node_config")).get("InstanceType", ""))
    return {"CPU": 1.0, "GPU": 1.0 if _WITH_ACCELERATORS.match(instance) else 0.0} | dict(head.resources)


def _head_of_own(commands: str) -> dict[str, float]:
    """What the flags of ``ray start`` say; without them Ray counts."""
    counts = {kind: re.search(rf"--num-{kind.lower()}s[= ](\d+)", commands) for kind in ("CPU", "GPU")}
    named = {"driver": 1.0} if re.search(r"--resources\S*driver", commands) else {}
    return {kind: float(match[1]) if match else 1.0 for kind, match in counts.items()} | named


def _storage(found: ClusterFile) -> Iterator[Row]:
    path, at = str(found.storage_path or ""), "metadata.storage_path"
    right = "s3://..., or a folder all nodes mount, such as /nfs/..."
    fault = storage_fault(path)
    if not path:
        yield Row(at, "no shared storage path: results would stay on the machine that is ended next", right)
    elif fault:
        yield Row(at, fault, right)
    elif "://" in path:
        return
    elif not path.startswith("/") or any(PurePosixPath(path).is_relative_to(own) for own in _OWN_FOLDERS):
        yield Row(at, f"{path} is another folder on every node", right)
    elif found.kind == AWS and not _mounted(found.content, path):
        yield Row(at, f"{path} is another folder on every node: no command of the file mounts it", "s3://..., or mount it: EFS, FSx")


def _mounted(content: dict[str, Any], path: str) -> bool:
    """Whether a command, or a volume of the containers, names the path or a folder above it."""
    lines = [line for name, value in content.items() if name.endswith("commands") for line in listed(value)]
    lines += [line for name, value in mapping(content.get("docker")).items() if name.endswith("run_options") for line in listed(value)]
    above = [str(folder) for folder in (PurePosixPath(path), *PurePosixPath(path).parents) if str(folder) != "/"]
    return any(re.search(rf"(?<![\w/]){re.escape(folder)}(?![\w])", str(line)) for folder in above for line in lines)


def _token(content: dict[str, Any]) -> Iterator[Row]:
    """Both the mode and the file must reach every node."""
    options = " ".join(map(str, listed(mapping(content.get("docker")).get("run_options"))))
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        starts = [str(command) for command in listed(content.get(name)) if "ray start" in str(command)]
        closed = starts and all("RAY_AUTH_MODE=token" in command for command in starts)  # without any, Ray's own start it open
        if "RAY_AUTH_MODE=token" not in options and not closed:
            which = "the head is unprotected: whoever reaches it" if name.startswith("head") else "a node without the token"
            right = "-e RAY_AUTH_MODE=token among docker.run_options" if content.get("docker") else "RAY_AUTH_MODE=token ray start ..."
            yield Row(name, f"{which} runs code, or cannot join", right)
    if not any("auth_token" in str(target) for target in mapping(content.get("file_mounts"))):
        yield Row("file_mounts", "the token does not reach the nodes", "/home/ray/.ray/auth_token: ~/.ray/auth_token")


def _secrets(content: dict[str, Any]) -> Iterator[Row]:
    places = {"docker.run_options": listed(mapping(content.get("docker")).get("run_options"))}
    places |= {name: listed(value) for name, value in content.items() if name.endswith("commands")}
    for at, lines in places.items():
        for number, line in enumerate(lines):
            if _SECRET.search(str(line)):
                yield Row(
                    f"{at}[{number}]", "a secret in the file, and in every log of it", "a role (IamInstanceProfile), or a mounted file"
                )


def _idle(content: dict[str, Any]) -> Iterator[Row]:
    idle = content.get("idle_timeout_minutes")
    if not isinstance(idle, int | float) or not 0 < idle < _LONGEST_IDLE_MIN:
        said = "not said" if idle is None else f"{idle!r}"
        yield Row(
            "idle_timeout_minutes", f"{said}: machines that do nothing would go on costing", f"less than {_LONGEST_IDLE_MIN}, such as 10"
        )


def _results(content: dict[str, Any]) -> Iterator[Row]:
    for target in mapping(content.get("file_mounts")):
        if re.search(r"(^|/)(runs|results|storage|checkpoints)(/|$)", str(target)):
            problem = "file_mounts go from this machine to the cluster; nothing comes back"
            yield Row(f"file_mounts.{target}", problem, "metadata.storage_path, and `python -m raygroup.runs pull`")


def _versions(content: dict[str, Any]) -> Iterator[Row]:
    commands = " ".join(map(str, listed(content.get("setup_commands"))))
    ray = version("ray")
    pinned = re.search(r"\bray(?:\[[\w,]*\])?==(\d+\.\d+\.\d+)", commands)
    right = f"pip install ... 'ray[default,tune,train]=={ray}'"
    if not pinned:
        yield Row("setup_commands", f"nothing sees to it that the machines have Ray {ray}, as this one has", right)
    elif pinned[1] != ray:
        yield Row("setup_commands", f"Ray {pinned[1]}, but this machine has {ray}: they must be the same everywhere", right)
