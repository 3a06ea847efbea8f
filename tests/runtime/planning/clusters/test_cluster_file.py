"""A cluster file with odd contents is refused in one line, with the file and the line of the value."""

import pytest
import yaml
from cluster_files import FILES

from raygroup import sweep
from raygroup.cluster import __main__ as cluster
from raygroup.errors import ConfigError
from raygroup.runtime.planning.clusters.cluster_file import read_cluster_file

AWS = "provider: {type: aws}\n"
RAY_JOB = "apiVersion: ray.io/v1\nkind: RayJob\n"
NOT_YAML = [
    ("? [a, b]\n: x\n", 2, "a key that is a list or a mapping is no text"),
    ("? {a: b}\n: x\n", 2, "a key that is a list or a mapping is no text"),
    ("metadata:\n  7: x\n", 3, "the key 7 is no text"),
    ("metadata:\n  yes: x\n", 3, "the key yes is no text"),
    ("metadata: &it\n  below: *it\n", 3, "the anchor 'it' contains itself"),
    ("metadata: {storage_path: !!python/object/apply:os.getcwd []}\n", 2, "could not determine a constructor"),
    ("metadata:\n  at: 2026-13-45\n", 3, "'2026-13-45' is no valid timestamp"),
    ("metadata:\n  at: !!int twelve\n", 3, "'twelve' is no valid int"),
    ("metadata:\n  a: \x00\n", 3, "special characters are not allowed"),
    ("metadata: {a: 1, a: 2}\n", 2, "'a' occurs twice"),
]
BAD_VALUES = [
    (AWS + "metadata:\n  usd_per_hour:\n    head: -1\n", 4, "metadata.usd_per_hour.head: the value is -1: it must be a price"),
    (AWS + "metadata:\n  usd_per_hour:\n    head: '0.1'\n", 4, "metadata.usd_per_hour.head: the value is '0.1': it must be a price"),
    (AWS + "metadata:\n  usd_per_hour:\n    head: .nan\n", 4, "the value is nan"),
    (AWS + "metadata:\n  usd_per_hour:\n    head: .inf\n", 4, "the value is inf"),
    (AWS + "metadata:\n  usd_per_hour:\n    head: true\n", 4, "the value is True"),
    (AWS + f"metadata:\n  usd_per_hour:\n    head: 1{'0' * 400}\n", 4, "it must be a price in dollars an hour, 0 or more"),
    (AWS + "metadata:\n  usd_per_hour: 3\n", 3, "metadata.usd_per_hour: the value is 3: it must be a mapping"),
    (AWS + "metadata: [x]\n", 2, "metadata: the value is ['x']: it must be a mapping"),
    (AWS + "metadata:\n  storage_path: [s3://a]\n", 3, "metadata.storage_path: the value is ['s3://a']: it must be text"),
    (AWS + "available_node_types:\n  gpu:\n    max_workers: -2\n", 4, "available_node_types.gpu.max_workers: the value is -2"),
    (AWS + "available_node_types:\n  gpu:\n    max_workers: many\n", 4, "it must be a whole number of 0 or more"),
    (AWS + "available_node_types:\n  gpu:\n    resources: {GPU: -1}\n", 4, "available_node_types.gpu.resources.GPU: the value is -1"),
    (AWS + "available_node_types:\n  gpu:\n    resources: {GPU: one}\n", 4, "it must be a number of 0 or more"),
    (AWS + "available_node_types: [gpu]\n", 2, "available_node_types: the value is ['gpu']"),
    (AWS + "available_node_types:\n  gpu: 7\n", 3, "available_node_types.gpu: the value is 7"),
    ("provider:\n  type: local\n  worker_ips: 10.0.0.1\n", 3, "provider.worker_ips: the value is '10.0.0.1': it must be a list"),
    ("provider:\n  type: [aws]\n", 2, "provider.type is ['aws']"),
    (RAY_JOB + "spec:\n  rayClusterSpec:\n    workerGroupSpecs: {}\n", 5, "it must be a list"),
    (
        RAY_JOB + "spec:\n  rayClusterSpec:\n    workerGroupSpecs:\n      - maxReplicas: x\n",
        6,
        "workerGroupSpecs[0].maxReplicas: the value is 'x'",
    ),
    (RAY_JOB + "metadata:\n  annotations:\n    raygroup/usd-per-hour: '{\"head\": -1}'\n", 5, "it must be JSON text"),
    (RAY_JOB + "metadata:\n  annotations:\n    raygroup/usd-per-hour: [1]\n", 5, "it must be JSON text"),
    ("apiVersion: ray.io/v1\nkind: [RayJob]\n", 2, "kind is ['RayJob']"),
]


