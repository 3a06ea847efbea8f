import os

import numpy as np
import pyarrow as pa
import pytest

from raygroup.config import ConfigError
from raygroup.words.features import ROWS, Features, write_features

SHAPE = (2, 3)


def written(path, rows=ROWS + 5):
    values = np.arange(rows * 6).astype(np.float16).reshape(rows, *SHAPE)
    write_features(path, SHAPE, (values[start : start + ROWS] for start in range(0, rows, ROWS)), {"data": "f00"})
    return values


def test_features_are_read_in_any_order_of_rows(tmp_path):
    values = written(tmp_path / "features.arrow")
    features = Features(tmp_path / "features.arrow")
    rows = np.array([ROWS + 4, 0, ROWS - 1, 0])
    assert (len(features), features.shape) == (ROWS + 5, SHAPE)
    assert np.array_equal(features.rows(rows), values[rows])


def test_a_features_file_has_all_its_bytes_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synced, fsync = tmp_path / "features.arrow", [], os.fsync

    def watch(descriptor):
        fsync(descriptor)
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    written(path)
    assert synced == [(path.stat().st_ino, path.stat().st_size, False)]


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: bytes(len(whole)),
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-1],
        lambda whole: b"hello",
        lambda whole: whole[:8] + bytes(len(whole) - 1008) + whole[-1000:],
    ],
    ids=["empty", "zeros", "half", "all but the last byte", "text", "zeros in the middle"],
)
def test_a_damaged_features_file_is_named_and_may_be_deleted(tmp_path, damage):
    path = tmp_path / "features.arrow"
    written(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError, match=r"features\.arrow: not a readable features file: .*; delete the file, it is made anew") as error:
        Features(path)
    assert "\n" not in str(error.value)


def test_an_arrow_file_of_something_else_is_no_features_file(tmp_path):
    table = pa.table({"a": [1]})
    with pa.OSFile(str(tmp_path / "other.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(ConfigError, match=r"other\.arrow: features of layout None, this version reads 1"):
        Features(tmp_path / "other.arrow")
