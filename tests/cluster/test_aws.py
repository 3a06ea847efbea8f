"""The cluster file for AWS, through Ray's own code and moto: what would be started is started, on a cloud of this process."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from raygroup.cluster.prepare import prepare
from raygroup.runtime.on_ray.settings import ENVIRONMENT

boto3 = pytest.importorskip("boto3", reason="needs the extra raygroup[aws]")
moto = pytest.importorskip("moto", reason="needs the extra raygroup[dev]")

FILE = Path(__file__).parents[2] / "cluster" / "config.yaml"
WORKERS = {"gpu_spot": "spot", "gpu_ondemand": None}
"""Type of node -> its life cycle, as EC2 tells it."""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """AWS as moto has it, in the file's region, seen from a home folder of these tests' own: Ray writes keys there."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text("of this test")
    region = str(yaml.safe_load(FILE.read_text())["provider"]["region"])
    with pytest.MonkeyPatch.context() as patch, moto.mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        for name, value in (ENVIRONMENT | {"HOME": str(home), "AWS_DEFAULT_REGION": region}).items():
            patch.setenv(name, value)
        _forget_clients()
        _without_waiting(patch)
        yield region
    _forget_clients()


@pytest.fixture(scope="module")
def bootstrapped(region: str) -> dict[str, Any]:
    """The file with the security group and the roles of ``raygroup.cluster.__main__ prepare``, as ``ray up`` hands it to the head."""
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler._private.util import prepare_config, validate_config

    content = yaml.safe_load(FILE.read_text())
    made = prepare(content["cluster_name"], region, ["203.0.113.0/24"], bucket="our-bucket", prefix="raygroup")
    for name, node_type in content["available_node_types"].items():
        profile = made.head_profile if name == content["head_node_type"] else made.worker_profile
        assert node_type["node_config"]["IamInstanceProfile"] == {"Name": profile}
        node_type["node_config"]["SecurityGroupIds"] = [made.security_group]
    config = AWSNodeProvider.fillout_available_node_types_resources(prepare_config(content))
    validate_config(config)
    return dict(AWSNodeProvider.bootstrap_config(config))


def started(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """The instance that Ray's node provider starts for a type of node, as EC2 describes it."""
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

    tags = {
        "ray-node-type": kind,
        "ray-user-node-type": name,
        "ray-node-status": "uninitialized",
        "ray-cluster-name": config["cluster_name"],
    }
    node_config = copy.deepcopy(config["available_node_types"][name]["node_config"])
    if kind == "head":
        node_config |= config.get("head_node", {})
    created = AWSNodeProvider(config["provider"], config["cluster_name"]).create_node(node_config, tags, 1)
    (instance,) = boto3.client("ec2").describe_instances(InstanceIds=list(created))["Reservations"][0]["Instances"]
    return dict(instance)


def groups() -> dict[str, str]:
    """Name -> id of the security groups that somebody made."""
    found = boto3.client("ec2").describe_security_groups()["SecurityGroups"]
    return {group["GroupName"]: group["GroupId"] for group in found if group["GroupName"] != "default"}


def test_the_head_is_on_demand_and_trains_nothing(bootstrapped: dict[str, Any]):
    instance = started(bootstrapped, "head", "head")
    assert "InstanceLifecycle" not in instance
    assert instance["InstanceType"].startswith("m")
    assert instance["IamInstanceProfile"]["Arn"].endswith("/raygroup-head")
    resources = bootstrapped["available_node_types"]["head"]["resources"]
    assert (resources["CPU"], resources["GPU"]) == (0, 0)
    assert resources["driver"] > 0


@pytest.mark.parametrize(("name", "lifecycle"), WORKERS.items())
def test_workers_are_of_the_life_cycle_that_their_type_says(bootstrapped: dict[str, Any], name: str, lifecycle: str | None):
    instance = started(bootstrapped, "worker", name)
    assert instance.get("InstanceLifecycle") == lifecycle
    assert instance["IamInstanceProfile"]["Arn"].endswith("/raygroup-worker")
    resources = bootstrapped["available_node_types"][name]["resources"]
    described = boto3.client("ec2").describe_instance_types(InstanceTypes=[instance["InstanceType"]])["InstanceTypes"][0]
    assert resources["GPU"] == sum(gpu["Count"] for gpu in described["GpuInfo"]["Gpus"])
    assert resources["CPU"] <= described["VCpuInfo"]["DefaultVCpus"]


@pytest.mark.parametrize("name", ["head", *WORKERS])
def test_every_node_has_its_metadata_behind_a_token_its_disk_encrypted_and_the_prepared_group_alone(
    bootstrapped: dict[str, Any], name: str
):
    instance = started(bootstrapped, "head" if name == "head" else "worker", name)
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == ["raygroup-raygroup"]
    disks = [each["Ebs"]["VolumeId"] for each in instance["BlockDeviceMappings"]]
    volumes = boto3.client("ec2").describe_volumes(VolumeIds=disks)["Volumes"]
    assert volumes
    assert all(volume["Encrypted"] for volume in volumes)
    assert {"Key": "ray-cluster-name", "Value": "raygroup"} in instance["Tags"]


def test_ray_makes_neither_a_group_nor_a_role_of_its_own(bootstrapped: dict[str, Any]):
    for name in ("head", *WORKERS):
        started(bootstrapped, "head" if name == "head" else "worker", name)
    assert set(groups()) == {"raygroup-raygroup"}
    profiles = boto3.client("iam").list_instance_profiles()["InstanceProfiles"]
    assert {profile["InstanceProfileName"] for profile in profiles} == {"raygroup-head", "raygroup-worker"}


def test_nodes_that_are_ended_are_gone_and_not_kept_for_later(bootstrapped: dict[str, Any]):
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

    ours = [started(bootstrapped, "worker", name)["InstanceId"] for name in WORKERS]
    provider = AWSNodeProvider(bootstrapped["provider"], bootstrapped["cluster_name"])
    assert set(ours) <= set(provider.non_terminated_nodes({"ray-node-type": "worker"}))
    provider.terminate_nodes(ours)
    assert not set(ours) & set(provider.non_terminated_nodes({}))
    reservations = boto3.client("ec2").describe_instances(InstanceIds=ours)["Reservations"]
    assert {one["State"]["Name"] for each in reservations for one in each["Instances"]} == {"terminated"}


def _forget_clients() -> None:
    """Ray keeps its connections to AWS for the life of the process: of a cloud of another test, here."""
    from ray.autoscaler._private.aws import utils

    utils.resource_cache.cache_clear()
    utils.client_cache.cache_clear()


def _without_waiting(patch: pytest.MonkeyPatch) -> None:
    """Ray waits for AWS to spread what it made; moto has it at once."""
    from ray.autoscaler._private.aws import config, node_provider

    class Clock:
        """``time``, but nobody sleeps."""

        def __getattr__(self, name: str) -> Any:
            import time

            return (lambda seconds: None) if name == "sleep" else getattr(time, name)

    for module in (config, node_provider):
        patch.setattr(module, "time", Clock())
