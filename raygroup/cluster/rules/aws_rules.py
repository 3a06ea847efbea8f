"""Rules for ``ray up`` on AWS: instances, their disks, roles and networks."""

import re
from collections.abc import Iterator
from typing import Any

from raygroup.cluster.rules.aws_keys import check_instance
from raygroup.cluster.rules.images import check_image
from raygroup.runtime.planning.clusters.cluster_file import ClusterFile
from raygroup.runtime.planning.clusters.node_types import NodeType, as_list, as_mapping
from raygroup.runtime.planning.finding import Finding

_INSTANCES = {
    "m6i.large": (2, 0), "m6i.xlarge": (4, 0), "m6i.2xlarge": (8, 0), "m6i.4xlarge": (16, 0), "m7i.large": (2, 0), "m7i.xlarge": (4, 0),
    "c6i.xlarge": (4, 0), "c6i.4xlarge": (16, 0), "g4dn.xlarge": (4, 1), "g4dn.2xlarge": (8, 1), "g4dn.12xlarge": (48, 4),
    "g5.xlarge": (4, 1), "g5.2xlarge": (8, 1), "g5.4xlarge": (16, 1), "g5.8xlarge": (32, 1), "g5.12xlarge": (48, 4),
    "g5.48xlarge": (192, 8),
    "g6.xlarge": (4, 1), "g6.2xlarge": (8, 1), "g6.12xlarge": (48, 4), "g6.48xlarge": (192, 8), "g6e.xlarge": (4, 1),
    "g6e.12xlarge": (48, 4),
    "p4d.24xlarge": (96, 8), "p5.48xlarge": (192, 8),
}  # fmt: skip
"""Instance type -> (vCPUs, GPUs), from AWS's own tables."""
_PREPARE = "`python -m raygroup.cluster prepare`"
_FROM_PREPARE = f"the one that {_PREPARE} makes"
_EVERYWHERE = ("0.0.0.0/0", "::/0")


def check_aws(cluster: ClusterFile) -> Iterator[Finding]:
    """Yield what is wrong with images, provider and nodes."""
    yield from _check_images(cluster)
    yield from _check_provider(cluster)
    for node in cluster.node_types:
        yield from _check_node(cluster, node)


def _check_images(cluster: ClusterFile) -> Iterator[Finding]:
    """Check every image.

    A file can have one for all nodes, for the head, for workers, and for a node type.
    """
    docker = as_mapping(cluster.content.get("docker"))
    images = [(f"docker.{name}", docker[name]) for name in ("image", "head_image", "worker_image") if docker.get(name)]
    for name, node in as_mapping(cluster.content.get("available_node_types")).items():
        image = as_mapping(as_mapping(node).get("docker")).get("worker_image")
        images += [(f"available_node_types.{name}.docker.worker_image", image)] if image else []
    for at, image in images or [("docker.image", None)]:
        yield from check_image(image, at)


def _check_provider(cluster: ClusterFile) -> Iterator[Finding]:
    provider = as_mapping(cluster.content["provider"])
    region = str(provider.get("region") or "")
    if not region:
        yield Finding("provider.region", "no region is given", f"the region that you gave to {_PREPARE}, such as us-west-2")
    zones = [zone.strip() for zone in str(provider.get("availability_zone") or "").split(",") if zone.strip()]
    for zone in zones:
        if region and not zone.startswith(region):
            problem = f"{zone} is not a zone of {region}, so no node could start"
            yield Finding("provider.availability_zone", problem, f"{region}a,{region}b")
    if provider.get("cache_stopped_nodes", True) and any(node.spot for node in cluster.workers):
        yield Finding("provider.cache_stopped_nodes", "spot instances cannot be stopped and started again", "false")
    if provider.get("aws_credentials"):
        problem = "the file contains a secret, and Ray copies it to the head"
        yield Finding("provider.aws_credentials", problem, "a role (IamInstanceProfile)")
    permissions = as_list(as_mapping(provider.get("security_group")).get("IpPermissions"))
    for number, permission in enumerate(map(as_mapping, permissions)):
        if _is_open_to_the_world(permission):
            at = f"provider.security_group.IpPermissions[{number}]"
            right = "your own addresses: `python -m raygroup.cluster prepare --ssh-from ...`"
            yield Finding(at, "the port is open to the world", right)


