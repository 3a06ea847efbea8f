"""An import makes both stores, in shards, once; what it leaves out is counted, and what changed is made anew."""

import io
import json
import tarfile
import zipfile
from concurrent.futures import Future

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.importing import importer as importing
from raygroup.scenes.importing.shard_rows import Settings
from raygroup.scenes.scene_store import read_scenes
from raygroup.words.importing.importer import read_given

LINES = [
    "10,10,50,10,50,30,10,30,Latin,Castle",
    "60,10,90,10,90,30,60,30,Chinese,Hotel",
    "10,40,50,40,50,60,10,60,Latin,###",
    "10,70,50,70,50,90,10,90,Symbols,+++",
    "60,40,90,40,90,60,60,60,Arabic,\u200f\u0633\u0644\u0627\u0645",
    "60,70,90,70,90,90,60,90,Latin, ",
    "200,200,240,200,240,220,200,220,Latin,beyond",
]


def picture(number):
    pixels = np.random.default_rng(number).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", pixels)[1].tobytes()


def files(count):
    """Labels and images of a small MLT19."""
    found = {}
    for number in range(1, count + 1):
        found[f"tr_img_{number:05}.txt"] = "\n".join(LINES).encode()
        found[f"tr_img_{number:05}.jpg"] = picture(number)
    return found


def as_folder(path, content):
    path.mkdir()
    for name, data in content.items():
        (path / name).write_bytes(data)
    return path


