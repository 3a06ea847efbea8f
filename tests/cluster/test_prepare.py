"""Preparing AWS for a cluster, on moto."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from raygroup.cluster import __main__ as cluster
from raygroup.cluster.aws_resources import FUTURE_GROUP, OWN_TAG
from raygroup.cluster.prepare import Prepared, as_yaml, prepare
from raygroup.errors import ConfigError

boto3 = pytest.importorskip("boto3", reason="needs the extra raygroup[aws]")
moto = pytest.importorskip("moto", reason="needs the extra raygroup[dev]")

pytestmark = pytest.mark.slow

REGION, OFFICE, HOME = "us-west-2", "203.0.113.0/24", "198.51.100.7/32"
ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with moto.mock_aws():
        yield


def prepare_lab(ssh_from: tuple[str, ...] = (OFFICE,), **more: Any) -> Prepared:
    return prepare("lab", REGION, ssh_from, **{"bucket": "our-bucket", "prefix": "raygroup"} | more)


def groups() -> list[dict[str, Any]]:
    """Return the security groups, except the default ones."""
    described = boto3.client("ec2", REGION).describe_security_groups()["SecurityGroups"]
    return [group for group in described if group["GroupName"] != "default"]


def incoming(group: str) -> set[tuple[Any, ...]]:
    """Return (protocol, first port, last port, source) of each rule."""
    described = boto3.client("ec2", REGION).describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return {
        (each["IpProtocol"], each.get("FromPort"), each.get("ToPort"), source)
        for each in described["IpPermissions"]
        for source in [
            *(one["CidrIp"] for one in each["IpRanges"]),
            *(one["CidrIpv6"] for one in each["Ipv6Ranges"]),
            *(one["GroupId"] for one in each["UserIdGroupPairs"]),
        ]
    }


def policies(role: str) -> list[dict[str, Any]]:
    """Return the statements of a role's inline policies. It must have no other policies."""
    iam = boto3.client("iam")
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    return [one for name in names for one in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]]


def allowed(role: str, action: str) -> list[dict[str, Any]]:
    return [one for one in policies(role) if action in one["Action"]]


def test_only_the_stated_addresses_may_use_ssh_and_nodes_reach_each_other():
    prepared = prepare_lab((OFFICE, HOME, "2001:db8:7::/48"))
    group = prepared.security_group
    ssh = {("tcp", 22, 22, source) for source in (OFFICE, HOME, "2001:db8:7::/48")}
    assert incoming(group) == ssh | {("-1", None, None, group)}
    assert [each["GroupId"] for each in groups()] == [group]


def test_one_address_is_a_range():
    assert ("tcp", 22, 22, HOME) in incoming(prepare_lab(("198.51.100.7",)).security_group)


def test_a_second_time_nothing_changes():
    first, second = prepare_lab(), prepare_lab()
    assert first.changes
    assert second == Prepared("lab", REGION, first.security_group, "lab-head", "lab-worker", ())
    assert len(groups()) == 1


def test_other_addresses_replace_those_of_before():
    group = prepare_lab((OFFICE, HOME)).security_group
    changes = prepare_lab((HOME, "192.0.2.0/28")).changes
    assert changes == ("allowed tcp 22-22 from 192.0.2.0/28", f"no longer allowed tcp 22-22 from {OFFICE}")
    assert incoming(group) == {("tcp", 22, 22, HOME), ("tcp", 22, 22, "192.0.2.0/28"), ("-1", None, None, group)}


def test_ports_that_somebody_opened_by_hand_are_closed_again():
    group = prepare_lab().security_group
    world = [{"CidrIp": "0.0.0.0/0"}]
    opened = [{"IpProtocol": "tcp", "FromPort": 8265, "ToPort": 8265, "IpRanges": world}, {"IpProtocol": "-1", "IpRanges": world}]
    boto3.client("ec2", REGION).authorize_security_group_ingress(GroupId=group, IpPermissions=opened)
    assert len(prepare_lab().changes) == 2
    assert incoming(group) == {("tcp", 22, 22, OFFICE), ("-1", None, None, group)}


