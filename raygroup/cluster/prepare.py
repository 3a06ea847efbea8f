"""What a cluster on AWS needs before ``ray up``, made with least privilege: a security group that is closed to the world and two roles.
Ray's own would open port 22 to everyone and let the head do all of EC2 and S3."""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from raygroup.cluster.aws_rights import Owner, autoscaling_rights, document, storage_rights
from raygroup.config import require
from raygroup.errors import ConfigError

OWN_TAG = "raygroup-cluster"
"""On what is made here; what has the name and not the tag is somebody else's, and is left alone."""
TO_COME = "sg-to-be-made"
_WIDEST = {4: 8, 6: 32}
_POLICY = "raygroup"


@dataclass(frozen=True)
class Prepared:
    """What a cluster file must name."""

    cluster_name: str
    region: str
    security_group: str
    """Id; ``TO_COME`` where a dry run found none."""
    head_profile: str
    worker_profile: str
    changes: tuple[str, ...]
    """What was done, or with a dry run would be; empty where everything was there already."""


@dataclass(frozen=True)
class Rule:
    """One rule of what may come in, of one source alone."""

    protocol: str
    first_port: int
    last_port: int
    kind: str
    """Where the API lists such sources."""
    source: str

    def __str__(self) -> str:
        what = "all traffic" if self.protocol == "-1" else f"{self.protocol} {self.first_port}-{self.last_port}"
        return f"{what} from {self.source}"

    def permission(self) -> dict[str, Any]:
        """As the API takes it."""
        ports = {} if self.protocol == "-1" else {"FromPort": self.first_port, "ToPort": self.last_port}
        return {"IpProtocol": self.protocol, **ports, self.kind: [{_SOURCES[self.kind]: self.source}]}


_SOURCES = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "UserIdGroupPairs": "GroupId", "PrefixListIds": "PrefixListId"}


@dataclass
class _Account:
    """AWS, as the caller's credentials show it."""

    session: Any
    name: str
    """Of the cluster."""
    dry_run: bool
    changes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ec2, self.iam = self.session.client("ec2"), self.session.client("iam")
        self.region: str = self.session.region_name
        identity = self.session.client("sts").get_caller_identity()
        self.number: str = identity["Account"]
        self.partition: str = identity["Arn"].split(":")[1]
        self.tags = [{"Key": OWN_TAG, "Value": self.name}]

    def change(self, what: str, do: Callable[[], Any]) -> Any:
        """Notes a change, and makes it unless this is a dry run; what the API answers."""
        self.changes.append(what)
        return None if self.dry_run else do()