def refusal(text, folder):
    file = folder / "cluster.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_cluster_file(file)
    message = str(error.value)
    assert len(message) - len(str(folder)) <= 300
    assert "\n" not in message
    return message.removeprefix(f"{folder}/")


@pytest.mark.parametrize(("text", "line", "reason"), NOT_YAML)
def test_yaml_that_ray_would_read_in_another_way_is_refused_with_its_line(text, line, reason, tmp_path):
    message = refusal(AWS + text, tmp_path)
    assert message.startswith(f"cluster.yaml:{line}: not YAML: ")
    assert reason in message


@pytest.mark.parametrize(("text", "line", "reason"), BAD_VALUES)
def test_a_value_that_cannot_be_used_is_refused_with_its_place_and_line(text, line, reason, tmp_path):
    message = refusal(text, tmp_path)
    assert message.startswith(f"cluster.yaml:{line}: ")
    assert reason in message


def test_lists_that_are_nested_without_end_are_refused(tmp_path):
    assert "nested too deeply" in refusal(AWS + "metadata: " + "[" * 5000, tmp_path)


def test_names_that_many_aliases_repeat_cost_nothing(tmp_path):
    """Ten aliases to ten aliases, ten times over, would be 10 ** 10 texts."""
    levels = "".join(f"    - &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 11))
    text = f"{AWS}setup_commands: [ls]\nrsync_exclude:\n    - &l0 [x]\n{levels}"
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    assert read_cluster_file(file).content["setup_commands"] == ["ls"]


@pytest.mark.parametrize("text", [AWS + "? [a, b]\n: x\n", AWS + "metadata:\n  usd_per_hour:\n    head: -1\n"])
def test_every_command_that_reads_a_cluster_file_ends_with_exit_code_2(text, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cluster.yaml").write_text(text)
    for command, arguments in (
        (cluster.main, ["check", "cluster.yaml"]),
        (sweep.main, ["smoke", "--dry-run", "--cluster", "cluster.yaml"]),
        (sweep.main, ["smoke", "--local", "--budget", "1", "--cluster", "cluster.yaml"]),
    ):
        assert command(arguments) == 2, arguments
        output = capsys.readouterr()
        assert "Traceback" not in output.err
        assert "cluster.yaml:2: " in output.err or "cluster.yaml:4: " in output.err or "-1" in output.out
    assert not (tmp_path / "runs" / "smoke").exists(), "nothing was started"


@pytest.mark.parametrize(
    ("kind", "place", "start"),
    [
        ("aws", "file_mounts./home/ray/.ray/auth_token", "/home/ray/.ray/auth_token:"),
        ("aws", "available_node_types.gpu_spot.node_config.InstanceMarketOptions", "InstanceMarketOptions:"),
        ("aws", "available_node_types.gpu_spot.node_config.NoSuchKey", "node_config:"),
        ("kubernetes", "metadata.annotations.raygroup/usd-per-hour", "raygroup/usd-per-hour:"),
        ("kubernetes", "spec.rayClusterSpec.workerGroupSpecs[1].maxReplicas", "maxReplicas: 2"),
    ],
)
def test_a_line_is_found_although_names_hold_dots_and_keys_are_missing(kind, place, start):
    line = read_cluster_file(FILES[kind]).document.line_of(place)
    assert FILES[kind].read_text().splitlines()[line - 1].strip().startswith(start)


@pytest.mark.parametrize("kind", FILES)
def test_the_shipped_files_are_read_as_any_yaml_reader_does(kind):
    (expected, *_) = yaml.safe_load_all(FILES[kind].read_text())
    assert read_cluster_file(FILES[kind]).content == expected
