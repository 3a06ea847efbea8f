import json
import os
import zlib

import numpy as np
import pyarrow as pa
import pytest

from raygroup.errors import ConfigError
from raygroup.files.places import Remote
from raygroup.words.feature_store import (
    ROWS,
    STORE,
    Features,
    Shard,
    localised_features,
    require_sound,
    shard_name,
    stored_shape,
    write_features,
    write_store,
)

SHAPE = (2, 3)


def values(rows):
    return (np.arange(rows * 6) % 2048).astype(np.float16).reshape(rows, *SHAPE)


def blocks(rows):
    return (rows[start : start + ROWS] for start in range(0, len(rows), ROWS))


def written(path, rows=ROWS + 5):
    found = values(rows)
    return found, write_features(path, SHAPE, blocks(found), {"data": "f00"})


def store(folder, rows=4 * ROWS + 5, shard_rows=2 * ROWS):
    """Three shards, the last of five words."""
    found = values(rows)
    starts = range(0, rows, shard_rows)
    shards = [
        write_features(folder / shard_name(number), SHAPE, blocks(found[start : start + shard_rows]), {})
        for number, start in enumerate(starts)
    ]
    write_store(folder / STORE, SHAPE, shards, {"data": "f00"})
    return found, shards


def test_features_are_read_in_any_order_of_rows(tmp_path):
    found, _ = written(tmp_path / "features.arrow")
    features = Features(tmp_path / "features.arrow")
    rows = np.array([ROWS + 4, 0, ROWS - 1, 0])
    assert (len(features), features.shape) == (ROWS + 5, SHAPE)
    assert np.array_equal(features.rows(rows), found[rows])


def test_a_store_of_shards_is_read_like_one_array(tmp_path):
    found, shards = store(tmp_path)
    features = Features(tmp_path / STORE)
    rows = np.array([4 * ROWS + 4, 2 * ROWS, 2 * ROWS - 1, 0, 4 * ROWS, 3 * ROWS, 0])
    assert [shard.rows for shard in shards] == [2 * ROWS, 2 * ROWS, 5]
    assert (len(features), features.shape) == (4 * ROWS + 5, SHAPE)
    assert np.array_equal(features.rows(rows), found[rows])
    assert np.array_equal(features.rows(np.arange(len(features))), found)
    assert stored_shape(tmp_path / STORE) == SHAPE


def test_what_is_said_of_a_shard_is_what_lies_on_the_disk(tmp_path):
    _, shard = written(tmp_path / "features.arrow")
    content = (tmp_path / "features.arrow").read_bytes()
    assert shard == Shard(rows=ROWS + 5, bytes=len(content), crc32=zlib.crc32(content))


def test_a_features_file_has_all_its_bytes_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synced, fsync = tmp_path / "features.arrow", [], os.fsync

    def watch(descriptor):
        fsync(descriptor)
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    written(path)
    assert synced[0] == (path.stat().st_ino, path.stat().st_size, False)


DAMAGES = {
    "empty": lambda whole: b"",
    "zeros": lambda whole: bytes(len(whole)),
    "half": lambda whole: whole[: len(whole) // 2],
    "all but the last byte": lambda whole: whole[:-1],
    "text": lambda whole: b"hello",
    "zeros in the middle": lambda whole: whole[:8] + bytes(len(whole) - 1008) + whole[-1000:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_features_file_is_named_and_may_be_deleted(tmp_path, damage):
    path = tmp_path / "features.arrow"
    written(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError, match=r"features\.arrow: not a readable features file: .*; delete the file, it is made anew") as error:
        Features(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_shard_is_named_when_the_store_is_opened(tmp_path, damage):
    store(tmp_path)
    path = tmp_path / "00001.arrow"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        ConfigError, match=r"00001\.arrow: not a readable features file: .*; delete the file and features\.json: it is made"
    ):
        Features(tmp_path / STORE)


def test_a_shard_that_is_gone_or_another_is_named(tmp_path):
    store(tmp_path)
    (tmp_path / "00001.arrow").rename(tmp_path / "00002.arrow")
    with pytest.raises(ConfigError, match=r"00001\.arrow: no such file, though features\.json lists it"):
        Features(tmp_path / STORE)
    written(tmp_path / "00001.arrow", 2 * ROWS)
    with pytest.raises(ConfigError, match=r"00002\.arrow: not the 5 words of shape \(2, 3\) that features\.json lists"):
        Features(tmp_path / STORE)


def test_one_changed_bit_is_found_by_the_checksum(tmp_path):
    _, shards = store(tmp_path)
    path = tmp_path / "00000.arrow"
    require_sound(path, shards[0])
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"00000\.arrow: damaged: its checksum is .*; delete it and features\.json: it is made anew"):
        require_sound(path, shards[0])


def test_a_store_of_another_layout_is_refused_with_the_way_out(tmp_path):
    store(tmp_path)
    stored = json.loads((tmp_path / STORE).read_text())
    (tmp_path / STORE).write_text(json.dumps(stored | {"store": 9}))
    with pytest.raises(ConfigError, match=r"features\.json: features of layout 9, this version reads 2; delete the file, it is made anew"):
        Features(tmp_path / STORE)


def test_where_there_is_nothing_no_features_are_found(tmp_path):
    for name in (STORE, "features.arrow"):
        with pytest.raises(FileNotFoundError):
            Features(tmp_path / name)


def test_an_arrow_file_of_something_else_is_no_features_file(tmp_path):
    table = pa.table({"a": [1]})
    with pa.OSFile(str(tmp_path / "other.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(ConfigError, match=r"other\.arrow: features of layout None, this version reads 1"):
        Features(tmp_path / "other.arrow")


def test_a_store_in_an_object_store_is_copied_here_once_and_every_shard_compared(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    folder = Remote(f"{bucket}/runs/cache/features-0a")
    found, _ = store(folder)
    assert stored_shape(folder / STORE) == SHAPE
    here = localised_features(folder / STORE)
    assert np.array_equal(Features(here).rows(np.arange(len(found))), found)
    before = here.stat().st_mtime_ns
    assert localised_features(folder / STORE).stat().st_mtime_ns == before


def test_a_shard_that_arrives_with_other_bytes_is_named_by_where_it_lies(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    folder = Remote(f"{bucket}/runs/cache/features-0b")
    store(folder)
    content = bytearray((folder / "00001.arrow").read_bytes())
    content[5000] ^= 1
    with folder.files.open_output_stream((folder / "00001.arrow").key) as stream:
        stream.write(bytes(content))
    with pytest.raises(ConfigError, match=r"s3://bucket-\w+/runs/cache/features-0b/00001\.arrow: damaged, there or on the way here"):
        localised_features(folder / STORE)
