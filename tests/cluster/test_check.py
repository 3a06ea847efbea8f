"""The check of cluster files finds each fault by its place, and none in the files of ``cluster/``."""

import json
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from cluster_files import FILES, VALUES, filled_text, write_filled

from raygroup.__main__ import COMMANDS, command_module
from raygroup.cluster import __main__ as cluster
from raygroup.cluster.check import check_cluster_file
from raygroup.cluster.rules import aws_keys
from raygroup.cluster.rules.placeholders import PLACEHOLDERS
from raygroup.runtime.planning.clusters.cluster_file import read_cluster_file

HEAD = "spec.rayClusterSpec.headGroupSpec"
WORKERS = "spec.rayClusterSpec.workerGroupSpecs"


def changed_file(kind, tmp_path, path, value):
    """Write a filled file of ``cluster/`` with one value changed. None removes the key."""
    content = next(iter(yaml.safe_load_all(filled_text(kind))))
    *above, last = path
    place = content
    for name in above:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    file = tmp_path / "cluster.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def findings_of(file):
    return check_cluster_file(file, lambda name: command_module(name).build_parser() if name in COMMANDS else None, list(COMMANDS)).findings


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_the_folder_has_no_problem_once_it_is_filled_in(kind, tmp_path, capsys):
    file = write_filled(kind, tmp_path)
    assert cluster.main(["check", str(file), "--json"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == []
    assert output.err == "", "nothing was skipped, and nothing is in doubt"
    assert read_cluster_file(file).kind == kind


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_not_filled_in_is_refused_with_the_line_of_every_placeholder(kind, capsys):
    assert cluster.main(["check", str(FILES[kind]), "--json"]) == 2
    rows = json.loads(capsys.readouterr().out)
    values = [line.partition(" #")[0] for line in FILES[kind].read_text().splitlines() if not line.startswith("#")]
    words = {row["problem"].removesuffix(" is a placeholder"): row for row in rows}
    assert set(words) == {word for word in PLACEHOLDERS if any(word in value for value in values)}
    for word, row in words.items():
        value = "\n".join(FILES[kind].read_text().splitlines()[row["line"] - 1 :][:3])  # a folded text goes on for some lines
        assert word in value
        assert row["instead"] == PLACEHOLDERS[word]


NO_PLACEHOLDERS = {
    "CPU", "GPU", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_USAGE_STATS_ENABLED", "RAY_HEAD_IP", "GP", "MB",
}  # fmt: skip
"""Words in capitals that are right as they are."""


def test_every_word_in_capitals_of_the_shipped_files_is_a_placeholder_that_check_knows():
    words = set()
    for file in FILES.values():
        text = "\n".join(line.partition(" #")[0] for line in file.read_text().splitlines() if not line.startswith("#"))
        words |= set(re.findall(r"(?<![\w-])[A-Z][A-Z0-9_]+(?:-[A-Z0-9]+)*(?![\w-])", text))
    assert words - NO_PLACEHOLDERS == set(PLACEHOLDERS) == set(VALUES)


NODE = ("available_node_types", "gpu_spot")
CLUSTER = ("spec", "rayClusterSpec")
POD = (*CLUSTER, "workerGroupSpecs", 0, "template", "spec", "containers", 0)
FAULTS = [
    ("aws", ("upscale_speed",), 1.0, "upscale_speed", "upscaling_speed"),
    ("aws", ("idle_timeout_minutes",), None, "idle_timeout_minutes", "less than 60"),
    ("aws", ("max_workers",), "eight", "max_workers", "a whole number of 0 or more"),
    ("aws", (*NODE, "resources"), {"GPUs": 1}, "available_node_types.gpu_spot.resources.GPUs", "GPU"),
    ("aws", (*NODE, "resources"), {"CPU": 4, "GPU": 4}, "available_node_types.gpu_spot.resources.GPU", "1, or another"),
    ("aws", (*NODE, "min_workers"), 9, "available_node_types.gpu_spot.min_workers", "at most 8"),
    ("aws", (*NODE, "node_config", "InstanceTyp"), "g5.xlarge", "available_node_types.gpu_spot.node_config.InstanceTyp", "InstanceType"),
    ("aws", (*NODE, "node_config", "SecurityGroupIds"), None, "available_node_types.gpu_spot.node_config.SecurityGroupIds", "prepare"),
    ("aws", (*NODE, "node_config", "IamInstanceProfile"), None, "available_node_types.gpu_spot.node_config.IamInstanceProfile", "prepare"),
    ("aws", (*NODE, "node_config", "ImageId"), None, "available_node_types.gpu_spot.node_config.ImageId", "current"),
    (
        "aws", (*NODE, "node_config", "MetadataOptions"), {"HttpTokens": "optional"},
        "available_node_types.gpu_spot.node_config.MetadataOptions.HttpTokens", "required",
    ),
    (
        "aws", (*NODE, "node_config", "BlockDeviceMappings"), [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 100}}],
        "available_node_types.gpu_spot.node_config.BlockDeviceMappings", "Encrypted",
    ),
    ("aws", (*NODE, "min_worker"), 1, "available_node_types.gpu_spot.min_worker", "min_workers"),
    ("aws", (*NODE, "min_workers"), "two", "available_node_types.gpu_spot.min_workers", "a whole number of 0 or more"),
    ("aws", (*NODE, "node_config", "InstanceType"), "g5.xlrage", "available_node_types.gpu_spot.node_config.InstanceType", "g5.xlarge"),
    ("aws", (*NODE, "node_config", "InstanceType"), None, "available_node_types.gpu_spot.node_config.InstanceType", "g5.xlarge"),
    (
        "aws", (*NODE, "node_config", "BlockDeviceMappings"), [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": "9", "Encrypted": True}}],
        "available_node_types.gpu_spot.node_config.BlockDeviceMappings[0].Ebs.VolumeSize", "integer",
    ),
    (
        "aws", (*NODE, "node_config", "BlockDeviceMappings"), [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeTyp": "gp3", "Encrypted": True}}],
        "available_node_types.gpu_spot.node_config.BlockDeviceMappings[0].Ebs.VolumeTyp", "VolumeType",
    ),
    ("aws", (*NODE, "priority"), None, "available_node_types.gpu_spot.priority", "1"),
    (
        "aws", ("available_node_types", "head", "node_config", "InstanceMarketOptions"), {"MarketType": "spot"},
        "available_node_types.head.node_config.InstanceMarketOptions", "on demand",
    ),
    ("aws", ("auth", "ssh_private_key"), "~/.ssh/mine", "available_node_types.head.node_config.KeyName", "EC2"),
    ("aws", ("head_node_type",), "haed", "head_node_type", "one of"),
    ("aws", ("head_start_ray_commands",), None, "head_start_ray_commands", "--dashboard-host=127.0.0.1"),
    ("aws", ("provider", "availability_zone"), "us-east-1a", "provider.availability_zone", "us-west-2a"),
    ("aws", ("provider", "region"), None, "provider.region", "us-west-2"),
    ("aws", ("provider", "aws_credentials"), {"aws_secret_access_key": "abc"}, "provider.aws_credentials", "role"),
    (
        "aws", ("provider", "security_group"),
        {"GroupName": "our", "IpPermissions": [{"FromPort": 22, "ToPort": 22, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]},
        "provider.security_group.IpPermissions[0]", "prepare",
    ),
    ("aws", ("metadata", "storage_path"), "/efs/raygroup", "metadata.storage_path", "mount"),
    ("aws", ("metadata", "storage_path"), "hdfs://there/raygroup", "metadata.storage_path", "s3://"),
    ("aws", ("docker", "worker_image"), f"rayproject/ray:{version('ray')}", "docker.worker_image", "-py3"),
    ("aws", ("idle_timeout_minutes",), 60, "idle_timeout_minutes", "less than 60"),
    ("aws", ("available_node_types", "gpu_ondemand"), None, "available_node_types", "on demand"),
    ("aws", ("available_node_types", "head", "resources"), {"CPU": 8, "driver": 8}, "available_node_types.head.resources.CPU", "CPU: 0"),
    ("aws", ("available_node_types", "head", "resources"), {"CPU": 0, "GPU": 0}, "available_node_types.head.resources.driver", "driver"),
    ("aws", ("docker", "image"), "rayproject/ray:2.9.0-py310-gpu", "docker.image", f"rayproject/ray:{version('ray')}"),
    ("aws", ("docker", "image"), "rayproject/ray:latest-gpu", "docker.image", f"rayproject/ray:{version('ray')}"),
    ("aws", ("docker", "image"), f"rayproject/ray:{version('ray')}-py39-gpu", "docker.image", f"py{sys.version_info.major}"),
    ("aws", ("docker", "run_options"), ["-e RAY_AUTH_TOKEN_PATH=/x"], "head_start_ray_commands", "RAY_AUTH_MODE=token"),
    ("aws", ("docker", "run_options"), ["-e RAY_AUTH_MODE=token", "-e AWS_SECRET_ACCESS_KEY=abc"], "docker.run_options[1]", "role"),
    ("aws", ("file_mounts",), {"/home/ray/raygroup": "."}, "file_mounts", "auth_token"),
    ("aws", ("file_mounts", "/home/ray/runs"), "./runs", "file_mounts./home/ray/runs", "pull"),
    ("aws", ("provider", "cache_stopped_nodes"), True, "provider.cache_stopped_nodes", "false"),
    ("aws", ("metadata", "storage_path"), None, "metadata.storage_path", "s3://"),
    ("aws", ("metadata", "storage_path"), "/home/ray/runs", "metadata.storage_path", "s3://"),
    ("aws", ("metadata", "usd_per_hour"), {"head": 1}, "metadata.usd_per_hour", "dollars"),
    (
        "aws", ("head_start_ray_commands",), ["ray start --head --autoscaling-config=x --dashboard-host=0.0.0.0"],
        "head_start_ray_commands", "127.0.0.1",
    ),
    ("local", ("metadata", "storage_path"), "runs", "metadata.storage_path", "s3://"),
    ("local", ("setup_commands",), ["pip install raygroup 'ray[default]==2.9.0'"], "setup_commands", version("ray")),
    ("local", ("setup_commands",), ["uv sync"], "setup_commands", version("ray")),
    ("local", ("head_start_ray_commands",), ["RAY_AUTH_MODE=token ray start --head"], "head_start_ray_commands", "--num-cpus=0"),
    ("local", ("worker_start_ray_commands",), ["ray start --address=$RAY_HEAD_IP:6379"], "worker_start_ray_commands", "RAY_AUTH_MODE"),
    ("local", ("provider", "worker_ips"), [], "provider.worker_ips", "GPU"),
    ("local", ("provider", "head_ip"), None, "head_ip", "schema"),
    ("local", ("provider", "worker_ip"), ["10.0.0.3"], "provider.worker_ip", "worker_ips"),
    ("kubernetes", ("spec", "rayClusterSpec", "authOptions"), None, "spec.rayClusterSpec.authOptions.mode", "token"),
    ("kubernetes", ("spec", "rayClusterSpec", "rayVersion"), "2.9.0", "spec.rayClusterSpec.rayVersion", version("ray")),
    ("kubernetes", ("spec", "rayClusterSpec", "headGroupSpecs"), {}, "spec.rayClusterSpec.headGroupSpecs", "headGroupSpec"),
    ("kubernetes", ("spec", "rayClusterSpec", "headGroupSpec", "rayStartParams"), {}, f"{HEAD}.rayStartParams.num-cpus", '"0"'),
    ("kubernetes", ("metadata", "annotations"), {}, "metadata.annotations.raygroup/usd-per-hour", "dollars"),
    (
        "kubernetes", ("spec", "entrypoint"), "python -m raygroup.sweep --resume --address auto --storage-path s3://x",
        "spec.entrypoint", "resumes",
    ),
    ("kubernetes", ("spec", "entrypoint"), "python -m raygroup.sweep 'table3", "spec.entrypoint", "quotation mark"),
    ("kubernetes", ("spec", "runtimeEnvYAML"), "env_vars:\n  MY_PASSWORD: abc\n", "spec.runtimeEnvYAML", "Secret"),
    ("kubernetes", (*CLUSTER, "autoscalerOptions", "idleTimeoutSeconds"), 7200,
     "spec.rayClusterSpec.autoscalerOptions.idleTimeoutSeconds", "3600"),
    ("kubernetes", (*CLUSTER, "headGroupSpec", "template", "spec", "nodeSelector"), {"cloud.google.com/gke-spot": "true"},
     f"{HEAD}.template.spec.nodeSelector", "on-demand"),
    ("kubernetes", (*CLUSTER, "headGroupSpec", "rayStartParams", "num-cpus"), 0, f"{HEAD}.rayStartParams.num-cpus", '"0"'),
    ("kubernetes", (*CLUSTER, "workerGroupSpecs", 0, "priority"), None, f"{WORKERS}[0].priority", "1 (KubeRay"),
    ("kubernetes", (*CLUSTER, "workerGroupSpecs", 0, "maxReplicas"), "8", f"{WORKERS}[0].maxReplicas", "a whole number of 0 or more"),
    ("kubernetes", (*CLUSTER, "workerGroupSpecs"), [], WORKERS, "GPU"),
    ("kubernetes", (*POD, "image"), "registry/ours:1-ray2.9.0-py310", f"{WORKERS}[0].template.spec.containers[0].image", version("ray")),
    ("kubernetes", ("spec", "entrypoint"), "python -m raygroup.sweep table3", "spec.entrypoint", "--address auto"),
    ("kubernetes", (*POD, "image"), "rayproject/ray:2.9.0-py311", f"{WORKERS}[0].template.spec.containers[0].image", "rayproject/ray"),
    ("kubernetes", (*POD, "volumeMounts"), [], f"{WORKERS}[0].template.spec.containers[0].volumeMounts", "Memory"),
    (
        "kubernetes", (*POD, "env"), [{"name": "AWS_SECRET_ACCESS_KEY", "value": "abc"}],
        f"{WORKERS}[0].template.spec.containers[0].env[0]", "secretKeyRef",
    ),
    ("kubernetes", (*POD, "imagePulPolicy"), "Always", f"{WORKERS}[0].template.spec.containers[0].imagePulPolicy", "imagePullPolicy"),
    ("kubernetes", ("spec", "rayClusterSpec", "workerGroupSpecs", 0, "minReplicas"), 9, f"{WORKERS}[0].minReplicas", "at most 8"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "value", "where", "instead"), FAULTS)
def test_a_fault_is_reported_with_its_place_and_what_would_be_right(kind, path, value, where, instead, tmp_path, capsys):
    file = changed_file(kind, tmp_path, path, value)
    assert cluster.main(["check", str(file), "--json"]) == 2
    rows = json.loads(capsys.readouterr().out)
    assert [row for row in rows if row["path"] == where and instead in row["instead"]], rows


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*NODE, "node_config", "SubnetIds"), ["subnet-0123456789abcdef0"]),
        (("available_node_types", "head", "resources"), {"CPU": 0, "driver": 8}),
        (("docker", "image"), "registry/ours@sha256:" + 64 * "0"),
        (("docker", "image"), "registry:5000/ours:1.2"),
        (("docker", "run_options"), ["-e RAY_AUTH_MODE=token", "-e RAY_AUTH_TOKEN_PATH=/home/ray/.ray/auth_token"]),
        (("metadata", "storage_path"), "gs://bucket/raygroup"),
        (("max_workers",), None),
    ],
)
def test_other_correct_values_are_no_problem(path, value, tmp_path):
    assert findings_of(changed_file("aws", tmp_path, path, value)) == ()


