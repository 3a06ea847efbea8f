import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.words.word_store import SCHEMA, StoreMetadata, open_word_store, split_of, write_word_store

FACTS = StoreMetadata(fingerprint="f00", tasks=("ar", "la"), report={"kept": 3})


def batch(count, image=b"png", first=0):
    names = [f"w{number}" for number in range(first, first + count)]
    tasks = [("ar", "la", None)[number % 3] for number in range(first, first + count)]
    splits = [("train", "unseen")[number % 2] for number in range(first, first + count)]
    images = [image + name.encode() for name in names]
    return pa.record_batch([images, names, names, tasks, ["here"] * count, splits], schema=SCHEMA)


def test_words_are_read_as_they_were_written(tmp_path):
    write_word_store(tmp_path / "new" / "words.parquet", [batch(2), batch(3, first=2)], FACTS)
    table = open_word_store(tmp_path / "new" / "words.parquet")
    assert len(table) == 5
    assert table.metadata == FACTS
    assert table.labels() == ["w0", "w1", "w2", "w3", "w4"]
    assert table.task_numbers().tolist() == [0, 1, -1, 0, 1]
    assert table.rows_of("train").tolist() == [0, 2, 4]
    assert table.rows_of("new").tolist() == []


def test_a_row_group_is_bounded_so_that_reading_one_needs_little_memory(tmp_path):
    write_word_store(tmp_path / "many.parquet", [batch(5000)], FACTS)
    write_word_store(tmp_path / "large.parquet", [batch(2, b"x" * (9 << 20), first) for first in (0, 2, 4)], FACTS)
    many, large = (pq.ParquetFile(tmp_path / name).metadata for name in ("many.parquet", "large.parquet"))
    assert [many.row_group(group).num_rows for group in range(many.num_row_groups)] == [2048, 2048, 904]
    assert [large.row_group(group).num_rows for group in range(large.num_row_groups)] == [2, 2, 2]


def test_images_can_be_read_in_any_order_of_rows(tmp_path):
    write_word_store(tmp_path / "words.parquet", [batch(5000)], FACTS)
    rows = np.array([4999, 3, 2048, 3, 2047])
    image_at = {}
    for places, images in open_word_store(tmp_path / "words.parquet").images(rows):
        image_at.update(zip(places.tolist(), images.to_pylist(), strict=True))
    assert [image_at[place] for place in range(5)] == [b"pngw4999", b"pngw3", b"pngw2048", b"pngw3", b"pngw2047"]


def test_a_store_without_words_can_be_read(tmp_path):
    write_word_store(tmp_path / "words.parquet", [], FACTS)
    table = open_word_store(tmp_path / "words.parquet")
    assert (len(table), table.labels(), table.task_numbers().tolist()) == (0, [], [])


def test_a_failed_write_leaves_no_file(tmp_path):
    def failing_batches():
        yield batch(2)
        raise ConfigError("too many bad images")

    with pytest.raises(ConfigError, match="too many bad images"):
        write_word_store(tmp_path / "words.parquet", failing_batches(), FACTS)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_keeps_the_older_store(tmp_path):
    write_word_store(tmp_path / "words.parquet", [batch(2)], FACTS)
    with pytest.raises(ZeroDivisionError):
        write_word_store(tmp_path / "words.parquet", [batch(3)], lambda: 1 // 0)
    assert len(open_word_store(tmp_path / "words.parquet")) == 2


def test_a_store_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    path, synced, fsync = tmp_path / "words.parquet", [], os.fsync

    def watch(descriptor):
        fsync(descriptor)
        synced.append((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size, path.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    write_word_store(path, [batch(3)], FACTS)
    of_file, of_folder = synced
    assert of_file == (path.stat().st_ino, path.stat().st_size, False)
    assert (of_folder[0], of_folder[2]) == (tmp_path.stat().st_ino, True)


def test_metadata_may_be_computed_after_the_last_word(tmp_path):
    counts = []

    def batches():
        for _ in range(3):
            counts.append(2)
            yield batch(2)

    write_word_store(tmp_path / "words.parquet", batches(), lambda: StoreMetadata(fingerprint="f", tasks=(), report={"kept": sum(counts)}))
    assert open_word_store(tmp_path / "words.parquet").metadata.report == {"kept": 6}


def test_one_changed_bit_of_a_word_or_an_image_is_an_error_with_its_path(tmp_path):
    path = tmp_path / "words.parquet"
    write_word_store(path, [batch(3)], FACTS)
    content = path.read_bytes()
    column = pq.read_metadata(path).row_group(0).column(1)
    position = column.data_page_offset + column.total_compressed_size - 4
    path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
    with pytest.raises(DamagedFileError, match=r"words\.parquet: damaged: .*; if it lies in the cache of a storage path, delete it"):
        open_word_store(path).labels()


def test_a_file_that_is_not_a_word_store_is_an_error_with_its_path(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    later = pa.Table.from_batches([batch(1)]).replace_schema_metadata({"raygroup": json.dumps({"layout": 99})})
    pq.write_table(later, tmp_path / "later.parquet")
    for name, message in [("other", "has no key 'raygroup'"), ("text", "not a word store"), ("gone", "not a word store")]:
        with pytest.raises(ConfigError, match=rf"{name}\.parquet: .*{message}"):
            open_word_store(tmp_path / f"{name}.parquet")
    with pytest.raises(ConfigError, match="layout 99, but this version reads 1; delete it"):
        open_word_store(tmp_path / "later.parquet")


@given(st.text())
def test_a_words_split_does_not_depend_on_its_case(word):
    assert split_of(word) == split_of(word.casefold())


def test_one_word_in_eleven_is_never_trained_on():
    unseen = sum(split_of(f"word{number}") == "unseen" for number in range(11_000))
    assert 900 < unseen < 1100
    assert split_of("Straße") == split_of("STRASSE")
