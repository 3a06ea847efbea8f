"""Cluster files that are odd YAML, or hold numbers that cannot be."""

import pytest

from raygroup import sweep
from raygroup.cluster.__main__ import main as cluster
from raygroup.errors import ConfigError
from raygroup.runtime.planning.cluster_file import read_cluster_file

LOCAL = "cluster_name: x\nprovider: {type: local, head_ip: 1.2.3.4, worker_ips: [1.2.3.5]}\nauth: {ssh_user: x}\n"
KUBERNETES = "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: {annotations: {raygroup/usd-per-hour: '%s'}}\n"
ODD = [
    (LOCAL + "? [a, b]\n: c\n", ":4: not YAML: the name of a list or a mapping must be a text"),
    (LOCAL + "1: c\n", ":4: not YAML: the name '1' must be a text, in quotes if it looks like a number"),
    (LOCAL + "auth: c\n", ":4: not YAML: 'auth' occurs twice"),
    (LOCAL + "x: 2024-13-45\n", ":4: not YAML: '2024-13-45' is no timestamp"),
    (LOCAL + "x: !!bool q\n", ":4: not YAML: 'q' is no bool"),
    (LOCAL + "x: !!timestamp q\n", ":4: not YAML: 'q' is no timestamp"),
    (LOCAL + "x: 0x_\n", ":4: not YAML: '0x_' is no int"),
    (LOCAL + "x: \0\n", ":4: not YAML: it has the character U+0000"),
    (LOCAL + f"x: {'[' * 3000}\n", ": not YAML of a cluster file: it is nested too deeply"),
    (LOCAL + "metadata: {usd_per_hour: {head: -1}}\n", ": the price of head is -1: it must be a number from 0"),
    (LOCAL + "metadata: {usd_per_hour: {head: .nan}}\n", ": the price of head is nan: it must be a number from 0"),
    (LOCAL + "metadata: {usd_per_hour: {head: '3'}}\n", ": the price of head is '3': it must be a number from 0"),
    (LOCAL + "metadata: {resources: {GPU: -4}}\n", ": GPU of worker is -4: it must be a number from 0"),
    (KUBERNETES % '{"g": -1}', ": the price of g is -1: it must be a number from 0"),
    (KUBERNETES % ("[" * 100_000), ": metadata.annotations.raygroup/usd-per-hour: not JSON"),
]


@pytest.mark.parametrize(("text", "message"), ODD)
def test_an_odd_file_is_refused_in_one_line_with_its_place(text, message, tmp_path):
    path = tmp_path / "cluster.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        read_cluster_file(path)
    assert str(refusal.value).startswith(f"{path}{message}")
    assert "\n" not in str(refusal.value)


def test_the_check_and_the_dry_run_refuse_it_alike(tmp_path, capsys):
    path = tmp_path / "cluster.yaml"
    path.write_text(ODD[0][0], encoding="utf-8")
    assert cluster(["check", str(path)]) == 2
    assert sweep.main(["smoke", "--dry-run", "--storage-path", str(tmp_path), "--cluster", str(path)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1]


def test_quantities_that_are_no_numbers_count_as_none(tmp_path):
    path = tmp_path / "cluster.yaml"
    group = "{rayStartParams: {num-cpus: ²}, template: {spec: {containers: [{resources: {limits: {cpu: four, nvidia.com/gpu: [1]}}}]}}}"
    path.write_text(KUBERNETES % "{}" + f"spec: {{headGroupSpec: {group}}}\n", encoding="utf-8")
    assert read_cluster_file(path).node_types[0].resources == {"CPU": 0.0, "GPU": 0.0}


def test_an_entrypoint_with_help_or_a_wrong_flag_is_a_finding(tmp_path, capsys):
    path = tmp_path / "job.yaml"
    for flag, problem in (("--help", "would print its help"), ("--accumulate 0", "'0' must be a whole number from 1")):
        job = KUBERNETES.replace("RayCluster", "RayJob") % "{}" + f"spec: {{entrypoint: python -m raygroup.sweep smoke {flag}}}\n"
        path.write_text(job, encoding="utf-8")
        assert cluster(["check", str(path), "--json"]) == 2
        assert problem in capsys.readouterr().out
