"""Rules for the files of ``ray up``: AWS and own machines."""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from raygroup.runtime.cluster_file import AWS, ClusterFile, NodeType, listed, mapping
from raygroup.runtime.cluster_keys import ANY, Row, of_instances, of_ray_up, unknown_keys, wrong_resources

_INSTANCES = {
    "m6i.large": (2, 0), "m6i.xlarge": (4, 0), "m6i.2xlarge": (8, 0), "m6i.4xlarge": (16, 0), "m7i.large": (2, 0), "m7i.xlarge": (4, 0),
    "c6i.xlarge": (4, 0), "c6i.4xlarge": (16, 0), "g4dn.xlarge": (4, 1), "g4dn.2xlarge": (8, 1), "g4dn.12xlarge": (48, 4),
    "g5.xlarge": (4, 1), "g5.2xlarge": (8, 1), "g5.4xlarge": (16, 1), "g5.8xlarge": (32, 1), "g5.12xlarge": (48, 4),
    "g5.48xlarge": (192, 8),
    "g6.xlarge": (4, 1), "g6.2xlarge": (8, 1), "g6.12xlarge": (48, 4), "g6.48xlarge": (192, 8), "g6e.xlarge": (4, 1),
    "g6e.12xlarge": (48, 4),
    "p4d.24xlarge": (96, 8), "p5.48xlarge": (192, 8),
}  # fmt: skip
"""Instance type -> (vCPUs, GPUs), of AWS's own tables."""
_LONGEST_IDLE_MIN = 60
_SECRET = re.compile(r"(?:SECRET|PASSWORD|TOKEN|ACCESS_KEY)[A-Z_]*=(?!\s|\$|/|~)(?P<value>\S+)")
_NOT_SHARED = ("/tmp", "/home", "~", ".", "/root", "/var/tmp")


def rules(found: ClusterFile) -> Iterator[Row]:
    from raygroup.runtime.cluster_check import wrong_image

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
    if found.kind == AWS:
        yield from wrong_image(mapping(content.get("docker")).get("image"), "docker.image")
        if mapping(content["provider"]).get("cache_stopped_nodes", True) and any(node.spot for node in found.workers):
            yield Row("provider.cache_stopped_nodes", "spot machines cannot be stopped and started again", "false")
    else:
        yield from _versions(content)


def _schema(content: dict[str, Any]) -> Iterator[Row]:
    """What Ray itself says, of the place that it names."""
    from raygroup.runtime.ray_settings import accepted

    said = accepted(content)
    if said:
        yield Row(said[0], said[1], "what Ray's schema of cluster files asks for")


def _node(found: ClusterFile, node: NodeType) -> Iterator[Row]:
    at = f"available_node_types.{node.name}"
    content = mapping(mapping(found.content.get("available_node_types")).get(node.name))
    yield from wrong_resources(mapping(content.get("resources")), f"{at}.resources")
    fewest, most = content.get("min_workers", 0), content.get("max_workers", found.content.get("max_workers", 0))
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Row(f"{at}.min_workers", f"{fewest} is more than max_workers, {most}", f"at most {most}")
    if found.kind == AWS:
        yield from _instance(content, node, at)


def _instance(content: dict[str, Any], node: NodeType, at: str) -> Iterator[Row]:
    config, at = mapping(content.get("node_config")), f"{at}.node_config"
    allowed = of_instances()
    if allowed is not None:
        yield from unknown_keys(config, allowed | {"UserData": ANY}, at)
    name = str(config.get("InstanceType", ""))
    if name in _INSTANCES and not node.head:
        for kind, there in zip(("CPU", "GPU"), _INSTANCES[name], strict=True):
            if node.resources.get(kind, there) > there:
                resources = f"{at.removesuffix('.node_config')}.resources.{kind}"
                yield Row(resources, f"{node.resources[kind]:g}, but a {name} has {there}", f"{there}, or another InstanceType")
    image = str(config.get("ImageId", ""))
    if not re.fullmatch(r"ami-(?!0387d929287ab193e)[0-9a-f]{8,17}|resolve:ssm:\S+", image):
        problem = "no machine image: Ray would take one of 2018" if not image else f"{image!r} is a placeholder"
        yield Row(f"{at}.ImageId", problem, "a current one: ami-... of your region, or resolve:ssm:/aws/service/...")
    if not listed(config.get("SecurityGroupIds")):
        problem = "no security group: Ray would make one that opens port 22 to the world"
        yield Row(f"{at}.SecurityGroupIds", problem, "that of `python -m raygroup.cluster prepare`")
    if not config.get("IamInstanceProfile"):
        problem = "no role" + (
            ": Ray would make one with full rights to EC2 and S3" if node.head else ": it could not read the storage path"
        )
        yield Row(f"{at}.IamInstanceProfile", problem, "{Name: ...}, that of `python -m raygroup.cluster prepare`")
    disks = [mapping(mapping(disk).get("Ebs")) for disk in listed(config.get("BlockDeviceMappings"))]
    if not disks or not all(disk.get("Encrypted") for disk in disks):
        yield Row(f"{at}.BlockDeviceMappings", "a disk that is not encrypted", "Ebs: {VolumeSize: 150, VolumeType: gp3, Encrypted: true}")
    if mapping(config.get("MetadataOptions")).get("HttpTokens") != "required":
        problem = "the metadata service answers without a token, also to whoever makes a process fetch a page"
        yield Row(f"{at}.MetadataOptions.HttpTokens", problem, "required")