def test_a_dry_run_lists_the_same_changes_and_makes_none():
    dry = prepare_lab(dry_run=True)
    assert dry.security_group == FUTURE_GROUP
    assert groups() == []
    iam = boto3.client("iam")
    assert iam.list_roles()["Roles"] == iam.list_instance_profiles()["InstanceProfiles"] == []
    done = prepare_lab()
    assert done.changes == tuple(change.replace(FUTURE_GROUP, done.security_group) for change in dry.changes)


def test_a_dry_run_on_an_existing_group_closes_nothing():
    group = prepare_lab((OFFICE, HOME)).security_group
    assert prepare_lab((OFFICE,), dry_run=True).changes == (f"no longer allowed tcp 22-22 from {HOME}",)
    assert ("tcp", 22, 22, HOME) in incoming(group)


@pytest.mark.parametrize("wide", ["0.0.0.0/0", "::/0", "64.0.0.0/7", "2000::/3", "0.0.0.0/1"])
def test_ranges_that_are_open_to_the_world_are_refused(wide: str):
    with pytest.raises(ConfigError, match=f"--ssh-from {wide}: that is open to the world"):
        prepare_lab((OFFICE, wide))
    assert groups() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ssh_from": ("office",)}, "--ssh-from office: it must be a range of addresses"),
        ({"ssh_from": ()}, "--ssh-from is '': it must be at least one range"),
        ({"ssh_from": ("203.0.113.7/24",)}, "it must be 203.0.113.0/24 for the whole range, or 203.0.113.7 for the one address"),
        ({"bucket": "s3://our-bucket"}, "--bucket is 's3://our-bucket': it must be the name of a bucket alone"),
        ({"prefix": "*"}, r"--prefix is '\*': it must be a folder"),
        ({"prefix": "/"}, "--prefix is '': it must be a folder"),
        ({"vpc": "vpc-00000000"}, "AWS in us-west-2: .*vpc-00000000"),
    ],
)
def test_a_wrong_setting_is_one_line(settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message) as raised:
        prepare_lab(**settings)
    assert "\n" not in str(raised.value)


