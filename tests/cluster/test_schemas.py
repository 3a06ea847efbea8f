"""The cluster files, read by Ray's launcher, by its autoscaler (v2), and by KubeRay's schema."""

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from raygroup.runtime.on_ray.settings import ENVIRONMENT

FOLDER = Path(__file__).parents[2] / "cluster"
DEFINITIONS = "RAYGROUP_KUBERAY_CRDS"
"""Environment variable: a folder with KubeRay's definitions, ``ray-operator/config/crd/bases`` of its repository."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def content(name: str) -> dict[str, Any]:
    return dict(next(yaml.safe_load_all((FOLDER / name).read_text())))


def launch_config(cluster: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration that ``ray up`` hands to the head."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(cluster)
    validate_config(prepared)
    return dict(prepared)


def nodes_to_start(cluster: dict[str, Any], num_tasks: int, unavailable: str = "") -> dict[str, int]:
    """Return how many nodes of each type the autoscaler would start for tasks of one GPU each.

    ``unavailable`` is a node type of which it just got none.
    """
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil

    config = AutoscalingConfig(cluster, skip_content_hash=True)
    requests = [ResourceRequestUtil.make({"GPU": 1, "CPU": 1}) for _ in range(num_tasks)]
    availability = {unavailable: 0.0} if unavailable else {}
    request = SchedulingRequest(
        disable_launch_config_check=True, node_type_configs=config.get_node_type_configs(), max_num_nodes=config.get_max_num_nodes(),
        resource_requests=ResourceRequestUtil.group_by_count(requests), cloud_resource_availabilities=availability,
        recoverable_resource_availabilities=availability,
    )  # fmt: skip
    return {launch.instance_type: launch.count for launch in ResourceDemandScheduler().schedule(request).to_launch}


def kuberay_config() -> dict[str, Any]:
    """Return the autoscaler's configuration for the RayCluster that KubeRay would start."""
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
    from ray.autoscaler._private.util import validate_config

    spec = content("kuberay.yaml")["spec"]["rayClusterSpec"]
    config = _derive_autoscaling_config_from_ray_cr({"metadata": {"name": "sweep", "namespace": "default"}, "spec": spec})
    validate_config(config)
    return dict(config)


def test_spot_nodes_start_first_and_on_demand_nodes_if_there_are_none():
    cluster = launch_config(content("config.yaml"))
    assert nodes_to_start(cluster, 3) == {"gpu_spot": 3}
    assert nodes_to_start(cluster, 2, unavailable="gpu_spot") == {"gpu_ondemand": 2}


def test_spot_nodes_start_first_on_kubernetes_too():
    assert nodes_to_start(kuberay_config(), 3) == {"gpu-spot": 3}
    assert nodes_to_start(kuberay_config(), 2, unavailable="gpu-spot") == {"gpu-ondemand": 2}


def test_without_priorities_ray_would_mix_spot_and_on_demand():
    cluster = launch_config(content("config.yaml"))
    del cluster["available_node_types"]["gpu_spot"]["priority"]
    assert set(nodes_to_start(cluster, 3)) == {"gpu_spot", "gpu_ondemand"}


def test_machines_of_your_own_all_start_as_workers():
    (nodes,) = launch_config(content("local.yaml"))["available_node_types"].values()
    assert (nodes["min_workers"], nodes["max_workers"]) == (2, 2)


def test_on_kubernetes_the_head_has_no_cpu_and_32_places_for_drivers():
    types = kuberay_config()["available_node_types"]
    head = types["headgroup"]["resources"]
    assert (head["CPU"], head.get("GPU", 0), head["driver"]) == (0, 0, 32)
    assert [(types[name]["resources"]["GPU"], types[name]["max_workers"]) for name in ("gpu-spot", "gpu-ondemand")] == [(1, 8), (1, 2)]


def test_kuberays_schema_has_every_key():
    folder = os.environ.get(DEFINITIONS)
    if not folder:
        pytest.skip(f"needs KubeRay's definitions, which {DEFINITIONS} names")
    definition = yaml.safe_load((Path(folder) / "ray.io_rayjobs.yaml").read_text())
    schema = next(each["schema"]["openAPIV3Schema"] for each in definition["spec"]["versions"] if each["name"] == "v1")
    schema["properties"]["metadata"] = {"type": "object"}
    job = content("kuberay.yaml")
    jsonschema.validate(job, strict(schema))
    job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["nodeSelektor"] = {}
    with pytest.raises(jsonschema.ValidationError, match="nodeSelektor"):
        jsonschema.validate(job, strict(schema))


def strict(schema: Any) -> Any:
    """Return the schema in the strict form of Kubernetes: no other keys, and some numbers may be text."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict_schema = {name: strict(below) for name, below in schema.items()}
    if strict_schema.get("x-kubernetes-int-or-string"):
        strict_schema.pop("type", None)
    if isinstance(strict_schema.get("properties"), dict) and strict_schema.get("type") == "object":
        strict_schema.setdefault("additionalProperties", False)
    return strict_schema


@pytest.mark.parametrize("name", ["config.yaml", "local.yaml", "kuberay.yaml"])
def test_every_file_names_the_installed_version_of_ray(name: str):
    assert version("ray") in json.dumps(content(name))