def _is_open_to_the_world(permission: dict[str, Any]) -> bool:
    sources = [as_mapping(source).get("CidrIp", as_mapping(source).get("CidrIpv6"))
               for kind in ("IpRanges", "Ipv6Ranges") for source in as_list(permission.get(kind))]  # fmt: skip
    return any(source in _EVERYWHERE for source in sources)


def _check_node(cluster: ClusterFile, node: NodeType) -> Iterator[Finding]:
    content = as_mapping(as_mapping(cluster.content.get("available_node_types")).get(node.name))
    at, config = f"available_node_types.{node.name}.node_config", as_mapping(content.get("node_config"))
    yield from check_instance(config, at)
    if not config.get("InstanceType"):
        yield Finding(f"{at}.InstanceType", "no instance type is given", "m6i.large for a head, g5.xlarge for one GPU")
    yield from _check_counts(node, str(config.get("InstanceType", "")))
    yield from _check_machine_image(config, at)
    yield from _check_rights(config, node, at)
    if node.head and node.spot:
        problem = "AWS can take a spot instance back, and the cluster ends with its head"
        yield Finding(f"{at}.InstanceMarketOptions", problem, "leave it out: the head must be on demand")
    if as_mapping(cluster.content.get("auth")).get("ssh_private_key") and not (config.get("KeyName") or config.get("UserData")):
        problem = "auth.ssh_private_key names a key of yours, and the instance would not know it"
        yield Finding(f"{at}.KeyName", problem, "the name of this key in EC2")
    disks = [as_mapping(as_mapping(disk).get("Ebs")) for disk in as_list(config.get("BlockDeviceMappings"))]
    if not disks or not all(disk.get("Encrypted") for disk in disks):
        yield Finding(f"{at}.BlockDeviceMappings", "a disk is not encrypted", "Ebs: {VolumeSize: 150, VolumeType: gp3, Encrypted: true}")
    if as_mapping(config.get("MetadataOptions")).get("HttpTokens") != "required":
        problem = "the metadata service answers without a token, even if somebody tricks a process into fetching one of its pages"
        yield Finding(f"{at}.MetadataOptions.HttpTokens", problem, "required")


def _check_counts(node: NodeType, instance: str) -> Iterator[Finding]:
    """Check that a worker declares no more than it has. The head declares less on purpose."""
    if node.head or instance not in _INSTANCES:
        return
    for kind, available in zip(("CPU", "GPU"), _INSTANCES[instance], strict=True):
        if node.resources.get(kind, available) > available:
            problem = f"{node.resources[kind]:g}, but {instance} has only {available}"
            yield Finding(f"available_node_types.{node.name}.resources.{kind}", problem, f"{available}, or another InstanceType")


def _check_machine_image(config: dict[str, Any], at: str) -> Iterator[Finding]:
    image = str(config.get("ImageId", ""))
    if not re.fullmatch(r"ami-(?!0387d929287ab193e)[0-9a-f]{8,17}|resolve:ssm:\S+", image):
        problem = f"{image!r} is a placeholder" if image else "no machine image is given, so Ray would use one of 2018"
        yield Finding(f"{at}.ImageId", problem, "a current one: ami-... of your region, or resolve:ssm:/aws/service/...")


def _check_rights(config: dict[str, Any], node: NodeType, at: str) -> Iterator[Finding]:
    interfaces = [as_mapping(interface) for interface in as_list(config.get("NetworkInterfaces"))]
    grouped_interfaces = interfaces and all(as_list(interface.get("Groups")) for interface in interfaces)
    if not as_list(config.get("SecurityGroupIds")) and not grouped_interfaces:
        problem = "no security group is given, so Ray would make one that opens port 22 to the world"
        yield Finding(f"{at}.SecurityGroupIds", problem, _FROM_PREPARE)
    if not config.get("IamInstanceProfile"):
        effect = "Ray would make one with full rights to EC2 and S3" if node.head else "the node could not read the storage path"
        yield Finding(f"{at}.IamInstanceProfile", f"no role is given: {effect}", "{Name: ...}, " + _FROM_PREPARE)
