"""Labels find their photographs by name, whatever their layout, and no word gets lost."""

import cv2
import numpy as np
import pytest
from PIL import Image
from rendered_scenes_for_tests import render_set, store_of

from raygroup.errors import ConfigError
from raygroup.scenes.scene_store import read_scenes
from raygroup.spot.ground_truth import read_ground_truth

LINE = "10,20,50,20,50,40,10,40,Latin,word\n"


def photograph(folder, name, size=(80, 60)):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), 90, np.uint8))
    return path


def labels(folder, **lines):
    folder.mkdir(exist_ok=True)
    for name, text in lines.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def test_photographs_lie_where_they_like_and_keep_the_users_spelling(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photograph(tmp_path, "a/img_00001.png")
    photograph(tmp_path, "b/img_00002.png")
    from pathlib import Path

    paths = [Path("a/img_00001.png"), Path("b/img_00002.png")]
    truth = read_ground_truth(labels(tmp_path / "gt", gt_img_00001=LINE, gt_img_00002=LINE + LINE.replace("word", "###")), paths)
    assert [*truth.words] == paths
    assert [len(words) for words in truth.words.values()] == [1, 2]
    (word,) = truth.words[paths[0]]
    assert (word.text, word.script) == ("word", "la")
    assert word.polygon == [(10, 20), (50, 20), (50, 40), (10, 40)]


def test_what_belongs_to_nothing_is_named_and_its_words_are_counted(tmp_path):
    paths = [photograph(tmp_path, "img_00001.png"), photograph(tmp_path, "img_00009.png")]
    truth = read_ground_truth(labels(tmp_path / "gt", gt_img_00001=LINE, gt_img_00002=LINE * 3), paths)
    assert truth.unlabelled == (paths[1],)
    assert truth.without_photograph == {"gt_img_00002.txt": 3}
    assert truth.num_words == 4


def test_images_beside_the_labels_do_not_confuse(tmp_path):
    photograph(tmp_path, "gt/img_00001.png", (10, 10))
    path = photograph(tmp_path, "photographs/img_00001.png")
    truth = read_ground_truth(labels(tmp_path / "gt", gt_img_00001=LINE), [path, path])
    assert [*truth.words] == [path]
    assert not truth.problems.counts


def test_the_photographs_of_the_ground_truth_itself_can_be_given(tmp_path):
    folder = labels(tmp_path / "all", gt_img_00001=LINE)
    path = photograph(folder, "img_00001.png")
    assert [*read_ground_truth(folder, [path]).words] == [path]


def test_a_scene_store_is_ground_truth_and_its_sizes_are_compared(tmp_path):
    store = store_of(tmp_path, 3)
    first, second, _ = read_scenes(store)
    paths = [tmp_path / f"{first.name}.jpg", photograph(tmp_path, f"{second.name}.png", (30, 30))]
    paths[0].write_bytes(first.image)
    truth = read_ground_truth(store, paths)
    assert [len(words) for words in truth.words.values()] == [len(first.instances)]
    assert len(truth.without_photograph) == 2
    assert "is not 160 x 120 pixels" in str(truth.problems.entries[0])


def test_labels_of_a_turned_photograph_are_turned_with_it(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored left side is the top
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(tmp_path / "img_00001.jpg", exif=exif)
    path = tmp_path / "img_00001.jpg"
    (word,) = read_ground_truth(labels(tmp_path / "gt", gt_img_00001=LINE), [path]).words[path]
    assert word.polygon == [(40, 10), (40, 50), (20, 50), (20, 10)]


def test_a_zip_of_another_layout_is_read(tmp_path):
    render_set(tmp_path / "rendered", 2, layout="icdar15")
    paths = sorted((tmp_path / "rendered").rglob("*.jpg"))
    truth = read_ground_truth(tmp_path / "rendered", paths)
    assert len(truth.words) == 2
    assert not truth.without_photograph


def test_labels_of_other_photographs_alone_are_refused(tmp_path):
    path = photograph(tmp_path, "street.png")
    with pytest.raises(ConfigError, match=r"gt: no labels for any of the 1 photographs, such as .*street.png: 1 images are labelled"):
        read_ground_truth(labels(tmp_path / "gt", gt_img_00001=LINE), [path])
    with pytest.raises(ConfigError, match="no such file or folder"):
        read_ground_truth(tmp_path / "none", [path])


def test_a_photograph_that_is_not_there_has_no_labels(tmp_path):
    path = photograph(tmp_path, "img_00001.png")
    truth = read_ground_truth(labels(tmp_path / "gt", gt_img_00001=LINE), [path, tmp_path / "img_00002.png"])
    assert truth.unlabelled == (tmp_path / "img_00002.png",)
