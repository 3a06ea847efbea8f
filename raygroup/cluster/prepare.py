"""Prepare an AWS account for a cluster, with least privilege.

This creates a security group that is closed to the world, and two roles. Left alone, Ray would open
port 22 to everyone and let the head do all of EC2 and S3.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from raygroup.cluster.aws_resources import Account, ensure_role, ensure_security_group, ensure_spot_role, find_vpc
from raygroup.cluster.aws_rights import Owner, autoscaling_rights, storage_rights
from raygroup.config_sections import require
from raygroup.errors import ConfigError

_SHORTEST_PREFIX = {4: 8, 6: 32}
"""Version of IP -> prefix length below which a range counts as open to the world."""


@dataclass(frozen=True)
class Prepared:
    """The names and ids that a cluster file must contain."""

    cluster_name: str
    region: str
    security_group: str
    """Its id, or ``FUTURE_GROUP`` if a dry run did not create it."""
    head_profile: str
    worker_profile: str
    changes: tuple[str, ...]
    """Every change, or in a dry run every change that is needed."""


def prepare(
    cluster_name: str, region: str, ssh_from: Sequence[str], bucket: str, prefix: str, vpc: str | None = None, dry_run: bool = False
) -> Prepared:
    """Create or correct the security group, the roles and their instance profiles.

    A second call changes nothing. Afterwards only the address ranges ``ssh_from`` reach port 22,
    and nodes reach each other on every port. The roles may use the objects of ``bucket`` below
    ``prefix``. The head's may also start and end this cluster's workers. If ``vpc`` is None, it is
    the region's default network. Raises ConfigError if boto3 is missing, if a range is open to the
    world, or if AWS refuses.
    """
    ranges, prefix = [_address_range(text) for text in ssh_from], prefix.strip("/")
    require(bool(ranges), "--ssh-from", "", "at least one range of addresses, such as 203.0.113.7/32")
    _require_match("--name", cluster_name, r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}", "letters, digits, _, . and -, at most 50")
    _require_match("--bucket", bucket, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket alone, without s3://")
    _require_match("--prefix", prefix, r"[\w.=/ -]+", "a folder in the bucket, of letters, digits, _, ., =, - and /")
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise ConfigError("preparing a cluster on AWS needs boto3: pip install 'raygroup[aws]'") from error
    try:
        account = Account(boto3.session.Session(region_name=region), cluster_name, dry_run)
        group = ensure_security_group(account, find_vpc(account, vpc), ranges)
        storage = storage_rights(account.partition, bucket, prefix)
        worker = ensure_role(account, "worker", storage)
        owner = Owner(account.partition, account.region, account.number, cluster_name)
        head = ensure_role(account, "head", [*storage, *autoscaling_rights(owner, group, worker)])
        ensure_spot_role(account)
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(f"AWS in {region}: {error}") from error
    return Prepared(cluster_name, region, group, head, worker, tuple(account.changes))


def as_yaml(prepared: Prepared) -> str:
    """Return the lines for the cluster file. The changes stand above them as comments."""
    group = f"      SecurityGroupIds: [{prepared.security_group}]"
    lines = [
        *(f"# {change}" for change in prepared.changes or ("nothing had to change",)),
        f"cluster_name: {prepared.cluster_name}",
        "provider:",
        "  type: aws",
        f"  region: {prepared.region}",
        "available_node_types:",
        "  head:",
        "    node_config:",
        group,
        f"      IamInstanceProfile: {{Name: {prepared.head_profile}}}",
        "  worker:                 # the same for every type of workers",
        "    node_config:",
        group,
        f"      IamInstanceProfile: {{Name: {prepared.worker_profile}}}",
    ]
    return "\n".join(lines)


def _address_range(text: str) -> str:
    """Return the range as AWS writes it.

    Raises ConfigError if it cannot be read, is open to the world, or mixes a range and an address.
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError(f"--ssh-from {text}: it must be a range of addresses such as 203.0.113.7/32") from None
    if network.prefixlen < _SHORTEST_PREFIX[network.version]:
        raise ConfigError(f"--ssh-from {text}: that is open to the world; name your own addresses, such as 203.0.113.7/32")
    if "/" in text and ipaddress.ip_interface(text).ip != network.network_address:
        raise ConfigError(f"--ssh-from {text}: it must be {network} for the whole range, or {text.split('/')[0]} for the one address")
    return str(network)


def _require_match(flag: str, value: str, pattern: str, right: str) -> None:
    require(re.fullmatch(pattern, value) is not None, flag, value, right)
