"""A set of scenes is rendered once, and continued with the same settings only."""

import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from rendered_scenes_for_tests import SETTINGS, contents, render_set

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import FORMATS, format_of
from raygroup.scenes.importing.importer import import_scenes
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.rendering.composing import compose, load_materials
from raygroup.scenes.rendering.dataset import zip_folder
from raygroup.scenes.scene_store import read_scenes


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


PINNED_LIBRARIES = "uharfbuzz 0.57.0, opencv-python-headless 5.0.0.93, wordfreq 3.1.1, numpy 2.4.6"
PINNED_FONTS = "2bf16f32243cc80f"
LIKE_PHOTOGRAPHS = replace(SETTINGS, largest_text=0.5, vertical=0.5, clutter=0.5, textless=0.3, tasks=("la", "ja"), curved=0.4)


def test_a_record_of_before_the_later_settings_still_holds(tmp_path):
    """Such a record has none of their names. The scenes are not drawn again."""
    out = tmp_path / "out"
    render_set(out, 2)
    depends_on = json.loads((out / "rendering.json").read_text())["depends_on"]
    assert list(depends_on) == [
        "layout", "recipe", "width", "height", "words", "tasks", "characters", "words_per_task", "max_characters", "split", "curved",
        "rotated", "perspective", "dont_care", "backgrounds", "seed", "fonts", "libraries",
    ]  # fmt: skip
    assert render_set(out, 2)["drawn"] == 0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"largest_text": 0.5}, r"another largest_text \(0.15, not 0.5\)"),
        ({"clutter": 0.25}, r"another clutter \(0.0, not 0.25\)"),
        ({"characters_of_task": (("la", 60),)}, r"another characters_of_task \({}, not {'la': 60}\)"),
        ({"own_words": (("la", ("one", "two")),)}, "another own_words"),
    ],
)
def test_scenes_of_other_later_settings_are_refused_in_either_order(tmp_path, other, message):
    changed = replace(SETTINGS, **other)
    render_set(tmp_path / "one", 1)
    with pytest.raises(ConfigError, match=message):
        render_set(tmp_path / "one", 1, settings=changed)
    render_set(tmp_path / "other", 1, settings=changed)
    with pytest.raises(ConfigError, match=f"another {next(iter(other))}"):
        render_set(tmp_path / "other", 1)


def test_scenes_like_photographs_are_continued_and_a_lost_one_comes_back_the_same(tmp_path):
    out = tmp_path / "out"
    assert render_set(out, 5, "mlt-polygons", LIKE_PHOTOGRAPHS)["drawn"] == 5
    before = contents(out)
    (out / "images" / "tr_img_00004.jpg").unlink()
    assert render_set(out, 5, "mlt-polygons", LIKE_PHOTOGRAPHS)["drawn"] == 1
    assert contents(out) == before
    summary = render_set(tmp_path / "more", 8, "mlt-polygons", LIKE_PHOTOGRAPHS)
    assert {name: contents(tmp_path / "more")[name] for name in before if name != "rendering.json"}.items() <= before.items()
    assert summary["scenes_without_words"] == sum(
        not labels for name, labels in contents(tmp_path / "more").items() if name.endswith("txt")
    )
    assert summary["scenes_without_words"] > 0


def test_the_layout_of_polygons_is_imported_with_equal_polygons_tasks_and_dont_cares(tmp_path):
    """Curved, vertical and empty scenes go through ``render``, the detection of the format, and the store."""
    settings = replace(LIKE_PHOTOGRAPHS, dont_care=0.3)
    render_set(tmp_path / "out", 12, "mlt-polygons", settings)
    collection = Collection([tmp_path / "out"])
    import_scenes(collection, format_of(collection), tmp_path / "data", ImportSettings(source="scenes"), map, lambda done, total: None)
    stored = {scene.name: scene for scene in read_scenes(tmp_path / "data")}
    materials = load_materials(settings)
    assert len(stored) == 12
    assert collection.problems.counts == {}
    sizes = set()
    for number in range(1, 13):
        scene, image = compose(settings, materials, number)
        own = stored[f"tr_img_{number:05}"]
        assert own.image == image
        assert [instance.polygon.tolist() for instance in own.instances] == [instance.polygon.tolist() for instance in scene.instances]
        facts = [[(i.text, i.dont_care, i.script, i.task) for i in instances] for instances in (own.instances, scene.instances)]
        assert facts[0] == facts[1]
        sizes |= {len(instance.polygon) for instance in scene.instances} | {len(scene.instances)}
    assert 0 in sizes
    assert max(sizes) >= 8


def test_later_settings_leave_the_pixels_and_labels_of_before(tmp_path):
    """The digest is of scenes drawn before there was large or vertical text, or clutter.

    Other fonts and versions of the libraries that draw may give other pixels, so they are pinned too.
    """
    render_set(tmp_path / "out", 1)
    depends_on = json.loads((tmp_path / "out" / "rendering.json").read_text())["depends_on"]
    if (depends_on["libraries"], depends_on["fonts"][:16]) != (PINNED_LIBRARIES, PINNED_FONTS):
        pytest.skip("the pinned pixels are those of other fonts or versions of libraries")
    materials = load_materials(SETTINGS)
    digest = hashlib.sha256()
    for number in range(6):
        scene, image = compose(SETTINGS, materials, number)
        digest.update(image)
        digest.update(repr([(i.polygon.tolist(), i.text, i.dont_care, i.script, i.line) for i in scene.instances]).encode())
    assert digest.hexdigest() == "690b35499738b62690432a8e4062acbbe551e1ce3d9948599bf054c4104ff132"