def test_without_a_default_network_one_must_be_named():
    ec2 = boto3.client("ec2", REGION)
    network = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    default = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]["VpcId"]
    for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default]}])["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=default)
    with pytest.raises(ConfigError, match="--vpc: us-west-2 has no default VPC"):
        prepare_lab()
    assert prepare_lab(vpc=network).security_group == groups()[0]["GroupId"]
    assert groups()[0]["VpcId"] == network


def test_a_role_of_that_name_that_is_not_ours_is_left_alone():
    iam = boto3.client("iam")
    iam.create_role(RoleName="lab-worker", AssumeRolePolicyDocument="{}")
    with pytest.raises(ConfigError, match=f"there is already a role lab-worker without the tag {OWN_TAG}=lab: take another name"):
        prepare_lab()
    assert iam.list_role_policies(RoleName="lab-worker")["PolicyNames"] == []


def test_workers_may_use_the_objects_below_the_prefix_and_nothing_else():
    prepare_lab(prefix="/team/sweeps/")
    bucket = "arn:aws:s3:::our-bucket"
    assert {action.split(":")[0] for one in policies("lab-worker") for action in one["Action"]} == {"s3"}
    assert {one["Sid"]: one["Resource"] for one in policies("lab-worker")} == {
        "Objects": f"{bucket}/team/sweeps/*", "Listing": bucket, "Region": bucket,
    }  # fmt: skip
    (objects,) = allowed("lab-worker", "s3:PutObject")
    assert {"s3:GetObject", "s3:DeleteObject"} < set(objects["Action"])
    (listing,) = allowed("lab-worker", "s3:ListBucket")
    assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": ["team/sweeps", "team/sweeps/*"]}}


def test_the_head_starts_tags_and_ends_instances_of_its_own_cluster_alone():
    group = prepare_lab().security_group
    instances = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/*"
    has_tag, gets_tag = {"aws:ResourceTag/ray-cluster-name": "lab"}, {"aws:RequestTag/ray-cluster-name": "lab"}
    (end,) = allowed("lab-head", "ec2:TerminateInstances")
    assert (end["Resource"], end["Condition"]) == (instances, {"StringEquals": has_tag})
    start, beside = allowed("lab-head", "ec2:RunInstances")
    assert (start["Resource"], start["Condition"]) == (instances, {"StringEquals": gets_tag})
    assert [each for each in beside["Resource"] if ":security-group/" in each] == [f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{group}"]
    assert not [each for each in beside["Resource"] if ":instance/" in each or each.endswith(":*")]
    tagging = allowed("lab-head", "ec2:CreateTags")
    assert [(each["Resource"], each["Condition"]["StringEquals"]) for each in tagging] == [
        (instances, {"ec2:CreateAction": "RunInstances"} | gets_tag), (instances, has_tag),
    ]  # fmt: skip


def test_the_head_gives_workers_their_role_and_no_other():
    prepare_lab()
    (give,) = allowed("lab-head", "iam:PassRole")
    assert give["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/lab-worker"
    assert give["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    actions = {action for one in policies("lab-head") for action in one["Action"]}
    assert {action for action in actions if "*" in action} == {"ec2:Describe*"}
    assert {action for action in actions if action.startswith("iam:")} == {"iam:PassRole"}
    assert [one["Sid"] for one in policies("lab-head") if one["Resource"] == "*"] == ["Look"]


def test_each_profile_has_its_role_which_only_instances_can_assume():
    prepared = prepare_lab()
    for name in (prepared.head_profile, prepared.worker_profile):
        (role,) = boto3.client("iam").get_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Roles"]
        assert role["RoleName"] == name
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"Service": "ec2.amazonaws.com"})


def test_another_prefix_changes_the_policies_and_a_policy_changed_by_hand_is_put_back():
    prepare_lab()
    assert prepare_lab(prefix="other").changes == ("policy of role lab-worker", "policy of role lab-head")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boto3.client("iam").put_role_policy(RoleName="lab-worker", PolicyName="raygroup", PolicyDocument=json.dumps(everything))
    assert prepare_lab(prefix="other").changes == ("policy of role lab-worker",)
    assert policies("lab-worker")[0]["Resource"] == "arn:aws:s3:::our-bucket/other/*"


def test_two_clusters_have_separate_groups_and_roles():
    prepared = prepare_lab()
    other = prepare("second", REGION, [HOME], bucket="our-bucket", prefix="raygroup")
    assert other.security_group != prepared.security_group
    assert other.head_profile == "second-head"
    assert incoming(prepared.security_group) == {("tcp", 22, 22, OFFICE), ("-1", None, None, prepared.security_group)}


def test_the_lines_for_the_cluster_file_are_yaml_with_the_ids():
    prepared = prepare_lab()
    lines = yaml.safe_load(as_yaml(prepared))
    types = lines["available_node_types"]
    assert {each["node_config"]["SecurityGroupIds"][0] for each in types.values()} == {prepared.security_group}
    assert types["head"]["node_config"]["IamInstanceProfile"] == {"Name": "lab-head"}
    assert types["worker"]["node_config"]["IamInstanceProfile"] == {"Name": "lab-worker"}
    assert "# nothing had to change" in as_yaml(prepare_lab())


def test_the_command_prints_these_lines_and_refuses_open_ranges(capsys: pytest.CaptureFixture[str]):
    command = ["prepare", "--name", "lab", "--bucket", "our-bucket", "--ssh-from"]
    assert cluster.main([*command, OFFICE]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["cluster_name"] == "lab"
    assert cluster.main([*command, "0.0.0.0/0"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_programs_get_ids_names_and_changes(capsys: pytest.CaptureFixture[str]):
    assert cluster.main(["prepare", "--name", "lab", "--bucket", "our-bucket", "--ssh-from", OFFICE, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["security_group"], values["worker_profile"]) == (groups()[0]["GroupId"], "lab-worker")
    assert f"allowed tcp 22-22 from {OFFICE}" in values["changes"]


def test_without_boto3_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ConfigError, match=r"pip install 'raygroup\[aws\]'"):
        prepare_lab()