def _head(found: ClusterFile) -> Iterator[Row]:
    commands = " ".join(map(str, listed(found.content.get("head_start_ray_commands"))))
    head = next((node for node in found.node_types if node.head), None)
    at = f"available_node_types.{head.name}.resources" if head and found.kind == AWS else "head_start_ray_commands"
    resources = dict(head.resources) if head else {}
    if found.kind != AWS:
        counts = {kind: re.search(rf"--num-{kind.lower()}s[= ](\d+)", commands) for kind in ("CPU", "GPU")}
        resources = {kind: float(match[1]) if match else 1.0 for kind, match in counts.items()}
        resources |= {"driver": 1.0} if re.search(r"--resources\S*driver", commands) else {}
    for kind in ("CPU", "GPU"):
        if resources.get(kind, 1.0) > 0:
            flag = f"{kind}: 0" if found.kind == AWS else f"--num-{kind.lower()}s=0"
            yield Row(f"{at}.{kind}" if found.kind == AWS else at, "the head would train, and with it everything would end", flag)
    if not resources.get("driver"):
        right = "driver: 32" if found.kind == AWS else "--resources='{\"driver\": 32}'"
        problem = "nothing for drivers to take: they would take the CPUs of workers, or start on other nodes"
        yield Row(f"{at}.driver" if found.kind == AWS else at, problem, right)
    if re.search(r"--dashboard-host[= ](0\.0\.0\.0|::)", commands):
        problem = "the head is unprotected: its dashboard runs anybody's code, and answers to the world"
        yield Row("head_start_ray_commands", problem, "--dashboard-host=127.0.0.1, and `ray dashboard FILE` to look at it")
    if "ray start" in commands and "--autoscaling-config" not in commands:
        yield Row("head_start_ray_commands", "no node would be started or ended", "--autoscaling-config=~/ray_bootstrap_config.yaml")


def _storage(found: ClusterFile) -> Iterator[Row]:
    path, at = found.storage_path, "metadata.storage_path"
    if not path:
        yield Row(
            at, "no shared storage path: results would stay on the machine that is ended next", "s3://..., or a folder all nodes mount"
        )
    elif "://" not in str(path) and (not str(path).startswith("/") or str(path).startswith(_NOT_SHARED)):
        yield Row(at, f"{path} is another folder on every node", "s3://..., or a folder all nodes mount, such as /nfs/...")


def _token(content: dict[str, Any]) -> Iterator[Row]:
    """Both the mode and the file must reach every node."""
    options = " ".join(map(str, listed(mapping(content.get("docker")).get("run_options"))))
    for name in ("head_start_ray_commands", "worker_start_ray_commands"):
        starts = [str(command) for command in listed(content.get(name)) if "ray start" in str(command)]
        if "RAY_AUTH_MODE=token" not in options and not all("RAY_AUTH_MODE=token" in command for command in starts):
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
    if not isinstance(idle, int | float) or not 0 < idle <= _LONGEST_IDLE_MIN:
        said = "not said" if idle is None else f"{idle!r}"
        yield Row(
            "idle_timeout_minutes", f"{said}: machines that do nothing would go on costing", f"at most {_LONGEST_IDLE_MIN}, such as 10"
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
