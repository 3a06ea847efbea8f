"""An import writes both stores in shards, counts what it leaves out, and repeats only changed shards."""

import json
import os

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from archives_for_tests import pack
from PIL import Image

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.importing import importer
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.scene_store import read_scenes
from raygroup.words.importing.importer import read_user_words

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
    """Return labels and images of a small MLT19."""
    contents = {}
    for number in range(1, count + 1):
        contents[f"tr_img_{number:05}.txt"] = "\n".join(LINES).encode()
        contents[f"tr_img_{number:05}.jpg"] = picture(number)
    return contents


def run_import(paths, out, **settings):
    """Import a data set; return its summary and the number of shards written."""
    written = []

    def map_and_count(work, shards):
        for shard in shards:
            written.append(shard.number)
            yield work(shard)

    collection = Collection(paths)
    import_settings = ImportSettings(source="mlt", **settings)
    summary = importer.import_scenes(collection, format_of(collection), out, import_settings, map_and_count, lambda done, known: None)
    return summary, len(written)


def stored_words(out):
    return pq.read_table(out / "words/mlt-00000.parquet").to_pylist()


def test_copies_of_words_follow_them_with_moved_corners(tmp_path):
    paths = [pack(tmp_path / "mlt", files(1), "folder")]
    plain, _ = run_import(paths, tmp_path / "plain", margin=0.1)
    copied, _ = run_import(paths, tmp_path / "copied", margin=0.1, copies=2)
    assert (plain["copies"], copied["copies"]) == (0, 6)
    assert {**copied, "copies": 0} == plain
    words, rows = stored_words(tmp_path / "plain"), stored_words(tmp_path / "copied")
    assert rows[:3] == words
    assert [{**row, "image": b""} for row in rows[3:]] == [{**word, "image": b""} for word in words for _ in range(2)]
    assert len({row["image"] for row in rows}) == 9
    run_import(paths, tmp_path / "again", margin=0.1, copies=2)
    assert stored_words(tmp_path / "again") == rows


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(importer, "SCENES_PER_SHARD", 2)


def test_words_are_stored_with_their_labels_and_the_rest_is_counted(tmp_path):
    summary, _ = run_import([pack(tmp_path / "mlt", files(3), "folder")], tmp_path / "out")
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
    run_import([pack(tmp_path / "mlt", files(8), "folder")], tmp_path / "out")
    words = read_user_words(tmp_path / "out/words", ("la", "zh", "ar"))
    assert words.table.num_rows == 24
    assert words.tasks == ("ar", "zh", "la")
    assert set(words.table["source"].to_pylist()) == {"mlt"}


def test_scenes_come_back_as_they_were(tmp_path):
    content = files(2)
    run_import([pack(tmp_path / "mlt", content, "folder")], tmp_path / "out")
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
    cases = {
        "folder": [pack(tmp_path / "mlt", content, "folder")],
        "zip": [pack(tmp_path / "mlt.zip", content, "zip")],
        "tar": [pack(tmp_path / "mlt.tar.gz", content, "tar.gz")],
        "apart": [pack(tmp_path / "gt.zip", labels, "zip"), pack(tmp_path / "images.tar.gz", dict(reversed(images.items())), "tar.gz")],
    }
    images_of = {}
    for case, paths in cases.items():
        summary, _ = run_import(paths, tmp_path / case)
        assert summary["words"] == 15, case
        images_of[case] = sorted((scene.name, scene.image) for scene in read_scenes(tmp_path / case))
    assert images_of["folder"] == images_of["zip"] == images_of["tar"] == images_of["apart"]


@pytest.mark.usefixtures("small_shards")
def test_a_second_run_writes_only_shards_that_are_missing_or_have_new_labels(tmp_path):
    folder = pack(tmp_path / "mlt", files(7), "folder")
    first, num_written = run_import([folder], tmp_path / "out")
    assert num_written == 4
    assert run_import([folder], tmp_path / "out") == (first, 0)
    (tmp_path / "out/words/mlt-00001.parquet").unlink()
    assert run_import([folder], tmp_path / "out") == (first, 1)
    (folder / "tr_img_00007.txt").write_text("10,10,50,10,50,30,10,30,Latin,Tower")
    changed, num_written = run_import([folder], tmp_path / "out")
    assert (changed["words"], num_written) == (19, 1)


@pytest.mark.usefixtures("small_shards")
def test_a_data_set_with_fewer_scenes_than_before_leaves_no_old_shards(tmp_path):
    folder = pack(tmp_path / "mlt", files(5), "folder")
    run_import([folder], tmp_path / "out")
    for path in folder.glob("*_0000[45].*"):
        path.unlink()
    summary, _ = run_import([folder], tmp_path / "out")
    assert summary["scenes"] == len([*read_scenes(tmp_path / "out")]) == 3


