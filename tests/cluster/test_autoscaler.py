"""Ray's own autoscaler on one machine. Ray's fake provider starts nodes as processes here, without a cloud."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ray_processes import end_all, free_port, ray_node
from sweep_process import DEADLINE_S
from tiny_sweep import space

from raygroup import sweep
from raygroup.storage.sweeps import TrialState, read_sweeps

HEAD_ID = "fffffffffffffffffffffffffffffffffffffffffffffffffff00000"
"""The fake provider counts its nodes from this id."""
AUTOSCALED = {"RAY_FAKE_CLUSTER": "1", "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID, "AUTOSCALER_UPDATE_INTERVAL_S": "1",
              "RAY_enable_autoscaler_v2": "0"}  # fmt: skip
"""The head's environment: the fake provider, and an autoscaler that looks at the load every second."""
IDLE_S = 6.0


@dataclass(frozen=True)
class Scaled:
    """A head with an autoscaler. It trains nothing."""

    address: str
    environment: dict[str, str]
    folder: Path

    def nodes(self, with_dead: bool = False) -> dict[str, dict[str, float]]:
        """Return id -> resources of the live nodes, and with ``with_dead`` of those that were there before."""
        code = """
import json, sys
from ray._raylet import GcsClient
nodes = GcsClient(address=sys.argv[1]).get_all_node_info().items()
shown = {node: about for node, about in nodes if about.state == about.ALIVE or len(sys.argv) > 2}
print(json.dumps({node.hex(): dict(about.resources_total) for node, about in shown.items()}))
"""
        return dict(json.loads(self.run("-c", code, self.address, *(["with dead"] if with_dead else []))))

    def run(self, *arguments: str) -> str:
        """Run a Python program that may use the cluster, and return its output."""
        command = [sys.executable, *arguments]
        outcome = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    def wait_until_alone(self) -> None:
        """Wait until the head is the only node again."""
        deadline = time.monotonic() + DEADLINE_S
        while len(self.nodes()) > 1:
            assert time.monotonic() < deadline, self.nodes()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def scaled() -> Iterator[Scaled]:
    head = None
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp", ignore_cleanup_errors=True) as name:  # short, for the sockets' paths
        folder = Path(name)
        (folder / "token").write_text(os.urandom(32).hex())
        address = f"{socket.gethostbyname(socket.gethostname())}:{free_port()}"
        mark = {"RAY_AUTH_TOKEN_PATH": str(folder / "token")}
        environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")} | mark
        environment |= {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        (folder / "cluster.json").write_text(json.dumps(cluster_file(address)))
        try:
            head = ray_node(folder / "head.log", environment | AUTOSCALED, head_arguments(folder, address))
            yield Scaled(address, environment, folder)
        finally:
            end_all(f"RAY_AUTH_TOKEN_PATH={folder / 'token'}")
            if head:
                head.wait()


def head_arguments(folder: Path, address: str) -> list[str]:
    return [
        "--head", f"--port={address.rpartition(':')[2]}", "--num-cpus=0", "--num-gpus=0", '--resources={"driver": 4}',
        f"--temp-dir={folder / 'ray'}", f"--autoscaling-config={folder / 'cluster.json'}", "--include-dashboard=false",
    ]  # fmt: skip


def cluster_file(address: str) -> dict[str, Any]:
    """Return a cluster file with GPU nodes and CPU nodes, which start when something waits for them.

    There are more CPU nodes than packs. On a busy machine a node goes while others still start, and the autoscaler takes a GPU node
    once no CPU node is left to start.
    Unlike a cloud's provider, this one cannot update a node's tags or reach it by ssh. So both are disabled.
    """
    lists = (
        "setup_commands", "cluster_synced_files", "rsync_exclude", "rsync_filter", "initialization_commands", "head_setup_commands",
        "worker_setup_commands", "head_start_ray_commands", "worker_start_ray_commands",
    )  # fmt: skip
    memory = {"object_store_memory": 80_000_000}
    return dict.fromkeys(lists, []) | {
        "cluster_name": "fake", "max_workers": 9, "upscaling_speed": 1.0, "idle_timeout_minutes": IDLE_S / 60, "auth": {},
        "file_mounts": {}, "file_mounts_sync_continuously": False,
        "provider": {
            "type": "external", "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
            "gcs_address": address, "head_node_id": HEAD_ID, "use_node_id_as_ip": True, "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0, "driver": 4}, "node_config": {}, "max_workers": 0},
            "gpu": {"resources": {"CPU": 1, "GPU": 1, **memory}, "node_config": {}, "min_workers": 0, "max_workers": 3},
            "cpu": {"resources": {"CPU": 1, **memory}, "node_config": {}, "min_workers": 0, "max_workers": 6},
        },
    }  # fmt: skip


@pytest.mark.slow
def test_nodes_start_for_the_packs_of_a_sweep(scaled: Scaled, tmp_path: Path):
    """This test comes first, because a GPU node of the other one may still be on its way."""
    storage = tmp_path / "runs"
    assert sweep.main([space(tmp_path), "--local", "--storage-path", str(storage)]) == 0
    shutil.rmtree(storage / "tiny")  # the words and features stay
    scaled.wait_until_alone()
    before = scaled.nodes(with_dead=True)
    scaled.run("-m", "raygroup.sweep", space(tmp_path), "--address", scaled.address, "--storage-path", str(storage))
    (stored,) = read_sweeps(storage)
    assert len(stored.in_state(TrialState.DONE)) == 2
    # A node may have gone already: on a busy machine the question comes after it was idle for long enough.
    workers = [resources for node, resources in scaled.nodes(with_dead=True).items() if node not in before]
    assert workers
    assert not any("GPU" in resources for resources in workers)
    scaled.wait_until_alone()


@pytest.mark.slow
def test_nodes_start_for_tasks_that_wait_for_gpus_and_stop_when_idle(scaled: Scaled):
    code = """
import json, logging, sys, time
import ray
ray.init(address=sys.argv[1], logging_level=logging.ERROR, log_to_driver=False)

@ray.remote
class Meeting:
    def __init__(self):
        self.nodes = []
    def add(self, node):
        self.nodes.append(node)
    def nodes_of_all(self):
        return self.nodes if len(self.nodes) == 3 else None

meeting = Meeting.options(num_cpus=0, resources={"driver": 1}).remote()

@ray.remote(num_gpus=1, num_cpus=1)
def node_ids(meeting):
    "Hold the GPU until all three tasks have one: a node that is free early would serve twice."
    ray.get(meeting.add.remote(ray.get_runtime_context().get_node_id()))
    while not (nodes := ray.get(meeting.nodes_of_all.remote())):
        time.sleep(0.2)
    return nodes

print(json.dumps(ray.get([node_ids.remote(meeting) for _ in range(3)])[0]))
"""
    scaled.wait_until_alone()
    used = set(json.loads(scaled.run("-c", code, scaled.address)))
    assert len(used) == 3
    assert HEAD_ID not in used
    scaled.wait_until_alone()
