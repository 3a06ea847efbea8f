"""Every raygroup command in a cluster file has flags that exist, a search space, and inputs that the nodes can read."""

import json

import pytest
from cluster_files import filled_text

from raygroup.cluster import __main__ as cluster

COMMAND = (
    "python -m raygroup.sweep quickstart_seeds --address auto --device cuda --device-memory-gb 24 --storage-path s3://our-bucket/raygroup"
)
TAIL = "--address auto --storage-path s3://our-bucket/raygroup"
MOUNT = "volumeMounts: [{name: shm, mountPath: /dev/shm}, {name: nfs, mountPath: /nfs}]"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def checked(text, capsys):
    """Return what ``check`` says of a text: the rows, and the remarks."""
    with open("cluster.yaml", "w", encoding="utf-8") as file:
        file.write(text)
    exit_code = cluster.main(["check", "cluster.yaml", "--json"])
    output = capsys.readouterr()
    rows = json.loads(output.out)
    assert exit_code == (2 if rows else 0)
    return rows, output.err


def ray_job(entrypoint):
    """Return the shipped RayJob, filled in, with another command in its job."""
    entrypoint = f"python -m raygroup.cluster job {entrypoint}"
    lines = filled_text("kubernetes").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  entrypoint:"))
    end = next(number for number, line in enumerate(lines) if number > start and not line.startswith("    "))
    return "\n".join([*lines[:start], f"  entrypoint: {json.dumps(entrypoint)}", *lines[end:]])


def ray_up(command):
    """Return the shipped file for AWS, filled in, with one more command on the head."""
    return filled_text("aws").replace("head_start_ray_commands:\n", f"head_start_ray_commands:\n  - {json.dumps(command)}\n")


@pytest.mark.parametrize("file", [ray_job, ray_up])
@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (f"python -m raygroup.sweep quickstrat {TAIL}", "no search space 'quickstrat'; there are: "),
        (f"python -m raygroup.sweep mine.py {TAIL}", "no search space file mine.py"),
        (f"python -m raygroup.sweep table3 {TAIL}", "stage1_paper: an input is missing: words of the eight data sets of Table 1"),
        (f"python -m raygroup.sweep table3 --words /data/mlt19 --weights stage1.safetensors {TAIL}", "the weights file stage1.safetensors"),
        (f"python -m raygroup.sweep quickstart --words /data/no {TAIL}", "--words /data/no: no such file or folder"),
        (f"python -m raygroup.sweep quickstart --fonts /data/no {TAIL}", "--fonts /data/no: no such folder"),
        (f"python -m raygroup.sweep quickstart extra {TAIL}", "the sweep command does not take 'extra'"),
        (f"python -m raygroup.sweep quickstart --device tpu {TAIL}", "invalid choice: 'tpu'"),
        (f"python -m raygroup.sweep quickstart --adress auto {TAIL}", "the sweep command has no flag --adress"),
        ("python -m raygroup.sweeps quickstart", "there is no command raygroup.sweeps"),
        ("python -m raygroup.features /data/no --storage-path s3://b/c", "/data/no: no such file or folder"),
        ("python -m raygroup.features s3://b/words.parquet --sweep nosuch --storage-path s3://b/c", "no search space 'nosuch'"),
        ("python -m raygroup.pretrain nosuch --storage-path /nfs/x", "no search space 'nosuch'"),
        (f"bash -c 'cd /tmp && python3.11 -m raygroup.sweep nosuch {TAIL}' > log 2>&1", "no search space 'nosuch'"),
        (f"nohup ~/.raygroup/bin/python -m raygroup.sweep nosuch {TAIL} &", "no search space 'nosuch'"),
    ],
)
def test_a_command_that_would_fail_on_the_cluster_is_found_before(file, command, problem, capsys):
    rows, _ = checked(file(command), capsys)
    assert [row for row in rows if problem in row["problem"]], rows
    assert all(row["line"] > 1 for row in rows)


def test_the_shipped_command_is_found_correct_inside_the_job(capsys):
    assert checked(ray_job(COMMAND), capsys) == ([], "")


def test_a_job_whose_bad_input_would_be_retried_is_reported(capsys):
    bare = filled_text("kubernetes").replace("    python -m raygroup.cluster job\n", "")
    rows, _ = checked(bare, capsys)
    problem = "KubeRay would retry bad input 3 times, each time on a new cluster"
    assert [(row["path"], row["problem"]) for row in rows] == [("spec.entrypoint", problem)]
    assert checked(bare.replace("backoffLimit: 3", "backoffLimit: 0"), capsys) == ([], "")


def test_words_on_storage_that_all_pods_mount_need_not_exist_here(capsys):
    text = ray_job(f"python -m raygroup.sweep quickstart --words /nfs/words {TAIL}")
    assert checked(text, capsys)[0], "no pod mounts it"
    mounted = text.replace("volumeMounts: [{name: shm, mountPath: /dev/shm}]", MOUNT)
    assert checked(mounted, capsys) == ([], "")


def test_weights_beside_the_storage_path_of_own_machines_need_not_exist_here(folder, capsys):
    (folder / "mine.py").write_text(
        "from raygroup.config import Trial, Weights\nfrom raygroup.search_space import Sweep\n"
        'sweep = Sweep(name="mine", trial=Trial(weights=Weights(file="/nfs/ocr/stage1.safetensors")))\n'
    )
    command = "python -m raygroup.sweep mine.py --address auto --storage-path /nfs/ocr/raygroup"
    text = filled_text("local").replace("head_start_ray_commands:\n", f"head_start_ray_commands:\n  - {command}\n")
    rows, remarks = checked(text, capsys)
    assert rows == []
    assert "mine.py is on this machine" in remarks


def test_an_input_that_only_this_machine_has_gets_a_remark(folder, capsys):
    (folder / "words").mkdir()
    rows, remarks = checked(ray_job(f"python -m raygroup.sweep quickstart --words {folder}/words {TAIL}"), capsys)
    assert rows == []
    assert remarks == f"raygroup: {folder}/words is on this machine: make sure that the nodes have it too, under the same name\n"


def test_a_command_after_an_operator_has_arguments_of_its_own(capsys):
    text = ray_up(
        "python -m raygroup.runs status s3://our-bucket/raygroup --watch | tee log; python -m raygroup.cluster watch >> log 2>&1 &"
    )
    assert checked(text, capsys) == ([], "")
