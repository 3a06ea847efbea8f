"""Data sets and scene stores are exported in another layout."""

import json

import make_fixtures
import pytest
from rendered_scenes_for_tests import contents

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.exporting import export
from raygroup.scenes.formats.registry import FORMATS
from raygroup.scenes.importing.importer import import_scenes
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.layouts.writing import LAYOUTS
from raygroup.scenes.scene import Problems


def export_to(paths, layout, out, **keywords):
    """Export a data set, and return the number of scenes and the problems."""
    problems = Problems()
    return export(paths, LAYOUTS[layout], out, problems, lambda done, total: None, **keywords), problems


def test_an_export_lists_the_name_of_the_scene_of_each_image(tmp_path):
    count, problems = export_to([make_fixtures.FOLDER / "mlt-polygons"], "coco-text", tmp_path / "out", format_name="mlt-polygons")
    assert count == 3
    assert problems.counts == {}
    names = (tmp_path / "out" / "names.tsv").read_text().splitlines()
    assert names == [f"train_images/img_0000{number}.jpg\ttr_img_0000{number}" for number in (1, 2, 3)]
    labels, expected = (
        json.loads((folder / "cocotext.v2.json").read_text()) for folder in (tmp_path / "out", make_fixtures.FOLDER / "coco-text")
    )
    assert labels == expected


def test_a_scene_store_is_exported_like_its_data_set(tmp_path):
    collection = Collection([make_fixtures.FOLDER / "art19"])
    import_settings = ImportSettings(source="art", unit="word")
    import_scenes(collection, FORMATS["art19"], tmp_path / "store", import_settings, map, lambda done, total: None)
    for number, path in enumerate((tmp_path / "store", make_fixtures.FOLDER / "art19")):
        assert export_to([path], "paddleocr", tmp_path / f"out{number}")[0] == 3
    assert contents(tmp_path / "out0") == contents(tmp_path / "out1")
    assert "det_gt_train.txt" in contents(tmp_path / "out0")


def test_a_data_set_without_a_readable_image_cannot_be_exported(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tr_img_00001.txt").write_text("1,1,9,1,9,9,1,9,Latin,word\n")
    (tmp_path / "in" / "tr_img_00001.jpg").write_bytes(b"no image")
    with pytest.raises(ConfigError, match="no scene with a readable image"):
        export_to([tmp_path / "in"], "icdar15", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()
