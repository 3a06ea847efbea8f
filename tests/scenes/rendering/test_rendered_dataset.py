"""A set of scenes is rendered once, and continued with the same settings only."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from rendered_scenes_for_tests import SETTINGS, contents, render_set

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import FORMATS
from raygroup.scenes.rendering.composing import compose, load_materials
from raygroup.scenes.rendering.dataset import zip_folder


def test_scenes_in_a_folder_can_be_read_in_their_layout(tmp_path):
    summary = render_set(tmp_path / "out", 20)
    collection = Collection([tmp_path / "out"])
    scenes = [*FORMATS["mlt19"].scenes(collection)]
    assert (summary["scenes"], summary["drawn"]) == (20, 20)
    assert summary["words"] == sum(len(scene.instances) for scene in scenes)
    scene, image = compose(SETTINGS, load_materials(SETTINGS), 20)
    assert collection.read(scenes[-1].image) == image
    assert [instance.text for instance in scenes[-1].instances] == [instance.text for instance in scene.instances]


@pytest.mark.parametrize("layout", ["mlt19", "paddleocr", "art19", "synthtextmlt"])
def test_existing_scenes_are_not_drawn_again_and_a_lost_image_comes_back_the_same(tmp_path, layout):
    out = tmp_path / "out"
    render_set(out, 6, layout)
    before = contents(out)
    lost = sorted(name for name in before if name.endswith(".jpg"))[2]
    (out / lost).unlink()
    assert render_set(out, 6, layout)["drawn"] == 1
    assert contents(out) == before
    assert render_set(out, 6, layout)["drawn"] == 0


def test_more_scenes_are_added_and_fewer_remove_none(tmp_path):
    out = tmp_path / "out"
    render_set(out, 3, "art19")
    assert render_set(out, 5, "art19")["drawn"] == 2
    labels = json.loads((out / "train_labels.json").read_text())
    assert [*labels] == [f"gt_{number}" for number in range(1, 6)]
    assert render_set(out, 2, "art19")["scenes"] == 5
    assert json.loads((out / "train_labels.json").read_text()) == labels


@pytest.mark.parametrize(
    ("other", "message"),
    [({"seed": 1}, r"another seed \(0, not 1\)"), ({"width": 200}, r"another width \(160, not 200\)"), ({"split": "val"}, "another split")],
)
def test_scenes_of_other_settings_are_refused(tmp_path, other, message):
    render_set(tmp_path / "out", 1)
    with pytest.raises(ConfigError, match=f"out: the scenes in this folder have {message}"):
        render_set(tmp_path / "out", 1, settings=replace(SETTINGS, **other))
    with pytest.raises(ConfigError, match=r"another layout \(mlt19, not mlt17\)"):
        render_set(tmp_path / "out", 1, "mlt17")


def test_other_background_images_are_other_settings(tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    cv2.imwrite(str(images / "one.png"), np.zeros((50, 50, 3), np.uint8))
    settings = replace(SETTINGS, backgrounds=images)
    render_set(tmp_path / "out", 1, settings=settings)
    cv2.imwrite(str(images / "two.png"), np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(ConfigError, match="another backgrounds"):
        render_set(tmp_path / "out", 1, settings=settings)


def test_a_folder_with_other_files_is_refused_and_unchanged(tmp_path):
    (tmp_path / "thesis.txt").write_text("text")
    with pytest.raises(ConfigError, match="holds something other than rendered scenes: give a new folder"):
        render_set(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_zip_has_all_files_except_the_record_of_the_settings(tmp_path):
    render_set(tmp_path / "out", 2)
    packed = zip_folder(tmp_path / "out")
    assert packed == tmp_path / "out.zip"
    collection = Collection([packed])
    assert sorted(member.name for member in collection.members) == sorted(set(contents(tmp_path / "out")) - {"rendering.json"})
