"""``python -m raygroup.features``: same bits everywhere, and resumable.

A sweep on the same words finds the features that the command has made.
"""

import contextlib
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
from ray_processes import is_running, stat_fields
from sweep_process import DEADLINE_S, start_command, wait_for_end, wait_until
from tiny_sweep import space

from raygroup import features, sweep
from raygroup.files.remote import Remote
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS
from raygroup.training.feature_extraction import extract_features
from raygroup.training.universal_weights import load_universal
from raygroup.words.crops import crop_array
from raygroup.words.feature_store import FeatureStore, local_copy_of_features
from raygroup.words.word_store import open_word_store

NUM_WORDS = 1076
"""One full shard of 1024 words and one of 52."""
MANY_WORDS = 4 * 1024
"""Four shards, each of some seconds. After the first there is time to kill a process, also on a busy machine."""


@pytest.fixture(scope="module")
def make_table(tmp_path_factory):
    """Return a function that repeats the words of a small folder up to a number."""
    folder = write_folder(tmp_path_factory.mktemp("given") / "words", columns=("path", "text", "task"))
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    images = [(folder / row["path"]).read_bytes() for row in rows]

    def make(num_words):
        numbers = [number % len(rows) for number in range(num_words)]
        columns = {name: [rows[number][name] for number in numbers] for name in ("text", "task")}
        return pa.table({"image": [images[number] for number in numbers], **columns})

    return make


@pytest.fixture(scope="module")
def table(make_table):
    return make_table(NUM_WORDS)


