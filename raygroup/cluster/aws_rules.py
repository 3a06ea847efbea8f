"""Rules for files of ``ray up`` on AWS alone: instances, their disks, roles and networks."""

import re
from collections.abc import Iterator
from typing import Any

from raygroup.cluster.images import wrong_image
from raygroup.cluster.keys import Row, wrong_instance
from raygroup.runtime.planning.cluster_file import ClusterFile, NodeType, listed, mapping

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
_PREPARED = "that of `python -m raygroup.cluster prepare`"
_ANYWHERE = ("0.0.0.0/0", "::/0")


def rules(found: ClusterFile) -> Iterator[Row]:
    yield from _images(found)
    yield from _provider(found)
    for node in found.node_types:
        yield from _node(found, node)


def _images(found: ClusterFile) -> Iterator[Row]:
    """An image of all nodes, or one of the head and one of workers, which a type of node may have for itself."""
    docker = mapping(found.content.get("docker"))
    named = [(f"docker.{name}", docker[name]) for name in ("image", "head_image", "worker_image") if docker.get(name)]
    for name, node in mapping(found.content.get("available_node_types")).items():
        own = mapping(mapping(node).get("docker")).get("worker_image")
        named += [(f"available_node_types.{name}.docker.worker_image", own)] if own else []
    for at, image in named or [("docker.image", None)]:
        yield from wrong_image(image, at)


def _provider(found: ClusterFile) -> Iterator[Row]:
    provider = mapping(found.content["provider"])
    region = str(provider.get("region") or "")
    if not region:
        yield Row("provider.region", "no region", "that of `python -m raygroup.cluster prepare`, such as us-west-2")
    zones = [zone.strip() for zone in str(provider.get("availability_zone") or "").split(",") if zone.strip()]
    for zone in zones:
        if region and not zone.startswith(region):
            yield Row("provider.availability_zone", f"{zone} is no zone of {region}: no node could be started", f"{region}a,{region}b")
    if provider.get("cache_stopped_nodes", True) and any(node.spot for node in found.workers):
        yield Row("provider.cache_stopped_nodes", "spot machines cannot be stopped and started again", "false")
    if provider.get("aws_credentials"):
        yield Row("provider.aws_credentials", "a secret in the file, which Ray copies to the head", "a role (IamInstanceProfile)")
    rules_in = listed(mapping(provider.get("security_group")).get("IpPermissions"))
    for number, permission in enumerate(map(mapping, rules_in)):
        if _open_to_the_world(permission):
            at = f"provider.security_group.IpPermissions[{number}]"
            yield Row(at, "open to the world", "your own addresses: `python -m raygroup.cluster prepare --ssh-from ...`")


def _open_to_the_world(permission: dict[str, Any]) -> bool:
    sources = [mapping(one).get("CidrIp", mapping(one).get("CidrIpv6")) for kind in ("IpRanges", "Ipv6Ranges")
               for one in listed(permission.get(kind))]  # fmt: skip
    return any(source in _ANYWHERE for source in sources)


def _node(found: ClusterFile, node: NodeType) -> Iterator[Row]:
    content = mapping(mapping(found.content.get("available_node_types")).get(node.name))
    at, config = f"available_node_types.{node.name}.node_config", mapping(content.get("node_config"))
    yield from wrong_instance(config, at)
    if not config.get("InstanceType"):
        yield Row(f"{at}.InstanceType", "no type of machine", "m6i.large for a head, g5.xlarge for one GPU")
    yield from _counts(node, str(config.get("InstanceType", "")))
    yield from _image(config, at)
    yield from _rights(config, node, at)
    if node.head and node.spot:
        yield Row(f"{at}.InstanceMarketOptions", "a head that AWS takes back, and with it the cluster", "leave it out: on demand")
    if mapping(found.content.get("auth")).get("ssh_private_key") and not (config.get("KeyName") or config.get("UserData")):
        yield Row(f"{at}.KeyName", "auth names a key of yours, which the instance would not know", "the name of this key in EC2")
    disks = [mapping(mapping(disk).get("Ebs")) for disk in listed(config.get("BlockDeviceMappings"))]
    if not disks or not all(disk.get("Encrypted") for disk in disks):
        yield Row(f"{at}.BlockDeviceMappings", "a disk that is not encrypted", "Ebs: {VolumeSize: 150, VolumeType: gp3, Encrypted: true}")
    if mapping(config.get("MetadataOptions")).get("HttpTokens") != "required":
        problem = "the metadata service answers without a token, also to whoever makes a process fetch a page"
        yield Row(f"{at}.MetadataOptions.HttpTokens", problem, "required")


def _counts(node: NodeType, instance: str) -> Iterator[Row]:
    """The head of a file offers less than it has, so that nothing trains there."""
    if node.head or instance not in _INSTANCES:
        return
    for kind, there in zip(("CPU", "GPU"), _INSTANCES[instance], strict=True):
        if node.resources.get(kind, there) > there:
            problem = f"{node.resources[kind]:g}, but a {instance} has {there}"
            yield Row(f"available_node_types.{node.name}.resources.{kind}", problem, f"{there}, or another InstanceType")


def _image(config: dict[str, Any], at: str) -> Iterator[Row]:
    image = str(config.get("ImageId", ""))
    if not re.fullmatch(r"ami-(?!0387d929287ab193e)[0-9a-f]{8,17}|resolve:ssm:\S+", image):
        problem = "no machine image: Ray would take one of 2018" if not image else f"{image!r} is a placeholder"
        yield Row(f"{at}.ImageId", problem, "a current one: ami-... of your region, or resolve:ssm:/aws/service/...")


def _rights(config: dict[str, Any], node: NodeType, at: str) -> Iterator[Row]:
    interfaces = [mapping(one) for one in listed(config.get("NetworkInterfaces"))]
    if not listed(config.get("SecurityGroupIds")) and not (interfaces and all(listed(one.get("Groups")) for one in interfaces)):
        problem = "no security group: Ray would make one that opens port 22 to the world"
        yield Row(f"{at}.SecurityGroupIds", problem, _PREPARED)
    if not config.get("IamInstanceProfile"):
        without = "Ray would make one with full rights to EC2 and S3" if node.head else "it could not read the storage path"
        yield Row(f"{at}.IamInstanceProfile", f"no role: {without}", "{Name: ...}, " + _PREPARED)
