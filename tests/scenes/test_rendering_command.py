import argparse
import json
from concurrent.futures import Executor, Future
from dataclasses import replace

import cv2
import make_fixtures
import numpy as np
import pytest

from raygroup.data.render import add_to
from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.exporting import export
from raygroup.scenes.formats.registry import FORMATS
from raygroup.scenes.importing.importer import import_scenes
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.layouts.writing import LAYOUTS
from raygroup.scenes.rendering.composing import compose, gather
from raygroup.scenes.rendering.dataset import Rendering, render, zipped
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene import Problems
from raygroup.terminal import console

SETTINGS = SceneSettings(width=160, height=120, words=(2, 4), words_per_task=100, tasks=("la", "ar"))


class Here(Executor):
    """Runs what is submitted in this process, at once."""

    def submit(self, work, /, *arguments, **named):
        future = Future()
        future.set_result(work(*arguments, **named))
        return future


def rendered(out, scenes, layout="mlt19", settings=SETTINGS):
    return render(Rendering(out, settings, layout), scenes, Here(), lambda done, of: None)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_scenes_are_drawn_into_a_folder_as_the_reader_of_the_layout_finds_them(tmp_path):
    summary = rendered(tmp_path / "out", 20)
    collection = Collection([tmp_path / "out"])
    found = [*FORMATS["mlt19"].scenes(collection)]
    assert (summary["scenes"], summary["drawn"]) == (20, 20)
    assert summary["words"] == sum(len(scene.instances) for scene in found)
    scene, image = compose(SETTINGS, gather(SETTINGS), 20)
    assert collection.read(found[-1].image) == image
    assert [instance.text for instance in found[-1].instances] == [instance.text for instance in scene.instances]


@pytest.mark.parametrize("layout", ["mlt19", "paddleocr", "art19", "synthtextmlt"])
def test_scenes_that_are_there_are_not_drawn_again_and_what_is_lost_comes_back_the_same(tmp_path, layout):
    out = tmp_path / "out"
    rendered(out, 6, layout)
    before = contents(out)
    lost = sorted(name for name in before if name.endswith(".jpg"))[2]
    (out / lost).unlink()
    assert rendered(out, 6, layout)["drawn"] == 1
    assert contents(out) == before
    assert rendered(out, 6, layout)["drawn"] == 0


def test_more_scenes_are_added_to_those_that_are_there_and_fewer_take_none_away(tmp_path):
    out = tmp_path / "out"
    rendered(out, 3, "art19")
    assert rendered(out, 5, "art19")["drawn"] == 2
    labels = json.loads((out / "train_labels.json").read_text())
    assert [*labels] == [f"gt_{number}" for number in range(1, 6)]
    assert rendered(out, 2, "art19")["scenes"] == 5
    assert json.loads((out / "train_labels.json").read_text()) == labels


@pytest.mark.parametrize(
    ("other", "said"),
    [({"seed": 1}, r"another seed \(0, not 1\)"), ({"width": 200}, r"another width \(160, not 200\)"), ({"split": "val"}, "another split")],
)
def test_scenes_of_other_settings_are_not_taken_for_these(tmp_path, other, said):
    rendered(tmp_path / "out", 1)
    with pytest.raises(ConfigError, match=f"out: holds scenes of {said}"):
        rendered(tmp_path / "out", 1, settings=replace(SETTINGS, **other))
    with pytest.raises(ConfigError, match=r"another layout \(mlt19, not mlt17\)"):
        rendered(tmp_path / "out", 1, "mlt17")