def test_a_folder_that_a_command_mounts_is_shared(tmp_path):
    file = changed_file("aws", tmp_path, ("metadata", "storage_path"), "/efs/raygroup")
    content = yaml.safe_load(file.read_text()) | {"initialization_commands": ["sudo mount -t efs fs-1:/ /efs"]}
    file.write_text(yaml.safe_dump(content))
    assert findings_of(file) == ()


def test_output_of_ray_does_not_end_up_in_the_json(tmp_path, capfd):
    assert cluster.main(["check", str(changed_file("local", tmp_path, ("max_workers",), 9)), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == []


def test_a_finding_has_a_path_a_problem_what_to_write_instead_and_a_line(tmp_path, capsys):
    file = changed_file("aws", tmp_path, ("upscale_speed",), 1.0)
    cluster.main(["check", str(file), "--json"])
    assert json.loads(capsys.readouterr().out) == [
        {
            "path": "upscale_speed",
            "problem": "no such key",
            "instead": "upscaling_speed",
            "line": 1 + file.read_text().splitlines().index("upscale_speed: 1.0"),
        }
    ]


@pytest.fixture
def without_boto3(monkeypatch):
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    monkeypatch.setitem(sys.modules, "botocore", None)
    aws_keys._run_instances_description.cache_clear()
    yield
    aws_keys._run_instances_description.cache_clear()


@pytest.mark.usefixtures("without_boto3")
def test_the_rules_that_were_skipped_without_boto3_are_named(tmp_path, capsys):
    assert cluster.main(["check", str(write_filled("aws", tmp_path))]) == 0
    assert "raygroup: not checked, because boto3 is not installed: the names, types and values of EC2" in capsys.readouterr().err
    assert cluster.main(["check", str(write_filled("local", tmp_path))]) == 0
    assert capsys.readouterr().err == "", "nothing of it needs boto3"


def test_a_price_without_a_node_type_is_reported(tmp_path):
    file = changed_file("aws", tmp_path, ("metadata", "usd_per_hour"), {"head": 0.1, "gpu_spot": 0.4, "gpu_ondemand": 1.0, "gpu_spt": 0.4})
    (finding,) = findings_of(file)
    assert (finding.path, finding.instead) == ("metadata.usd_per_hour.gpu_spt", "gpu_spot")


def test_people_get_a_table(tmp_path, capsys):
    assert cluster.main(["check", str(changed_file("local", tmp_path, ("setup_commands",), ["uv sync"]))]) == 2
    out = capsys.readouterr().out
    assert "1 problem\n" in out
    assert "ray[default,tune,train]==" in out, "brackets are no markup"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("provider: {type: gcp}\n", "provider.type is 'gcp': it must be aws or local"),
        ("a: b\n c: d\n", "cluster.yaml:2: not YAML: "),
        ("name: x\n", "not a cluster file"),
        ("provider: {type: aws}\nmax_workers: 1\nmax_workers: 9\n", "cluster.yaml:3: not YAML: 'max_workers' occurs twice"),
        ("apiVersion: ray.io/v1\nkind: RayService\n", "it must be RayJob or RayCluster"),
    ],
)
def test_a_file_that_is_no_cluster_file_is_refused_in_one_line(text, message, tmp_path, capsys):
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    assert cluster.main(["check", str(file)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_a_cluster_file_gives_the_prices_and_resources_of_nodes():
    spot, ondemand = read_cluster_file(FILES["aws"]).workers
    assert (spot.spot, spot.resources["GPU"], spot.usd_per_hour) == (True, 1.0, 0.45)
    assert (ondemand.spot, ondemand.max_workers) == (False, 2)
    kubernetes = read_cluster_file(FILES["kubernetes"])
    assert kubernetes.storage_path == "s3://MY-BUCKET/raygroup"
    assert [(node.name, node.resources["GPU"], node.spot) for node in kubernetes.workers] == [
        ("gpu-spot", 1, True),
        ("gpu-ondemand", 1, False),
    ]
    assert next(node for node in kubernetes.node_types if node.head).resources == {"CPU": 0, "GPU": 0, "driver": 32}


PROTOTYPES = {
    "aws": {"metadata.storage_path", "available_node_types.head.node_config.SecurityGroupIds", "available_node_types.head.resources.CPU"},
    "local": {"metadata.storage_path", "head_start_ray_commands", "setup_commands"},
    "kuberay": {"metadata.annotations.raygroup/storage-path", "spec.entrypoint"},
}


@pytest.mark.parametrize("name", PROTOTYPES)
def test_the_faults_of_the_first_drafts_are_reported(name):
    file = Path(__file__).parents[3] / "shared" / "prototypes" / "cluster" / f"{name}.yaml"
    if not file.is_file():
        pytest.skip("needs the project's drafts, which a newcomer does not have")
    assert {finding.path for finding in findings_of(file)} >= PROTOTYPES[name]