def as_zip(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def as_tar(path, content):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


class Here:
    """Does at once what it is given, and counts it."""

    def __init__(self):
        self.done = 0

    def submit(self, work, *arguments):
        self.done += 1
        future = Future()
        future.set_result(work(*arguments))
        return future


def take(paths, out, **settings):
    pool = Here()
    collection = Collection(paths)
    summary = importing.run(
        collection, format_of(collection), out, Settings(source="mlt", **settings), pool, 1, lambda done, of: None
    )  # fmt: skip
    return summary, pool.done


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(importing, "SHARD_SCENES", 2)


def test_words_are_kept_with_what_the_labels_say_and_the_rest_is_counted(tmp_path):
    summary, _ = take([as_folder(tmp_path / "mlt", files(3))], tmp_path / "out")
    assert summary["scenes"] == 3
    assert summary["words"] == 9
    assert summary["dropped"] == {
        "don't-care": 3, "no text": 3, "script Symbols, which no task reads": 3, "too small, or outside of the image": 3,
    }  # fmt: skip
    assert summary["by_task"] == {"la": 3, "zh": 3, "ar": 3}
    assert summary["contradicting"] == {"zh/la": 3}
    rows = pq.read_table(tmp_path / "out/words/mlt-00000.parquet").to_pylist()[:3]
    assert [(row["text"], row["label"], row["task"], row["instance"], row["contradicts"]) for row in rows] == [
        ("Castle", "Castle", "la", 0, False),
        ("Hotel", "Hotel", "zh", 1, True),
        ("\u200f\u0633\u0644\u0627\u0645", "\u0633\u0644\u0627\u0645", "ar", 4, False),
    ]


def test_the_words_are_a_data_set_for_a_sweep(tmp_path):
    take([as_folder(tmp_path / "mlt", files(8))], tmp_path / "out")
    given = read_given(tmp_path / "out/words", ("la", "zh", "ar"))
    assert given.table.num_rows == 24
    assert given.tasks == ("ar", "zh", "la")
    assert set(given.table["source"].to_pylist()) == {"mlt"}


def test_scenes_come_back_as_they_were(tmp_path):
    content = files(2)
    take([as_folder(tmp_path / "mlt", content)], tmp_path / "out")
    scene, _ = read_scenes(tmp_path / "out")
    assert scene.image == content["tr_img_00001.jpg"]
    assert (scene.width, scene.height) == (100, 100)
    assert [instance.text for instance in scene.instances] == [line.split(",", 9)[9] for line in LINES]
    assert scene.instances[0].polygon.tolist() == [[10, 10], [50, 10], [50, 30], [10, 30]]
    assert [instance.dont_care for instance in scene.instances] == [False, False, True, False, False, False, False]


@pytest.mark.usefixtures("small_shards")
def test_folder_zip_and_tarball_give_the_same_stores(tmp_path):
    content = files(5)
    images = {name: data for name, data in content.items() if name.endswith(".jpg")}
    labels = {name: data for name, data in content.items() if name.endswith(".txt")}
    ways = {
        "folder": [as_folder(tmp_path / "mlt", content)],
        "zip": [as_zip(tmp_path / "mlt.zip", content)],
        "tar": [as_tar(tmp_path / "mlt.tar.gz", content)],
        "apart": [as_zip(tmp_path / "gt.zip", labels), as_tar(tmp_path / "images.tar.gz", dict(reversed(images.items())))],
    }
    texts = {}
    for way, paths in ways.items():
        summary, _ = take(paths, tmp_path / way)
        assert summary["words"] == 15, way
        texts[way] = sorted((scene.name, scene.image) for scene in read_scenes(tmp_path / way))
    assert texts["folder"] == texts["zip"] == texts["tar"] == texts["apart"]


@pytest.mark.usefixtures("small_shards")
def test_a_second_run_makes_what_is_missing_and_what_was_labelled_anew(tmp_path):
    folder = as_folder(tmp_path / "mlt", files(7))
    first, made = take([folder], tmp_path / "out")
    assert made == 4
    assert take([folder], tmp_path / "out") == (first, 0)
    (tmp_path / "out/words/mlt-00001.parquet").unlink()
    assert take([folder], tmp_path / "out") == (first, 1)
    (folder / "tr_img_00007.txt").write_text("10,10,50,10,50,30,10,30,Latin,Tower")
    changed, made = take([folder], tmp_path / "out")
    assert (changed["words"], made) == (19, 1)


@pytest.mark.usefixtures("small_shards")
def test_a_data_set_that_became_smaller_leaves_nothing_behind(tmp_path):
    folder = as_folder(tmp_path / "mlt", files(5))
    take([folder], tmp_path / "out")
    for path in folder.glob("*_0000[45].*"):
        path.unlink()
    summary, _ = take([folder], tmp_path / "out")
    assert summary["scenes"] == len([*read_scenes(tmp_path / "out")]) == 3


def test_other_settings_make_other_words(tmp_path):
    folder = as_folder(tmp_path / "mlt", files(1))
    take([folder], tmp_path / "out")
    summary, made = take([folder], tmp_path / "out", symbols=True, lossless=True)
    assert (summary["words"], made) == (4, 1)
    image = pq.read_table(tmp_path / "out/words/mlt-00000.parquet")["image"][0].as_py()
    assert image.startswith(b"\x89PNG")


def test_what_cannot_be_used_is_named_and_the_rest_is_taken(tmp_path):
    content = files(3)
    content["tr_img_00001.jpg"] = content["tr_img_00001.jpg"][:900]
    content["tr_img_00004.txt"] = b"10,10,50,10,50,30,10,30,Latin,lost"
    content["tr_img_00005.jpg"] = picture(2)
    content["tr_img_00002.txt"] += b"\n10,10,50,Latin,short"
    summary, _ = take([as_folder(tmp_path / "mlt", content)], tmp_path / "out")
    assert summary["scenes"] == 2
    told = {problem["kind"]: f"{problem['place']}: {problem['what']}" for problem in summary["problems"]["listed"]}
    assert told["image unreadable"].startswith("tr_img_00001.jpg: JPEG without an end")
    assert told["image missing"] == "tr_img_00004.txt: no image 'tr_img_00004' here"
    assert told["labels missing"].startswith("tr_img_00005.jpg: no labels")
    assert "tr_img_00002.txt:8: expected 10 comma-separated fields" in told["line not understood"]


def test_exact_copies_of_an_image_are_counted(tmp_path):
    content = files(3)
    content["tr_img_00003.jpg"] = content["tr_img_00001.jpg"]
    summary, _ = take([as_folder(tmp_path / "mlt", content)], tmp_path / "out")
    assert summary["duplicate_images"] == 1


def test_another_data_set_of_the_same_name_is_refused(tmp_path):
    take([as_folder(tmp_path / "mlt", files(1))], tmp_path / "out")
    with pytest.raises(ConfigError, match="'mlt' is the data set mlt there; give other.zip another --name"):
        take([as_zip(tmp_path / "other.zip", files(1))], tmp_path / "out")


def test_labels_without_any_image_are_refused(tmp_path):
    labels = {name: data for name, data in files(2).items() if name.endswith(".txt")}
    with pytest.raises(ConfigError, match="no label file of MLT19 has an image here"):
        take([as_zip(tmp_path / "gt.zip", labels)], tmp_path / "out")


def test_a_damaged_record_has_its_shard_made_anew(tmp_path):
    folder = as_folder(tmp_path / "mlt", files(1))
    first, _ = take([folder], tmp_path / "out")
    (tmp_path / "out/shards/mlt-00000.json").write_text(json.dumps({"layout": 1})[:5])
    assert take([folder], tmp_path / "out") == (first, 1)