def test_other_pictures_to_write_on_are_other_settings(tmp_path):
    grounds = tmp_path / "grounds"
    grounds.mkdir()
    cv2.imwrite(str(grounds / "one.png"), np.zeros((50, 50, 3), np.uint8))
    settings = replace(SETTINGS, backgrounds=grounds)
    rendered(tmp_path / "out", 1, settings=settings)
    cv2.imwrite(str(grounds / "two.png"), np.zeros((50, 50, 3), np.uint8))
    with pytest.raises(ConfigError, match="another backgrounds"):
        rendered(tmp_path / "out", 1, settings=settings)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds something that is no set of rendered scenes: give a new folder"):
        rendered(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_zip_of_the_scenes_holds_all_but_the_record_of_their_settings(tmp_path):
    rendered(tmp_path / "out", 2)
    packed = zipped(tmp_path / "out")
    assert packed == tmp_path / "out.zip"
    collection = Collection([packed])
    assert sorted(member.name for member in collection.members) == sorted(set(contents(tmp_path / "out")) - {"rendering.json"})


def exported(paths, layout, out, **more):
    problems = Problems()
    return export(paths, LAYOUTS[layout], out, problems, lambda done, of: None, **more), problems


def test_a_data_set_is_exported_with_a_list_of_which_image_was_which(tmp_path):
    count, problems = exported([make_fixtures.FOLDER / "mlt-polygons"], "coco-text", tmp_path / "out", format_name="mlt-polygons")
    assert count == 3
    assert problems.counts == {}
    names = (tmp_path / "out" / "names.tsv").read_text().splitlines()
    assert names == [f"train_images/img_0000{number}.jpg\ttr_img_0000{number}" for number in (1, 2, 3)]
    made, expected = (
        json.loads((folder / "cocotext.v2.json").read_text()) for folder in (tmp_path / "out", make_fixtures.FOLDER / "coco-text")
    )
    assert made == expected


def test_a_scene_store_is_exported_as_the_data_set_it_was_made_of(tmp_path):
    collection = Collection([make_fixtures.FOLDER / "art19"])
    import_settings = ImportSettings(source="art", unit="word")
    import_scenes(collection, FORMATS["art19"], tmp_path / "store", import_settings, Here(), 1, lambda done, of: None)
    for number, path in enumerate((tmp_path / "store", make_fixtures.FOLDER / "art19")):
        assert exported([path], "paddleocr", tmp_path / f"out{number}")[0] == 3
    assert contents(tmp_path / "out0") == contents(tmp_path / "out1")
    assert "det_gt_train.txt" in contents(tmp_path / "out0")


def test_a_data_set_without_a_readable_image_is_no_export(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tr_img_00001.txt").write_text("1,1,9,1,9,9,1,9,Latin,word\n")
    (tmp_path / "in" / "tr_img_00001.jpg").write_bytes(b"no image")
    with pytest.raises(ConfigError, match="no scene with a readable image"):
        exported([tmp_path / "in"], "icdar15", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def commanded(*arguments):
    parser = argparse.ArgumentParser()
    add_to(parser.add_subparsers())
    given = parser.parse_args([*map(str, arguments)])
    given.run(given, console())


def test_the_commands_draw_export_and_compare(tmp_path, capsys):
    out = tmp_path / "out"
    drawing = ["render", out, "--scenes", 3, "--size", "160x120", "--words", "2-4", "--tasks", "la", "--workers", 1]
    commanded(*drawing, "--zip")
    assert "3 scenes of" in capsys.readouterr().out
    commanded(*drawing, "--json")
    assert json.loads(capsys.readouterr().out)["drawn"] == 0
    commanded("export", tmp_path / "out.zip", "--layout", "icdar15", tmp_path / "icdar15")
    assert "what this layout cannot hold: corners beyond four" in capsys.readouterr().out
    assert (tmp_path / "icdar15" / "gt" / "gt_img_3.txt").exists()
    commanded("duplicates", out, tmp_path / "out.zip", "--json")
    assert json.loads(capsys.readouterr().out)["between"][0]["pictures"] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "640"], "'640' must be two whole numbers with 'x' between them"),
        (["--scenes", "0"], "'0' must be a whole number from 1"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_with_what_would_be_right(arguments, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        commanded("render", "out", *arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
