import json
import os
import zlib

import numpy as np
import pyarrow as pa
import pytest

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.remote import Remote
from raygroup.storage.layout import FEATURES_FILE, shard_file
from raygroup.words.feature_shards import BATCH_ROWS, FeatureShard, verify_shard, write_features
from raygroup.words.feature_store import FeatureStore, has_features, local_copy_of_features, stored_shape, write_feature_store

SHAPE = (2, 3)


def values(rows):
    return (np.arange(rows * 6) % 2048).astype(np.float16).reshape(rows, *SHAPE)


def blocks(rows):
    return (rows[start : start + BATCH_ROWS] for start in range(0, len(rows), BATCH_ROWS))


def write_file(path, rows=BATCH_ROWS + 5):
    features = values(rows)
    return features, write_features(path, SHAPE, blocks(features), {"data": "f00"})


def write_store(folder, rows=4 * BATCH_ROWS + 5, shard_rows=2 * BATCH_ROWS):
    """Write three shards. The last has five words."""
    features = values(rows)
    starts = range(0, rows, shard_rows)
    shards = [
        write_features(folder / shard_file(number), SHAPE, blocks(features[start : start + shard_rows]), {})
        for number, start in enumerate(starts)
    ]
    write_feature_store(folder / FEATURES_FILE, SHAPE, shards, {"data": "f00"})
    return features, shards


def test_features_are_read_in_any_order_of_rows(tmp_path):
    expected, _ = write_file(tmp_path / "features.arrow")
    features = FeatureStore(tmp_path / "features.arrow")
    rows = np.array([BATCH_ROWS + 4, 0, BATCH_ROWS - 1, 0])
    assert (len(features), features.shape) == (BATCH_ROWS + 5, SHAPE)
    assert np.array_equal(features.rows(rows), expected[rows])


def test_a_store_of_shards_is_read_like_one_array(tmp_path):
    expected, shards = write_store(tmp_path)
    features = FeatureStore(tmp_path / FEATURES_FILE)
    rows = np.array([4 * BATCH_ROWS + 4, 2 * BATCH_ROWS, 2 * BATCH_ROWS - 1, 0, 4 * BATCH_ROWS, 3 * BATCH_ROWS, 0])
    assert [shard.rows for shard in shards] == [2 * BATCH_ROWS, 2 * BATCH_ROWS, 5]
    assert (len(features), features.shape) == (4 * BATCH_ROWS + 5, SHAPE)
    assert np.array_equal(features.rows(rows), expected[rows])
    assert np.array_equal(features.rows(np.arange(len(features))), expected)
    assert stored_shape(tmp_path / FEATURES_FILE) == SHAPE


def test_a_shard_records_the_size_and_the_checksum_of_its_file(tmp_path):
    _, shard = write_file(tmp_path / "features.arrow")
    content = (tmp_path / "features.arrow").read_bytes()
    assert shard == FeatureShard(rows=BATCH_ROWS + 5, bytes=len(content), crc32=zlib.crc32(content))


def test_a_features_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    path, synced, fsync = tmp_path / "features.arrow", [], os.fsync

    def watch(descriptor):
        fsync(descriptor)
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    write_file(path)
    assert synced[0] == (path.stat().st_ino, path.stat().st_size, False)