@pytest.fixture(scope="module")
def data(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "mine.parquet"
    pq.write_table(table, path)
    return path


@pytest.fixture(scope="module")
def much_data(make_table, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "many.parquet"
    pq.write_table(make_table(MANY_WORDS), path)
    return path


def extract(data, storage):
    """Extract the features of ``data`` in one process, and return the storage path."""
    assert features.main([str(data), "--storage-path", str(storage), "--local", "--workers", "1"]) == 0
    return storage


@pytest.fixture(scope="module")
def extracted_storage(data, tmp_path_factory):
    """Return a storage path with the features of ``data``, to read only."""
    return extract(data, tmp_path_factory.mktemp("extracted"))


@pytest.fixture(scope="module")
def much_extracted_storage(much_data, tmp_path_factory):
    """Return a storage path with the features of ``much_data``, to read only."""
    return extract(much_data, tmp_path_factory.mktemp("extracted"))


def shards(storage):
    """Return the bytes of every shard, by file name."""
    return {path.name: path.read_bytes() for path in sorted(storage.glob("cache/features-*/*.arrow"))}


def times(storage):
    return {path: path.stat().st_mtime_ns for path in storage.glob("cache/features-*/*.arrow")}


def folder_of(storage):
    (folder,) = storage.glob("cache/features-*")
    return folder


def arguments_of(data, storage, *more):
    return [str(data), "--storage-path", str(storage), *more]


def has_shard(storage):
    """Return True if a shard is finished."""
    return any(storage.glob("cache/features-*/0*.json"))


def times_of_finished(storage):
    """Return the time of each finished shard, by path. Such a shard has a record."""
    return {path: time_ns for path, time_ns in times(storage).items() if path.with_suffix(".json").exists()}


def test_features_are_the_outputs_of_the_trunk(extracted_storage):
    (store,) = extracted_storage.glob("cache/words-*/words.parquet")
    words, trunk, threads = open_word_store(store), load_universal(LAPTOP_WEIGHTS).trunk, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        blocks = [extract_features(trunk, crop_array(words, rows, 32, 96)) for rows in np.split(np.arange(NUM_WORDS), [1024])]
    finally:
        torch.set_num_threads(threads)
    features_read = FeatureStore(folder_of(extracted_storage) / "features.json")
    assert np.array_equal(features_read.rows(np.arange(NUM_WORDS)), np.concatenate(blocks))
    assert list(shards(extracted_storage)) == ["00000.arrow", "00001.arrow"]


@pytest.mark.slow
def test_the_size_of_shards_does_not_change_features(extracted_storage, data, tmp_path):
    assert features.main([str(data), "--storage-path", str(tmp_path), "--local", "--shard-words", "2048"]) == 0
    assert list(shards(tmp_path)) == ["00000.arrow"]
    rows = np.arange(NUM_WORDS)
    features_here, expected = (FeatureStore(folder_of(storage) / "features.json").rows(rows) for storage in (tmp_path, extracted_storage))
    assert np.array_equal(features_here, expected)


@pytest.mark.slow
def test_a_sweep_uses_features_of_the_command_and_would_make_the_same_ones(data, tmp_path, capsys):
    name = space(tmp_path, steps=10, grid="{}")
    from_command, from_sweep = tmp_path / "command", tmp_path / "sweep"
    assert features.main([str(data), "--sweep", name, "--storage-path", str(from_command), "--local", "--workers", "1"]) == 0
    assert f"made: {NUM_WORDS} words in 2 shards, 13.2 MB, in {folder_of(from_command)}" in capsys.readouterr().out
    before = times(from_command)
    assert sweep.main([name, "--words", str(data), "--storage-path", str(from_command), "--local"]) == 0
    assert "through the trunk" not in capsys.readouterr().out
    assert times(from_command) == before
    assert sweep.main([name, "--words", str(data), "--storage-path", str(from_sweep), "--local"]) == 0
    assert "through the trunk" in capsys.readouterr().out
    assert folder_of(from_sweep).name == folder_of(from_command).name
    assert shards(from_sweep) == shards(from_command)


def test_a_second_run_writes_nothing_and_imports_neither_torch_nor_ray(extracted_storage, data):
    before = times(extracted_storage)
    code = (
        f"import sys; from raygroup import features; code = features.main([{str(data)!r}, '--storage-path', {str(extracted_storage)!r}]); "
        "print('LOADED', code, [name for name in ('torch', 'ray') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert f"already made: {NUM_WORDS} words in 2 shards" in output
    assert "LOADED 0 []" in output
    assert times(extracted_storage) == before


@pytest.mark.slow
def test_after_a_kill_the_same_command_makes_only_the_missing_shards(much_extracted_storage, much_data, tmp_path):
    arguments = arguments_of(much_data, tmp_path, "--local", "--workers", "1")
    with start_command("raygroup.features", arguments) as command:
        wait_until(lambda: has_shard(tmp_path), command)
        os.kill(command.pid, signal.SIGKILL)
        wait_for_end(command)
    before = times_of_finished(tmp_path)
    assert not (folder_of(tmp_path) / "features.json").exists()
    assert 0 < len(before) < 4
    extract(much_data, tmp_path)
    assert before.items() <= times(tmp_path).items()
    assert shards(tmp_path) == shards(much_extracted_storage)
    assert not list(folder_of(tmp_path).glob("*.partial-*"))


@pytest.mark.slow
def test_ctrl_c_prints_the_command_that_continues(much_data, tmp_path):
    arguments = arguments_of(much_data, tmp_path, "--local", "--workers", "1")
    with start_command("raygroup.features", arguments) as command:
        wait_until(lambda: has_shard(tmp_path), command)
        os.killpg(command.pid, signal.SIGINT)
        out = wait_for_end(command)
    assert command.returncode == 130
    assert f"Everything recorded so far is kept. To continue: python -m raygroup.features {' '.join(arguments)}" in out
    assert "Traceback" not in out


@pytest.mark.slow
def test_only_a_damaged_shard_is_made_again(extracted_storage, data, tmp_path):
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
    for number, start in enumerate(range(0, NUM_WORDS, 400)):
        pq.write_table(table.slice(start, 400), tmp_path / "parts" / f"train-{number:05}-of-00003.parquet")
    arguments = [str(tmp_path / "parts"), "--storage-path", str(tmp_path / "runs"), "--local", "--workers", "1"]
    assert features.main([*arguments, "--dry-run"]) == 0
    assert "to make: words in " in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
    assert features.main(arguments) == 0
    assert [*map(len, shards(tmp_path / "runs").values())] == [*map(len, shards(extracted_storage).values())]
    rows = np.arange(NUM_WORDS)
    features_here, expected = (
        FeatureStore(folder_of(storage) / "features.json").rows(rows) for storage in (tmp_path / "runs", extracted_storage)
    )
    assert np.array_equal(features_here, expected)


@pytest.mark.slow
def test_words_and_features_may_be_in_an_object_store(extracted_storage, data, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    remote_data = Remote(f"{bucket}/given/mine.parquet")
    with remote_data.filesystem.open_output_stream(remote_data.key) as stream:
        stream.write(data.read_bytes())
    assert features.main([str(remote_data), "--storage-path", f"{bucket}/runs", "--local"]) == 0
    (index,) = Remote(f"{bucket}/runs/cache").glob("features-*/features.json")
    assert index.parent.name == folder_of(extracted_storage).name
    copies = local_copy_of_features(index).parent
    assert {path.name: path.read_bytes() for path in copies.glob("*.arrow")} == shards(extracted_storage)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.parquet", "--shard-words", "1000"], "--shard-words is 1000: it must be a multiple of 1024"),
        (["nothing.parquet"], "nothing.parquet: no such file or folder"),
        (["mine.parquet", "--weights", "none.safetensors"], "weights file none.safetensors"),
        (["mine.parquet", "--sweep", "nonesuch"], "no search space 'nonesuch'"),
    ],
)
def test_bad_input_is_one_clear_line(data, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(data.parent)
    assert features.main([*arguments, "--storage-path", str(tmp_path), "--local"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def actors_below(pid: int) -> list[int]:
    """Return the process ids of the pool's actors below this process."""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int(stat_fields(int(folder.name))[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")

    def is_below(child: int) -> bool:
        return child == pid or (child in parents and is_below(parents[child]))

    return [child for child, name in names.items() if name.startswith("ray::MapWorker") and is_below(child)]


@pytest.mark.slow
def test_on_ray_after_an_actor_was_killed_the_features_are_the_same_as_without_ray(much_extracted_storage, much_data, tmp_path):
    with start_command("raygroup.features", arguments_of(much_data, tmp_path, "--workers", "1")) as command:
        wait_until(lambda: has_shard(tmp_path), command)
        os.kill(actors_below(command.pid)[0], signal.SIGKILL)
        out = wait_for_end(command)
    assert command.returncode == 0, out
    assert shards(tmp_path) == shards(much_extracted_storage)
    dashboard, *lines = out.splitlines()
    assert dashboard.startswith("Ray's dashboard: http://127.0.0.1:")
    assert all(" words" in line for line in lines), f"Ray must not print: {out}"


@pytest.mark.slow
def test_on_ray_the_actors_of_a_killed_driver_end_and_its_shards_remain(much_extracted_storage, much_data, tmp_path):
    with start_command("raygroup.features", arguments_of(much_data, tmp_path, "--workers", "1")) as command:
        wait_until(lambda: has_shard(tmp_path), command)
        actors = actors_below(command.pid)
        os.kill(command.pid, signal.SIGKILL)
        wait_for_end(command)
    assert actors
    deadline = time.monotonic() + DEADLINE_S
    while any(map(is_running, actors)):
        assert time.monotonic() < deadline, "an actor outlives its driver"
        time.sleep(0.2)
    before = times_of_finished(tmp_path)
    assert before
    extract(much_data, tmp_path)
    assert before.items() <= times(tmp_path).items()
    assert shards(tmp_path) == shards(much_extracted_storage)
