"""The cluster files, as those who read them do: Ray's launcher, its autoscaler of today, and KubeRay."""

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
"""Names a folder with KubeRay's own definitions: ``ray-operator/config/crd/bases`` of its repository."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def content(name: str) -> dict[str, Any]:
    return dict(next(yaml.safe_load_all((FOLDER / name).read_text())))


def launched(cluster: dict[str, Any]) -> dict[str, Any]:
    """As ``ray up`` hands it to the head."""
    from ray.autoscaler._private.util import prepare_config, validate_config

    prepared = prepare_config(cluster)
    validate_config(prepared)
    return dict(prepared)


def started(cluster: dict[str, Any], gpus: int, failing: str = "") -> dict[str, int]:
    """How many nodes of each type Ray's autoscaler would start for tasks of one GPU each; ``failing``: of which it got none just now."""
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil

    config = AutoscalingConfig(cluster, skip_content_hash=True)
    asked = [ResourceRequestUtil.make({"GPU": 1, "CPU": 1}) for _ in range(gpus)]
    scarce = {failing: 0.0} if failing else {}
    request = SchedulingRequest(
        disable_launch_config_check=True, node_type_configs=config.get_node_type_configs(), max_num_nodes=config.get_max_num_nodes(),
        resource_requests=ResourceRequestUtil.group_by_count(asked), cloud_resource_availabilities=scarce,
        recoverable_resource_availabilities=scarce,
    )  # fmt: skip
    return {launch.instance_type: launch.count for launch in ResourceDemandScheduler().schedule(request).to_launch}


def of_kuberay() -> dict[str, Any]:
    """What Ray's autoscaler makes of the RayCluster that KubeRay would start."""
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr
    from ray.autoscaler._private.util import validate_config

    spec = content("kuberay.yaml")["spec"]["rayClusterSpec"]
    made = _derive_autoscaling_config_from_ray_cr({"metadata": {"name": "sweep", "namespace": "default"}, "spec": spec})
    validate_config(made)
    return dict(made)


def test_spot_machines_come_first_and_machines_on_demand_where_there_are_none():
    cluster = launched(content("config.yaml"))
    assert started(cluster, 3) == {"gpu_spot": 3}
    assert started(cluster, 2, failing="gpu_spot") == {"gpu_ondemand": 2}


def test_so_they_do_on_kubernetes():
    assert started(of_kuberay(), 3) == {"gpu-spot": 3}
    assert started(of_kuberay(), 2, failing="gpu-spot") == {"gpu-ondemand": 2}


def test_without_priorities_ray_would_mix_them():
    cluster = launched(content("config.yaml"))
    del cluster["available_node_types"]["gpu_spot"]["priority"]
    assert set(started(cluster, 3)) == {"gpu_spot", "gpu_ondemand"}


def test_own_machines_are_a_head_and_all_its_workers():
    (nodes,) = launched(content("local.yaml"))["available_node_types"].values()
    assert (nodes["min_workers"], nodes["max_workers"]) == (2, 2)


def test_kuberay_counts_no_processor_of_the_head_and_a_place_for_drivers():
    types = of_kuberay()["available_node_types"]
    head = types["headgroup"]["resources"]
    assert (head["CPU"], head.get("GPU", 0), head["driver"]) == (0, 0, 32)
    assert [(types[name]["resources"]["GPU"], types[name]["max_workers"]) for name in ("gpu-spot", "gpu-ondemand")] == [(1, 8), (1, 2)]


def test_kuberay_knows_every_key():
    folder = os.environ.get(DEFINITIONS)
    if not folder:
        pytest.skip(f"needs KubeRay's definitions, which {DEFINITIONS} names")
    definition = yaml.safe_load((Path(folder) / "ray.io_rayjobs.yaml").read_text())
    schema = next(each["schema"]["openAPIV3Schema"] for each in definition["spec"]["versions"] if each["name"] == "v1")
    schema["properties"]["metadata"] = {"type": "object"}
    job = content("kuberay.yaml")
    jsonschema.validate(job, closed(schema))
    job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["nodeSelektor"] = {}
    with pytest.raises(jsonschema.ValidationError, match="nodeSelektor"):
        jsonschema.validate(job, closed(schema))


def closed(schema: Any) -> Any:
    """The schema as Kubernetes takes it when it is strict: no key that is not in it; some numbers may be text."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(below) for name, below in schema.items()}
    if made.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if isinstance(made.get("properties"), dict) and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


@pytest.mark.parametrize("name", ["config.yaml", "local.yaml", "kuberay.yaml"])
def test_every_file_names_the_version_of_ray_that_is_installed(name: str):
    assert version("ray") in json.dumps(content(name))