def prepare(
    cluster_name: str, region: str, ssh_from: Sequence[str], bucket: str, prefix: str, vpc: str | None = None, dry_run: bool = False
) -> Prepared:
    """Makes or corrects the security group, the roles and their instance profiles; a second call changes nothing.

    ``ssh_from``: address ranges that may reach port 22, and no others once this is done; nodes reach each other on every port. The roles
    may use the objects of ``bucket`` below ``prefix``; the head's may also start and end this cluster's workers. ``vpc``: the region's
    default one where it is None. Raises ConfigError where boto3 is missing, a range is open to the world, or AWS refuses.
    """
    ranges, prefix = [_range(text) for text in ssh_from], prefix.strip("/")
    require(bool(ranges), "--ssh-from", "", "at least one range of addresses, such as 203.0.113.7/32")
    _name("--name", cluster_name, r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}", "letters, digits, _, . and -, at most 50")
    _name("--bucket", bucket, r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket alone, without s3://")
    _name("--prefix", prefix, r"[\w.=/ -]+", "a folder in the bucket, of letters, digits, _, ., =, - and /")
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as error:
        raise ConfigError("preparing a cluster on AWS needs boto3: pip install 'raygroup[aws]'") from error
    try:
        account = _Account(boto3.session.Session(region_name=region), cluster_name, dry_run)
        group = _security_group(account, _vpc(account, vpc), ranges)
        storage = storage_rights(account.partition, bucket, prefix)
        worker = _role(account, "worker", storage)
        owner = Owner(account.partition, account.region, account.number, cluster_name)
        head = _role(account, "head", [*storage, *autoscaling_rights(owner, group, worker)])
        _spot_role(account)
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(f"AWS in {region}: {error}") from error
    return Prepared(cluster_name, region, group, head, worker, tuple(account.changes))


def as_yaml(prepared: Prepared) -> str:
    """The lines of a cluster file that name what was prepared, under what was changed as comments."""
    group = f"      SecurityGroupIds: [{prepared.security_group}]"
    lines = [
        *(f"# {change}" for change in prepared.changes or ("everything was there already",)),
        f"cluster_name: {prepared.cluster_name}",
        "provider:",
        "  type: aws",
        f"  region: {prepared.region}",
        "available_node_types:",
        "  head:",
        "    node_config:",
        group,
        f"      IamInstanceProfile: {{Name: {prepared.head_profile}}}",
        "  worker:                 # each type of workers, whatever its name",
        "    node_config:",
        group,
        f"      IamInstanceProfile: {{Name: {prepared.worker_profile}}}",
    ]
    return "\n".join(lines)


def _range(text: str) -> str:
    """The range as AWS writes it; refused where it is open to the world or cannot be read."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError(f"--ssh-from {text}: it must be a range of addresses such as 203.0.113.7/32") from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ConfigError(f"--ssh-from {text}: that is open to the world; name your own addresses, such as 203.0.113.7/32")
    if "/" in text and ipaddress.ip_interface(text).ip != network.network_address:
        raise ConfigError(f"--ssh-from {text}: it must be {network} for the whole range, or {text.split('/')[0]} for the one address")
    return str(network)


def _name(flag: str, value: str, pattern: str, right: str) -> None:
    require(re.fullmatch(pattern, value) is not None, flag, value, right)


def _vpc(account: _Account, given: str | None) -> str:
    if given:
        return str(account.ec2.describe_vpcs(VpcIds=[given])["Vpcs"][0]["VpcId"])
    default = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not default:
        raise ConfigError(f"--vpc: {account.region} has no default VPC, so name one")
    return str(default[0]["VpcId"])


def _security_group(account: _Account, vpc: str, ranges: Sequence[str]) -> str:
    """Its id. New rules come before old ones go, so that a cluster that runs is never cut off."""
    ec2, name = account.ec2, f"{account.name}-raygroup"
    named = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": [name]}]
    found = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    if found:
        _ours(account, f"security group {name}", found[0].get("Tags", []))
        group, there = str(found[0]["GroupId"]), set(_rules(found[0]["IpPermissions"]))
    else:
        tagged = [{"ResourceType": "security-group", "Tags": account.tags}]
        about = f"Ray cluster {account.name}: ssh from stated addresses, all traffic among its nodes"
        made = account.change(
            f"security group {name} in {vpc}",
            lambda: ec2.create_security_group(GroupName=name, Description=about, VpcId=vpc, TagSpecifications=tagged),
        )
        group, there = (TO_COME if made is None else str(made["GroupId"])), set()
    asked = {Rule("tcp", 22, 22, "Ipv6Ranges" if ":" in each else "IpRanges", each) for each in ranges}
    asked.add(Rule("-1", -1, -1, "UserIdGroupPairs", group))
    for rule in sorted(asked - there, key=str):
        allowed = [rule.permission()]
        account.change(f"allowed {rule}", lambda: ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=allowed))  # noqa: B023
    for rule in sorted(there - asked, key=str):
        revoked = [rule.permission()]
        account.change(f"no longer allowed {rule}", lambda: ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=revoked))  # noqa: B023
    return group


def _rules(permissions: Sequence[dict[str, Any]]) -> Iterator[Rule]:
    for each in permissions:
        protocol, all_ports = each["IpProtocol"], each["IpProtocol"] == "-1"
        first, last = (-1, -1) if all_ports else (each.get("FromPort", -1), each.get("ToPort", -1))
        for kind, key in _SOURCES.items():
            yield from (Rule(protocol, first, last, kind, source[key]) for source in each.get(kind, []))


def _role(account: _Account, kind: str, statements: Sequence[dict[str, Any]]) -> str:
    """A role of EC2 instances that may do this, and its instance profile; both have the name that comes back."""
    iam, name = account.iam, f"{account.name}-{kind}"
    role = _found(lambda: iam.get_role(RoleName=name)["Role"])
    if role is None:
        trust = document([{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}])
        account.change(
            f"role {name}", lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=account.tags)
        )  # fmt: skip
    else:
        _ours(account, f"role {name}", role.get("Tags", []))
    policy = document(statements)
    there = role and _found(lambda: iam.get_role_policy(RoleName=name, PolicyName=_POLICY)["PolicyDocument"])
    if there != policy:
        account.change(
            f"policy of role {name}",
            lambda: iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=json.dumps(policy)),
        )
    profile = _found(lambda: iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"])
    if profile is None:
        account.change(f"instance profile {name}", lambda: iam.create_instance_profile(InstanceProfileName=name, Tags=account.tags))
    else:
        _ours(account, f"instance profile {name}", profile.get("Tags", []))
    if profile is None or not profile["Roles"]:
        account.change(
            f"role {name} in instance profile {name}", lambda: iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        )  # fmt: skip
    return name


def _spot_role(account: _Account) -> None:
    """The role with which EC2 itself starts spot instances, once for an account: the head may not make it."""
    name, service = "AWSServiceRoleForEC2Spot", "spot.amazonaws.com"
    path = f"/aws-service-role/{service}/"
    if not account.iam.list_roles(PathPrefix=path)["Roles"]:
        account.change(f"EC2's own role {name}", lambda: account.iam.create_service_linked_role(AWSServiceName=service))


def _ours(account: _Account, what: str, tags: Sequence[dict[str, str]]) -> None:
    if account.tags[0] not in tags:
        raise ConfigError(f"--name {account.name}: there is a {what} without the tag {OWN_TAG}={account.name}: take another name")


def _found(ask: Callable[[], Any]) -> Any:
    """What IAM has, or None."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
