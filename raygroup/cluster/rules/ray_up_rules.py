"""Rules for files of ``ray up``."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

from raygroup.cluster.rules.aws_rules import check_aws
from raygroup.cluster.rules.keys import check_keys, check_resources
from raygroup.cluster.rules.ray_up_head import check_head
from raygroup.cluster.rules.ray_up_keys import check_types, ray_up_keys
from raygroup.runtime.planning.clusters.cluster_file import AWS, ClusterFile, storage_path_error
from raygroup.runtime.planning.clusters.node_types import NodeType, as_list, as_mapping
from raygroup.runtime.planning.finding import Finding

_MAX_IDLE_MIN = 60
_SECRET = re.compile(r"(?:SECRET|PASSWORD|TOKEN|ACCESS_KEY)[A-Z_]*=(?!\s|\$|/|~)(?P<value>\S+)")
_LOCAL_FOLDERS = ("/tmp", "/home", "/root", "/var/tmp", "/dev/shm")
"""Each node has folders of its own by these names."""


def check_ray_up(cluster: ClusterFile) -> Iterator[Finding]:
    """Yield what is wrong with a file for ``ray up``."""
    content = cluster.content
    yield from check_keys(content, ray_up_keys())
    yield from _check_schema(content)
    for node in cluster.node_types:
        yield from _check_node(cluster, node)
    yield from check_head(cluster)
    yield from _check_storage(cluster)
    yield from _check_token(content)
    yield from _check_secrets(content)
    yield from _check_idle_timeout(content)
    yield from _check_results(content)
    yield from check_aws(cluster) if cluster.kind == AWS else _check_ray_version(content)


def _check_schema(content: dict[str, Any]) -> Iterator[Finding]:
    """Check a file against Ray's schema, and then with Ray's own code.

    Ray's code refuses some files that fit the schema. It stops at the first problem, so it runs
    only if the schema finds none.
    """
    from raygroup.runtime.on_ray.ray_up_schema import schema_error

    findings = list(check_types(content))
    yield from findings
    error = None if findings else schema_error(content)
    if error:
        place, reason = error
        yield Finding(place, reason, "a value that Ray's schema of cluster files allows")


def _check_node(cluster: ClusterFile, node: NodeType) -> Iterator[Finding]:
    at = f"available_node_types.{node.name}"
    content = as_mapping(as_mapping(cluster.content.get("available_node_types")).get(node.name))
    yield from check_resources(as_mapping(content.get("resources")), f"{at}.resources")
    fewest, most = content.get("min_workers", 0), content.get("max_workers", cluster.content.get("max_workers", 0))
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Finding(f"{at}.min_workers", f"{fewest} is more than max_workers ({most})", f"at most {most}")


def _check_storage(cluster: ClusterFile) -> Iterator[Finding]:
    path, at = str(cluster.storage_path or ""), "metadata.storage_path"
    right = "s3://..., or a folder all nodes mount, such as /nfs/..."
    fault = storage_path_error(path)
    if not path:
        yield Finding(at, "no shared storage path is given: results would be lost when their node is stopped", right)
    elif fault:
        yield Finding(at, fault, right)
    elif "://" in path:
        return
    elif not path.startswith("/") or any(PurePosixPath(path).is_relative_to(folder) for folder in _LOCAL_FOLDERS):
        yield Finding(at, f"{path} is a different folder on every node", right)
    elif cluster.kind == AWS and not _is_mounted(cluster.content, path):
        problem = f"{path} is a different folder on every node, because no command of the file mounts it"
        yield Finding(at, problem, "s3://..., or mount it: EFS, FSx")


def _is_mounted(content: dict[str, Any], path: str) -> bool:
    """Return True if the file mounts the path.

    A command or a container's volume must name it, or a folder above it.
    """
    lines = [line for name, value in content.items() if name.endswith("commands") for line in as_list(value)]
    lines += [line for name, value in as_mapping(content.get("docker")).items() if name.endswith("run_options") for line in as_list(value)]
    folders = [str(folder) for folder in (PurePosixPath(path), *PurePosixPath(path).parents) if str(folder) != "/"]
    return any(re.search(rf"(?<![\w/]){re.escape(folder)}(?![\w])", str(line)) for folder in folders for line in lines)


def _check_token(content: dict[str, Any]) -> Iterator[Finding]:
    """Check that every node gets the token mode and the token."""
    options = " ".join(map(str, as_list(as_mapping(content.get("docker")).get("run_options"))))
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        starts = [str(command) for command in as_list(content.get(name)) if "ray start" in str(command)]
        # A file without start commands gets Ray's own, which start it unprotected.
        protected = starts and all("RAY_AUTH_MODE=token" in command for command in starts)
        if "RAY_AUTH_MODE=token" not in options and not protected:
            on_head = name.startswith("head")
            problem = "the head is unprotected" if on_head else "workers do not use the token, so they are unprotected or cannot join"
            right = "-e RAY_AUTH_MODE=token among docker.run_options" if content.get("docker") else "RAY_AUTH_MODE=token ray start ..."
            yield Finding(name, f"{problem}: anyone who reaches it can run code" if on_head else problem, right)
    if not any("auth_token" in str(target) for target in as_mapping(content.get("file_mounts"))):
        yield Finding("file_mounts", "the token does not reach the nodes", "/home/ray/.ray/auth_token: ~/.ray/auth_token")


def _check_secrets(content: dict[str, Any]) -> Iterator[Finding]:
    places = {"docker.run_options": as_list(as_mapping(content.get("docker")).get("run_options"))}
    places |= {name: as_list(value) for name, value in content.items() if name.endswith("commands")}
    for at, lines in places.items():
        for number, line in enumerate(lines):
            if _SECRET.search(str(line)):
                problem = "the file contains a secret, and so does every log of this line"
                yield Finding(f"{at}[{number}]", problem, "a role (IamInstanceProfile), or a mounted file")


def _check_idle_timeout(content: dict[str, Any]) -> Iterator[Finding]:
    idle_min = content.get("idle_timeout_minutes")
    if not isinstance(idle_min, int | float) or not 0 < idle_min < _MAX_IDLE_MIN:
        problem = f"idle nodes would keep costing money: {'no timeout is set' if idle_min is None else f'the timeout is {idle_min!r}'}"
        yield Finding("idle_timeout_minutes", problem, f"less than {_MAX_IDLE_MIN}, such as 10")


def _check_results(content: dict[str, Any]) -> Iterator[Finding]:
    """Report mounts of result folders. Nothing comes back through them."""
    for target in as_mapping(content.get("file_mounts")):
        if re.search(r"(^|/)(runs|results|storage|checkpoints)(/|$)", str(target)):
            problem = "file_mounts copies from this machine to the cluster, and nothing comes back"
            yield Finding(f"file_mounts.{target}", problem, "metadata.storage_path, and `python -m raygroup.runs pull`")


def _check_ray_version(content: dict[str, Any]) -> Iterator[Finding]:
    """Check that the nodes install this machine's Ray. On AWS the image decides that instead."""
    commands = " ".join(map(str, as_list(content.get("setup_commands"))))
    ray = version("ray")
    pinned = re.search(r"\bray(?:\[[\w,]*\])?==(\d+\.\d+\.\d+)", commands)
    right = f"pip install ... 'ray[default,tune,train]=={ray}'"
    if not pinned:
        yield Finding("setup_commands", f"no command installs Ray {ray}, which this machine has", right)
    elif pinned[1] != ray:
        yield Finding("setup_commands", f"Ray {pinned[1]} is installed, but this machine has {ray}: they must match", right)
