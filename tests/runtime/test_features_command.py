"""``python -m raygroup.features``: same bits everywhere, and resumable.

A sweep on the same words finds the features that the command has made.
"""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from given_words import write_folder
from tiny_sweep import space

from raygroup import features, sweep
from raygroup.files.remote import Remote
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS
from raygroup.training.feature_extraction import extract_features
from raygroup.training.universal_weights import load_universal
from raygroup.words.crops import crop_array
from raygroup.words.feature_store import FeatureStore, local_copy_of_features
from raygroup.words.word_store import open_word_store

WORDS = 2100
"""Two full shards of 1024 words and one of 52."""


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Return a table that repeats the words of a small folder."""
    folder = write_folder(tmp_path_factory.mktemp("given") / "words", columns=("path", "text", "task"))
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [rows[number % len(rows)] for number in range(WORDS)]
    images = [(folder / row["path"]).read_bytes() for row in rows]
    return pa.table({"image": images, "text": [row["text"] for row in rows], "task": [row["task"] for row in rows]})


@pytest.fixture(scope="module")
def data(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "mine.parquet"
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="module")
def extracted_storage(data, tmp_path_factory):
    """Return a storage path with the features of ``data``, to read only."""
    storage = tmp_path_factory.mktemp("made")
    assert features.main([str(data), "--storage-path", str(storage), "--local"]) == 0
    return storage


def shards(storage):
    """Return the bytes of every shard, by file name."""
    return {path.name: path.read_bytes() for path in sorted(storage.glob("cache/features-*/*.arrow"))}


def times(storage):
    return {path: path.stat().st_mtime_ns for path in storage.glob("cache/features-*/*.arrow")}


def folder_of(storage):
    (folder,) = storage.glob("cache/features-*")
    return folder


def start_and_wait(data, storage, *more):
    """Start the command in a process of its own, and wait for its first shard.

    When this returns, it has finished one shard and begun another.
    """
    command = subprocess.Popen(
        [sys.executable, "-m", "raygroup.features", str(data), "--storage-path", str(storage), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    while not (list(storage.glob("cache/features-*/0*.json")) and list(storage.glob("cache/features-*/*.partial-*"))):
        assert command.poll() is None, command.stdout.read()
        time.sleep(0.02)
    return command


def test_features_are_what_the_trunk_gives_whoever_makes_them(extracted_storage):
    (store,) = extracted_storage.glob("cache/words-*/words.parquet")
    words, trunk, threads = open_word_store(store), load_universal(LAPTOP_WEIGHTS).trunk, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        blocks = [extract_features(trunk, crop_array(words, rows, 32, 96)) for rows in np.split(np.arange(WORDS), [1024, 2048])]
    finally:
        torch.set_num_threads(threads)
    features_read = FeatureStore(folder_of(extracted_storage) / "features.json")
    assert np.array_equal(features_read.rows(np.arange(WORDS)), np.concatenate(blocks))
    assert list(shards(extracted_storage)) == ["00000.arrow", "00001.arrow", "00002.arrow"]


def test_larger_shards_hold_the_same_words(extracted_storage, data, tmp_path):
    assert features.main([str(data), "--storage-path", str(tmp_path), "--local", "--shard-words", "2048"]) == 0
    assert list(shards(tmp_path)) == ["00000.arrow", "00001.arrow"]
    every = np.arange(WORDS)
    features_read, other = (FeatureStore(folder_of(storage) / "features.json").rows(every) for storage in (tmp_path, extracted_storage))
    assert np.array_equal(features_read, other)


def test_a_sweep_on_these_words_finds_them_made_as_it_would_have_made_them(data, tmp_path, capsys):
    name = space(tmp_path, steps=10, grid="{}")
    commanded, trained = tmp_path / "commanded", tmp_path / "own"
    assert features.main([str(data), "--sweep", name, "--storage-path", str(commanded), "--local"]) == 0
    assert f"made: {WORDS} words in 3 shards, 25.8 MB, in {folder_of(commanded)}" in capsys.readouterr().out
    before = times(commanded)
    assert sweep.main([name, "--words", str(data), "--storage-path", str(commanded), "--local"]) == 0
    assert "through the trunk" not in capsys.readouterr().out
    assert times(commanded) == before
    assert sweep.main([name, "--words", str(data), "--storage-path", str(trained), "--local"]) == 0
    assert "through the trunk" in capsys.readouterr().out
    assert folder_of(trained).name == folder_of(commanded).name
    assert shards(trained) == shards(commanded)


def test_run_again_it_does_nothing_and_needs_neither_torch_nor_ray(extracted_storage, data):
    before = times(extracted_storage)
    code = (
        f"import sys; from raygroup import features; code = features.main([{str(data)!r}, '--storage-path', {str(extracted_storage)!r}]); "
        "print('LOADED', code, [name for name in ('torch', 'ray') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "made already: 2100 words in 3 shards" in output
    assert "LOADED 0 []" in output
    assert times(extracted_storage) == before


def test_after_a_kill_the_same_command_makes_only_what_is_missing(extracted_storage, data, tmp_path):
    command = start_and_wait(data, tmp_path, "--local", "--workers", "1")
    os.kill(command.pid, signal.SIGKILL)
    command.communicate(timeout=60)
    before = {path: at for path, at in times(tmp_path).items() if path.with_suffix(".json").exists()}
    assert not (folder_of(tmp_path) / "features.json").exists()
    assert 0 < len(before) < 3
    assert features.main([str(data), "--storage-path", str(tmp_path), "--local"]) == 0
    assert before.items() <= times(tmp_path).items()
    assert shards(tmp_path) == shards(extracted_storage)
    assert not list(folder_of(tmp_path).glob("*.partial-*"))


def test_ctrl_c_says_how_to_go_on(data, tmp_path):
    command = start_and_wait(data, tmp_path, "--local", "--workers", "1")
    os.killpg(command.pid, signal.SIGINT)
    out, _ = command.communicate(timeout=60)
    assert command.returncode == 130
    assert f"To continue: python -m raygroup.features {data} --storage-path {tmp_path} --local --workers 1" in out
    assert "Traceback" not in out


def test_a_damaged_shard_is_made_anew_alone(extracted_storage, data, tmp_path):
    shutil.copytree(extracted_storage / "cache", tmp_path / "cache")
    before = times(tmp_path)
    (folder_of(tmp_path) / "00001.arrow").write_bytes(b"damaged")
    (folder_of(tmp_path) / "features.json").unlink()
    assert features.main([str(data), "--storage-path", str(tmp_path), "--local"]) == 0
    after = times(tmp_path)
    assert {path.name for path in after if after[path] != before[path]} == {"00001.arrow"}
    assert shards(tmp_path) == shards(extracted_storage)


def test_a_folder_of_parquet_files_is_one_data_set(extracted_storage, table, tmp_path, capsys):
    (tmp_path / "parts").mkdir()
    for number, start in enumerate(range(0, WORDS, 1000)):
        pq.write_table(table.slice(start, 1000), tmp_path / "parts" / f"train-{number:05}-of-00003.parquet")
    arguments = [str(tmp_path / "parts"), "--storage-path", str(tmp_path / "runs"), "--local"]
    assert features.main([*arguments, "--dry-run"]) == 0
    assert "to make: words in " in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
    assert features.main(arguments) == 0
    assert [*map(len, shards(tmp_path / "runs").values())] == [*map(len, shards(extracted_storage).values())]
    every = np.arange(WORDS)
    features_read, other = (
        FeatureStore(folder_of(storage) / "features.json").rows(every) for storage in (tmp_path / "runs", extracted_storage)
    )
    assert np.array_equal(features_read, other)


def test_words_and_features_may_lie_in_an_object_store(extracted_storage, data, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    there = Remote(f"{bucket}/given/mine.parquet")
    with there.filesystem.open_output_stream(there.key) as stream:
        stream.write(data.read_bytes())
    assert features.main([str(there), "--storage-path", f"{bucket}/runs", "--local"]) == 0
    (listed,) = Remote(f"{bucket}/runs/cache").glob("features-*/features.json")
    assert listed.parent.name == folder_of(extracted_storage).name
    here = local_copy_of_features(listed).parent
    assert {path.name: path.read_bytes() for path in here.glob("*.arrow")} == shards(extracted_storage)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.parquet", "--shard-words", "1000"], "--shard-words is 1000: it must be a multiple of 1024"),
        (["nothing.parquet"], "nothing.parquet: no such file or folder"),
        (["mine.parquet", "--weights", "none.safetensors"], "weights none.safetensors"),
        (["mine.parquet", "--sweep", "nonesuch"], "no search space 'nonesuch'"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(data, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(data.parent)
    assert features.main([*arguments, "--storage-path", str(tmp_path), "--local"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def workers_below(pid: int) -> list[int]:
    """Return the process ids of the pool's actors below this process."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue

    def is_below(child: int) -> bool:
        return child == pid or (child in parents and is_below(parents[child]))

    return [child for child, name in names.items() if name.startswith("ray::MapWorker") and is_below(child)]


@pytest.mark.slow
def test_on_ray_an_actor_that_is_killed_costs_its_shard_and_the_bits_are_those_without_ray(extracted_storage, data, tmp_path):
    command = start_and_wait(data, tmp_path, "--workers", "1")
    (worker,) = workers_below(command.pid)
    os.kill(worker, signal.SIGKILL)
    out, _ = command.communicate(timeout=300)
    assert command.returncode == 0, out
    assert shards(tmp_path) == shards(extracted_storage)
    assert all(" words" in line for line in out.splitlines()), "Ray prints nothing here"


@pytest.mark.slow
def test_on_ray_a_killed_driver_leaves_its_shards_and_no_actor(extracted_storage, data, tmp_path):
    command = start_and_wait(data, tmp_path, "--workers", "1")
    workers = workers_below(command.pid)
    os.kill(command.pid, signal.SIGKILL)
    command.communicate(timeout=60)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    before = {path: at for path, at in times(tmp_path).items() if path.with_suffix(".json").exists()}
    assert before
    assert features.main([str(data), "--storage-path", str(tmp_path), "--local"]) == 0
    assert before.items() <= times(tmp_path).items()
    assert shards(tmp_path) == shards(extracted_storage)
