"""Create or correct a cluster's security group and roles on AWS."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from raygroup.cluster.aws_rights import policy_document
from raygroup.errors import ConfigError

OWN_TAG = "raygroup-cluster"
"""The tag of everything that is created here. What has the name but not the tag is left alone."""
FUTURE_GROUP = "sg-to-be-made"
"""Stands for the id of a security group that a dry run does not create."""
_POLICY = "raygroup"
_SOURCE_KEYS = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "UserIdGroupPairs": "GroupId", "PrefixListIds": "PrefixListId"}
"""List of sources in the API -> the key of a source in it."""


@dataclass
class Account:
    """An AWS account, as the caller's credentials reach it."""

    session: Any
    cluster_name: str
    dry_run: bool
    changes: list[str] = field(default_factory=list)
    """Every change so far. In a dry run nothing was changed."""

    def __post_init__(self) -> None:
        self.ec2, self.iam = self.session.client("ec2"), self.session.client("iam")
        self.region: str = self.session.region_name
        identity = self.session.client("sts").get_caller_identity()
        self.number: str = identity["Account"]
        self.partition: str = identity["Arn"].split(":")[1]
        self.tags = [{"Key": OWN_TAG, "Value": self.cluster_name}]

    def change(self, description: str, request: Callable[[], Any]) -> Any:
        """Note a change and send its request. A dry run sends nothing and returns None."""
        self.changes.append(description)
        return None if self.dry_run else request()

    def require_tag(self, resource: str, tags: Sequence[dict[str, str]]) -> None:
        """Raise ConfigError if an existing resource does not have our tag."""
        if self.tags[0] not in tags:
            reason = f"there is already a {resource} without the tag {OWN_TAG}={self.cluster_name}"
            raise ConfigError(f"--name {self.cluster_name}: {reason}: take another name")


@dataclass(frozen=True)
class IngressRule:
    """The traffic that a security group lets in from one source."""

    protocol: str
    first_port: int
    last_port: int
    source_list: str
    """The list of the API that holds the source, such as ``IpRanges``."""
    source: str

    def __str__(self) -> str:
        traffic = "all traffic" if self.protocol == "-1" else f"{self.protocol} {self.first_port}-{self.last_port}"
        return f"{traffic} from {self.source}"

    def permission(self) -> dict[str, Any]:
        """Return the rule in the form that the API takes."""
        ports = {} if self.protocol == "-1" else {"FromPort": self.first_port, "ToPort": self.last_port}
        return {"IpProtocol": self.protocol, **ports, self.source_list: [{_SOURCE_KEYS[self.source_list]: self.source}]}


def find_vpc(account: Account, vpc: str | None) -> str:
    """Return the network's id. None stands for the region's default network."""
    if vpc:
        return str(account.ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["VpcId"])
    default = account.ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not default:
        raise ConfigError(f"--vpc: {account.region} has no default VPC, so name one")
    return str(default[0]["VpcId"])


def ensure_security_group(account: Account, vpc: str, ssh_ranges: Sequence[str]) -> str:
    """Create or correct the security group, and return its id.

    ssh is open to the ranges, and every port to the group's own nodes. Missing rules are added
    before others are removed, so that a running cluster is never cut off.
    """
    ec2, name = account.ec2, f"{account.cluster_name}-raygroup"
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": [name]}]
    groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    if groups:
        account.require_tag(f"security group {name}", groups[0].get("Tags", []))
        group, present = str(groups[0]["GroupId"]), set(_ingress_rules(groups[0]["IpPermissions"]))
    else:
        group, present = _create_security_group(account, vpc, name), set()
    wanted = {IngressRule("tcp", 22, 22, "Ipv6Ranges" if ":" in each else "IpRanges", each) for each in ssh_ranges}
    wanted.add(IngressRule("-1", -1, -1, "UserIdGroupPairs", group))
    for rule in sorted(wanted - present, key=str):
        added = [rule.permission()]
        account.change(f"allowed {rule}", lambda: ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=added))  # noqa: B023
    for rule in sorted(present - wanted, key=str):
        removed = [rule.permission()]
        account.change(f"no longer allowed {rule}", lambda: ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=removed))  # noqa: B023
    return group


def _create_security_group(account: Account, vpc: str, name: str) -> str:
    response = account.change(
        f"security group {name} in {vpc}",
        lambda: account.ec2.create_security_group(
            GroupName=name, VpcId=vpc,
            Description=f"Ray cluster {account.cluster_name}: ssh from stated addresses, all traffic among its nodes",
            TagSpecifications=[{"ResourceType": "security-group", "Tags": account.tags}],
        ),
    )  # fmt: skip
    return FUTURE_GROUP if response is None else str(response["GroupId"])


def _ingress_rules(permissions: Sequence[dict[str, Any]]) -> Iterator[IngressRule]:
    for permission in permissions:
        protocol = permission["IpProtocol"]
        all_ports = protocol == "-1"
        first, last = (-1, -1) if all_ports else (permission.get("FromPort", -1), permission.get("ToPort", -1))
        for source_list, key in _SOURCE_KEYS.items():
            yield from (IngressRule(protocol, first, last, source_list, source[key]) for source in permission.get(source_list, []))


def ensure_role(account: Account, kind: str, statements: Sequence[dict[str, Any]]) -> str:
    """Create or correct a role for EC2 instances with these rights.

    Do the same with its instance profile. Return their common name: the cluster's name and
    ``kind``.
    """
    iam, name = account.iam, f"{account.cluster_name}-{kind}"
    role = _get_or_none(lambda: iam.get_role(RoleName=name)["Role"])
    if role is None:
        trust = policy_document([{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}])
        account.change(
            f"role {name}", lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=account.tags)
        )  # fmt: skip
    else:
        account.require_tag(f"role {name}", role.get("Tags", []))
    policy = policy_document(statements)
    present = role and _get_or_none(lambda: iam.get_role_policy(RoleName=name, PolicyName=_POLICY)["PolicyDocument"])
    if present != policy:
        account.change(
            f"policy of role {name}",
            lambda: iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=json.dumps(policy)),
        )
    _ensure_instance_profile(account, name)
    return name


def _ensure_instance_profile(account: Account, name: str) -> None:
    iam = account.iam
    profile = _get_or_none(lambda: iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"])
    if profile is None:
        account.change(f"instance profile {name}", lambda: iam.create_instance_profile(InstanceProfileName=name, Tags=account.tags))
    else:
        account.require_tag(f"instance profile {name}", profile.get("Tags", []))
    if profile is None or not profile["Roles"]:
        account.change(
            f"role {name} in instance profile {name}", lambda: iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        )  # fmt: skip


def ensure_spot_role(account: Account) -> None:
    """Create the role with which EC2 starts spot instances.

    An account needs it once, and the head has no right to create it.
    """
    name, service = "AWSServiceRoleForEC2Spot", "spot.amazonaws.com"
    if not account.iam.list_roles(PathPrefix=f"/aws-service-role/{service}/")["Roles"]:
        account.change(f"EC2's own role {name}", lambda: account.iam.create_service_linked_role(AWSServiceName=service))


def _get_or_none(request: Callable[[], Any]) -> Any:
    """Return IAM's answer, or None if the entity does not exist."""
    from botocore.exceptions import ClientError

    try:
        return request()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return None