DAMAGES = {
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "half": lambda content: content[: len(content) // 2],
    "all but the last byte": lambda content: content[:-1],
    "text": lambda content: b"hello",
    "zeros in the middle": lambda content: content[:8] + bytes(len(content) - 1008) + content[-1000:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_features_file_is_an_error_with_its_path_and_a_remedy(tmp_path, damage):
    path = tmp_path / "features.arrow"
    write_file(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(
        ConfigError, match=r"features\.arrow: not a readable features file: .*; delete it, and the next run makes it again"
    ) as error:
        FeatureStore(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_opening_a_store_with_a_damaged_shard_is_an_error_with_its_path(tmp_path, damage):
    write_store(tmp_path)
    path = tmp_path / "00001.arrow"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedFileError, match=r"00001\.arrow: damaged: its checksum is .*; it was removed, and the same command makes"):
        FeatureStore(tmp_path / FEATURES_FILE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000.arrow", "00002.arrow"], "the whole shards stay"


def test_a_missing_shard_and_one_of_other_words_are_errors_with_their_paths(tmp_path):
    write_store(tmp_path)
    (tmp_path / "00001.arrow").rename(tmp_path / "00002.arrow")
    with pytest.raises(ConfigError, match=r"00001\.arrow: no such file, but features\.json lists it"):
        FeatureStore(tmp_path / FEATURES_FILE)
    write_file(tmp_path / "00001.arrow", 2 * BATCH_ROWS)
    with pytest.raises(DamagedFileError, match=r"00001\.arrow: damaged: its checksum is "):
        FeatureStore(tmp_path / FEATURES_FILE)


def test_the_checksum_detects_one_changed_bit(tmp_path):
    _, shards = write_store(tmp_path)
    path = tmp_path / "00000.arrow"
    verify_shard(path, shards[0])
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"00000\.arrow: damaged: its checksum is .*"):
        verify_shard(path, shards[0])


def flip_bit(path):
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)


def test_one_changed_bit_of_a_local_copy_is_noticed_and_the_copy_is_fetched_again(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    index = Remote(f"{bucket}/runs/cache/features-0c") / FEATURES_FILE
    expected, _ = write_store(index.parent)
    flip_bit(local_copy_of_features(index).with_name("00001.arrow"))
    with pytest.raises(DamagedFileError, match=r"00001\.arrow: damaged"):
        FeatureStore(local_copy_of_features(index))
    assert np.array_equal(FeatureStore(local_copy_of_features(index)).rows(np.arange(len(expected))), expected)


def test_a_damaged_list_of_shards_is_named_with_the_way_out_and_counts_as_none(tmp_path):
    write_store(tmp_path)
    assert has_features(tmp_path / FEATURES_FILE)
    (tmp_path / FEATURES_FILE).write_text('{"layout": 1, "store": 2, "shards": [{"rows": 1}]}')
    assert not has_features(tmp_path / FEATURES_FILE)
    with pytest.raises(DamagedFileError, match=r"features\.json: damaged: .*; delete it, and the next run makes it again"):
        FeatureStore(tmp_path / FEATURES_FILE)


def test_a_store_of_another_layout_is_an_error_with_a_remedy(tmp_path):
    write_store(tmp_path)
    stored = json.loads((tmp_path / FEATURES_FILE).read_text())
    (tmp_path / FEATURES_FILE).write_text(json.dumps(stored | {"store": 9}))
    with pytest.raises(ConfigError, match=r"features\.json: features of layout 9, but this version reads 2; delete it, and the next run"):
        FeatureStore(tmp_path / FEATURES_FILE)


def test_a_missing_store_raises_file_not_found(tmp_path):
    for name in (FEATURES_FILE, "features.arrow"):
        with pytest.raises(FileNotFoundError):
            FeatureStore(tmp_path / name)


def test_an_arrow_file_without_features_is_refused(tmp_path):
    table = pa.table({"a": [1]})
    with pa.OSFile(str(tmp_path / "other.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(ConfigError, match=r"other\.arrow: features of layout None, but this version reads 1"):
        FeatureStore(tmp_path / "other.arrow")


def test_a_remote_store_is_copied_once_and_its_shards_are_verified(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    folder = Remote(f"{bucket}/runs/cache/features-0a")
    expected, _ = write_store(folder)
    assert stored_shape(folder / FEATURES_FILE) == SHAPE
    copy = local_copy_of_features(folder / FEATURES_FILE)
    assert np.array_equal(FeatureStore(copy).rows(np.arange(len(expected))), expected)
    before = copy.stat().st_mtime_ns
    assert local_copy_of_features(folder / FEATURES_FILE).stat().st_mtime_ns == before


def test_a_shard_that_arrives_damaged_is_an_error_with_its_remote_path(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path))
    folder = Remote(f"{bucket}/runs/cache/features-0b")
    write_store(folder)
    content = bytearray((folder / "00001.arrow").read_bytes())
    content[5000] ^= 1
    with folder.filesystem.open_output_stream((folder / "00001.arrow").key) as stream:
        stream.write(bytes(content))
    with pytest.raises(ConfigError, match=r"s3://bucket-\w+/runs/cache/features-0b/00001\.arrow: damaged, in storage or while"):
        local_copy_of_features(folder / FEATURES_FILE)