def test_other_settings_write_other_words(tmp_path):
    folder = pack(tmp_path / "mlt", files(1), "folder")
    run_import([folder], tmp_path / "out")
    summary, num_written = run_import([folder], tmp_path / "out", symbols=True, lossless=True)
    assert (summary["words"], num_written) == (4, 1)
    image = pq.read_table(tmp_path / "out/words/mlt-00000.parquet")["image"][0].as_py()
    assert image.startswith(b"\x89PNG")


def test_files_that_cannot_be_used_are_named_and_the_rest_is_imported(tmp_path):
    content = files(3)
    content["tr_img_00001.jpg"] = content["tr_img_00001.jpg"][:900]
    content["tr_img_00004.txt"] = b"10,10,50,10,50,30,10,30,Latin,lost"
    content["tr_img_00005.jpg"] = picture(2)
    content["tr_img_00002.txt"] += b"\n10,10,50,Latin,short"
    summary, _ = run_import([pack(tmp_path / "mlt", content, "folder")], tmp_path / "out")
    assert summary["scenes"] == 2
    messages = {problem["kind"]: f"{problem['place']}: {problem['what']}" for problem in summary["problems"]["listed"]}
    assert messages["image unreadable"].startswith("tr_img_00001.jpg: JPEG without an end")
    assert messages["image missing"] == "tr_img_00004.txt: no image 'tr_img_00004' here"
    assert messages["labels missing"].startswith("tr_img_00005.jpg: no labels")
    assert "tr_img_00002.txt:8: expected 10 comma-separated fields" in messages["line not understood"]


def test_exact_copies_of_an_image_are_counted(tmp_path):
    content = files(3)
    content["tr_img_00003.jpg"] = content["tr_img_00001.jpg"]
    summary, _ = run_import([pack(tmp_path / "mlt", content, "folder")], tmp_path / "out")
    assert summary["duplicate_images"] == 1


def test_another_data_set_of_the_same_name_is_refused(tmp_path):
    run_import([pack(tmp_path / "mlt", files(1), "folder")], tmp_path / "out")
    with pytest.raises(ConfigError, match="'mlt' is already the data set mlt: give other.zip another --name"):
        run_import([pack(tmp_path / "other.zip", files(1), "zip")], tmp_path / "out")


def test_labels_without_any_image_are_refused(tmp_path):
    labels = {name: data for name, data in files(2).items() if name.endswith(".txt")}
    expected = r"no label file of MLT19 has an image here \(1 images, such as gt\.zip/a\.jpg\): gt\.zip/tr_img_00001\.txt: no image"
    with pytest.raises(ConfigError, match=expected):
        run_import([pack(tmp_path / "gt.zip", labels | {"a.jpg": b""}, "zip")], tmp_path / "out")


def parts(num_scenes, label_folders=("training_gt", "test_gt")):
    """Return labels and light images of a training part, and labels and dark images of a test part."""
    content = {}
    for number in range(1, num_scenes + 1):
        for folder, images, shade in zip(label_folders, ("training_images", "test_images"), (230, 20), strict=True):
            content[f"{images}/img_{number}.png"] = cv2.imencode(".png", np.full((100, 100, 3), shade, np.uint8))[1].tobytes()
            content[f"{folder}/gt_img_{number}.txt"] = f"10,10,90,10,90,30,10,30,{images}".encode()
    return content


def shades_by_text(out):
    """Return the shades of the imported words, by text."""
    words = pq.read_table(out / "words").to_pylist()
    shades = {}
    for word in words:
        shade = int(cv2.imdecode(np.frombuffer(word["image"], np.uint8), cv2.IMREAD_COLOR).mean())
        shades.setdefault(word["text"], []).append(round(shade, -1))
    return shades


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_words_come_from_the_images_of_their_own_part(tmp_path, kind):
    training = {name: data for name, data in parts(3).items() if not name.startswith("test_gt")}
    summary, _ = run_import([pack(tmp_path / "set", training, kind)], tmp_path / "out")
    assert shades_by_text(tmp_path / "out") == {"training_images": [230] * 3}
    assert summary["problems"]["counts"] == {"labels missing": 3}


def test_both_parts_with_the_same_numbers_are_imported(tmp_path):
    run_import([pack(tmp_path / "set", parts(2), "folder")], tmp_path / "out")
    assert shades_by_text(tmp_path / "out") == {"training_images": [230] * 2, "test_images": [20] * 2}
    assert sorted(scene.name for scene in read_scenes(tmp_path / "out")) == [
        "img_1", "img_2", "training_images/img_1", "training_images/img_2",
    ]  # fmt: skip


