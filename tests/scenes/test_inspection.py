"""Looking at a data set counts what its labels say and does not change it."""

import cv2
import numpy as np

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.inspection import BY_CHARACTERS, inspect
from raygroup.scenes.scene import Problems

MLT = """10,10,50,10,50,30,10,30,Latin,Castle
10,40,50,40,50,50,10,50,Latin,###
60,10,90,10,90,30,60,30,Chinese,Hotel
60,40,90,40,90,60,60,60,Korean,\ud638\ud154
"""
ICDAR15 = "10,10,50,10,50,30,10,30,Castle\r\n60,40,90,40,90,60,60,60,\u6771\u4eac\r\n"


def a_set(folder, labels, name, image, count=3):
    folder.mkdir()
    for number in range(1, count + 1):
        (folder / f"{name.format(number)}.txt").write_text(labels, encoding="utf-8")
        (folder / f"{image.format(number)}.png").write_bytes(cv2.imencode(".png", np.zeros((100, 100 + number), np.uint8))[1].tobytes())
    return Collection([folder])


def looked_at(collection, **settings):
    *_, found = inspect(collection, format_of(collection), **settings)
    return found


def test_instances_are_counted_by_script_with_their_characters(tmp_path):
    found = looked_at(a_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}"))
    assert (found.scenes, found.instances, found.dont_cares) == (3, 12, 3)
    latin = found.by_script["Latin"]
    assert (latin.instances, latin.dont_cares, latin.length) == (6, 3, 18)
    assert latin.characters["t"] == 3
    assert found.by_task == {"la": 3, "zh": 3, "ko": 3}
    assert found.contradicting == {("zh", "la"): 3}


def test_sizes_are_those_of_polygons_and_of_images(tmp_path):
    found = looked_at(a_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}"))
    assert found.corners == {4: 12}
    assert sorted(found.heights) == [10.0] * 3 + [20.0] * 9
    assert found.sizes == {(101, 100): 1, (102, 100): 1, (103, 100): 1}


def test_without_script_labels_characters_tell_the_task(tmp_path):
    found = looked_at(a_set(tmp_path / "ic15", ICDAR15, "gt_img_{}", "img_{}"))
    assert found.by_script.keys() == {BY_CHARACTERS}
    assert found.by_task == {"la": 3.0, "zh": 1.5, "ja": 1.5}


def test_of_many_images_so_many_are_looked_at_evenly(tmp_path):
    collection = a_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}", count=40)
    found = looked_at(collection, images=5, shown=3)
    assert found.sizes.total() == 5
    widths = sorted(width for width, _ in found.sizes)
    assert widths[0] < 115
    assert widths[-1] > 125
    assert len(found.shown) == 3
    assert looked_at(collection, images=None).sizes.total() == 40


def test_an_image_that_cannot_be_read_is_told_and_the_labels_still_count(tmp_path):
    collection = a_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}")
    (tmp_path / "mlt/tr_img_00002.png").write_bytes(b"no image")
    found = looked_at(collection)
    assert found.instances == 12
    assert found.problems.first("image unreadable").place == "tr_img_00002.png"


def test_problems_of_many_shards_are_all_counted_and_the_first_ten_thousand_kept():
    one, total = Problems(), Problems()
    for number in range(6000):
        one.add("line not understood", f"gt.txt:{number}", "no comma")
    total.merge(one.to_json())
    total.merge(one.to_json())
    assert total.counts == {"line not understood": 12_000}
    assert len(total.kept) == 10_000
