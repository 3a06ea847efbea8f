"""The cluster file for AWS, run by Ray's own code on moto: instances really start, on a cloud in this process."""

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

pytestmark = pytest.mark.slow

FILE = Path(__file__).parents[2] / "cluster" / "config.yaml"
WORKERS = {"gpu_spot": "spot", "gpu_ondemand": None}
"""Node type -> its life cycle in EC2."""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Mock AWS in the file's region, and use another home folder: Ray writes keys there."""
    home = tmp_path_factory.mktemp("home")
    (home / ".ray").mkdir()
    (home / ".ray" / "auth_token").write_text("token of this test")
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
    """The file as ``ray up`` hands it to the head, with the security group and the roles of ``raygroup.cluster prepare``."""
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler._private.util import prepare_config, validate_config

    content = yaml.safe_load(FILE.read_text())
    prepared = prepare(content["cluster_name"], region, ["203.0.113.0/24"], bucket="our-bucket", prefix="raygroup")
    for name, node_type in content["available_node_types"].items():
        profile = prepared.head_profile if name == content["head_node_type"] else prepared.worker_profile
        assert node_type["node_config"]["IamInstanceProfile"] == {"Name": profile}
        node_type["node_config"]["SecurityGroupIds"] = [prepared.security_group]
    config = AWSNodeProvider.fillout_available_node_types_resources(prepare_config(content))
    validate_config(config)
    return dict(AWSNodeProvider.bootstrap_config(config))


def start_instance(config: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """Let Ray's node provider start an instance of a node type. Return EC2's description of it."""
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
    """Return name -> id of the security groups, except the default ones."""
    described = boto3.client("ec2").describe_security_groups()["SecurityGroups"]
    return {group["GroupName"]: group["GroupId"] for group in described if group["GroupName"] != "default"}


def test_the_head_is_on_demand_and_trains_nothing(bootstrapped: dict[str, Any]):
    instance = start_instance(bootstrapped, "head", "head")
    assert "InstanceLifecycle" not in instance
    assert instance["InstanceType"].startswith("m")
    assert instance["IamInstanceProfile"]["Arn"].endswith("/raygroup-head")
    resources = bootstrapped["available_node_types"]["head"]["resources"]
    assert (resources["CPU"], resources["GPU"]) == (0, 0)
    assert resources["driver"] > 0


@pytest.mark.parametrize(("name", "lifecycle"), WORKERS.items())
def test_workers_have_the_life_cycle_of_their_type(bootstrapped: dict[str, Any], name: str, lifecycle: str | None):
    instance = start_instance(bootstrapped, "worker", name)
    assert instance.get("InstanceLifecycle") == lifecycle
    assert instance["IamInstanceProfile"]["Arn"].endswith("/raygroup-worker")
    resources = bootstrapped["available_node_types"][name]["resources"]
    described = boto3.client("ec2").describe_instance_types(InstanceTypes=[instance["InstanceType"]])["InstanceTypes"][0]
    assert resources["GPU"] == sum(gpu["Count"] for gpu in described["GpuInfo"]["Gpus"])
    assert resources["CPU"] <= described["VCpuInfo"]["DefaultVCpus"]


@pytest.mark.parametrize("name", ["head", *WORKERS])
def test_every_node_has_a_metadata_token_an_encrypted_disk_and_only_the_prepared_group(bootstrapped: dict[str, Any], name: str):
    instance = start_instance(bootstrapped, "head" if name == "head" else "worker", name)
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert [group["GroupName"] for group in instance["SecurityGroups"]] == ["raygroup-raygroup"]
    disks = [each["Ebs"]["VolumeId"] for each in instance["BlockDeviceMappings"]]
    volumes = boto3.client("ec2").describe_volumes(VolumeIds=disks)["Volumes"]
    assert volumes
    assert all(volume["Encrypted"] for volume in volumes)
    assert {"Key": "ray-cluster-name", "Value": "raygroup"} in instance["Tags"]


def test_ray_creates_no_group_and_no_role(bootstrapped: dict[str, Any]):
    for name in ("head", *WORKERS):
        start_instance(bootstrapped, "head" if name == "head" else "worker", name)
    assert set(groups()) == {"raygroup-raygroup"}
    profiles = boto3.client("iam").list_instance_profiles()["InstanceProfiles"]
    assert {profile["InstanceProfileName"] for profile in profiles} == {"raygroup-head", "raygroup-worker"}


def test_terminated_nodes_are_gone_and_not_cached(bootstrapped: dict[str, Any]):
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

    ours = [start_instance(bootstrapped, "worker", name)["InstanceId"] for name in WORKERS]
    provider = AWSNodeProvider(bootstrapped["provider"], bootstrapped["cluster_name"])
    assert set(ours) <= set(provider.non_terminated_nodes({"ray-node-type": "worker"}))
    provider.terminate_nodes(ours)
    assert not set(ours) & set(provider.non_terminated_nodes({}))
    reservations = boto3.client("ec2").describe_instances(InstanceIds=ours)["Reservations"]
    assert {instance["State"]["Name"] for reservation in reservations for instance in reservation["Instances"]} == {"terminated"}


def _forget_clients() -> None:
    """Clear Ray's cached clients, which would reach the cloud of another test."""
    from ray.autoscaler._private.aws import utils

    utils.resource_cache.cache_clear()
    utils.client_cache.cache_clear()


def _without_waiting(patch: pytest.MonkeyPatch) -> None:
    """Skip the time that Ray waits for new resources to reach all of AWS. moto has them at once."""
    from ray.autoscaler._private.aws import config, node_provider

    class Clock:
        """The module ``time``, except that nobody sleeps."""

        def __getattr__(self, name: str) -> Any:
            import time

            return (lambda seconds: None) if name == "sleep" else getattr(time, name)

    for module in (config, node_provider):
        patch.setattr(module, "time", Clock())