def test_labels_that_fit_images_of_both_parts_refuse_the_import_unless_they_are_few(tmp_path):
    few = parts(3, ("gt", "gt")) | {
        "img_9.png": picture(9),
        "gt/gt_img_9.txt": b"10,10,90,10,90,30,10,30,one",
    }
    summary, _ = run_import([pack(tmp_path / "few", few, "folder")], tmp_path / "out")
    assert (summary["words"], summary["problems"]["counts"]) == (1, {"two images": 3, "labels missing": 6})
    with pytest.raises(
        ConfigError, match=r"more than 10 label files match several images each: .*gt/gt_img_1\.txt: 2 images match"
    ) as raised:
        run_import([pack(tmp_path / "many", parts(12, ("gt", "gt")), "folder")], tmp_path / "many_out")
    assert len(str(raised.value)) <= 300
    assert not [*(tmp_path / "many_out" / "words").iterdir()]


def test_label_files_of_another_data_set_are_told_of(tmp_path):
    other = {f"mlt17/gt_img_{number}.txt": LINES[0].encode() for number in (1, 2)} | {"mlt17/img_1.jpg": picture(7)}
    summary, _ = run_import([pack(tmp_path / "set", files(3) | other | {"readme.txt": b"about"}, "folder")], tmp_path / "out")
    (problem,) = (problem for problem in summary["problems"]["listed"] if problem["kind"] == "labels of another data set")
    assert problem["place"] == "mlt17/gt_img_1.txt"
    assert problem["what"] == "2 label files are another data set's: this one looks like MLT17: import them by themselves"


def test_the_first_labels_of_an_image_are_taken_and_the_others_are_told_of(tmp_path):
    other = {"other/tr_img_00001.txt": LINES[1].encode()}
    summary, _ = run_import([pack(tmp_path / "mlt", files(2) | other, "folder")], tmp_path / "out")
    (problem,) = (problem for problem in summary["problems"]["listed"] if problem["kind"] == "two labels")
    assert problem["place"] == "other/tr_img_00001.txt"
    assert problem["what"] == "the image 'tr_img_00001' has labels already; the first labels are taken"
    assert summary["scenes"] == 2


def test_a_shard_with_a_damaged_record_is_written_again(tmp_path):
    folder = pack(tmp_path / "mlt", files(1), "folder")
    first, _ = run_import([folder], tmp_path / "out")
    (tmp_path / "out/shards/mlt-00000.json").write_text(json.dumps({"layout": 1})[:5])
    assert run_import([folder], tmp_path / "out") == (first, 1)


def test_transparent_and_deep_images_give_words_that_show_their_text(tmp_path):
    transparent = np.zeros((100, 100, 4), np.uint8)
    transparent[15:25, 20:40, 3] = 255
    deep = np.full((100, 100), 4000, np.uint16)
    deep[15:25, 20:40] = 100
    content = {}
    for number, pixels in enumerate((transparent, deep), start=1):
        content[f"tr_img_{number:05}.png"] = cv2.imencode(".png", pixels)[1].tobytes()
        content[f"tr_img_{number:05}.txt"] = LINES[0].encode()
    run_import([pack(tmp_path / "mlt", content, "folder")], tmp_path / "out", lossless=True)
    for word in pq.read_table(tmp_path / "out/words/mlt-00000.parquet")["image"].to_pylist():
        pixels = cv2.imdecode(np.frombuffer(word, np.uint8), cv2.IMREAD_GRAYSCALE)
        assert np.ptp(pixels) > 200
        assert pixels[0, 0] > 200


def test_an_image_that_is_too_large_by_its_header_is_named_with_its_size(tmp_path):
    content = files(2)
    Image.new("1", (12_000, 12_000)).save(tmp_path / "big.png")
    content["tr_img_00001.png"] = (tmp_path / "big.png").read_bytes()
    del content["tr_img_00001.jpg"]
    summary, _ = run_import([pack(tmp_path / "mlt", content, "folder")], tmp_path / "out")
    (problem,) = summary["problems"]["listed"]
    assert problem["what"].startswith("12000 x 12000 pixels: at most 100 million are read")


@pytest.mark.parametrize("name", ["tr_img_00001.jpg", "tr_img_00001.txt"])
def test_a_pipe_in_a_data_set_is_named_and_not_opened(tmp_path, name):
    folder = pack(tmp_path / "mlt", files(2), "folder")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    summary, _ = run_import([folder], tmp_path / "out")
    assert summary["scenes"] == 1
    assert {"kind": "entry left out", "place": f"{folder}/{name}", "what": "neither a file nor a folder"} in summary["problems"]["listed"]
