"""The inspection counts the labels and images of a data set."""

import cv2
import numpy as np

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.inspection import NO_SCRIPT, inspect
from raygroup.scenes.scene import Problems

MLT = """10,10,50,10,50,30,10,30,Latin,Castle
10,40,50,40,50,50,10,50,Latin,###
60,10,90,10,90,30,60,30,Chinese,Hotel
60,40,90,40,90,60,60,60,Korean,\ud638\ud154
"""
ICDAR15 = "10,10,50,10,50,30,10,30,Castle\r\n60,40,90,40,90,60,60,60,\u6771\u4eac\r\n"


def write_data_set(folder, labels, name, image, count=3):
    folder.mkdir()
    for number in range(1, count + 1):
        (folder / f"{name.format(number)}.txt").write_text(labels, encoding="utf-8")
        (folder / f"{image.format(number)}.png").write_bytes(cv2.imencode(".png", np.zeros((100, 100 + number), np.uint8))[1].tobytes())
    return Collection([folder])


def inspect_all(collection, **settings):
    *_, result = inspect(collection, format_of(collection), **settings)
    return result


def test_instances_are_counted_by_script_with_their_characters(tmp_path):
    result = inspect_all(write_data_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}"))
    assert (result.scenes, result.instances, result.dont_cares) == (3, 12, 3)
    latin = result.by_script["Latin"]
    assert (latin.instances, latin.dont_cares, latin.length) == (6, 3, 18)
    assert latin.characters["t"] == 3
    assert result.by_task == {"la": 3, "zh": 3, "ko": 3}
    assert result.contradicting == {("zh", "la"): 3}


def test_corners_heights_and_image_sizes_are_counted(tmp_path):
    result = inspect_all(write_data_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}"))
    assert result.corners == {4: 12}
    assert sorted(result.heights) == [10.0] * 3 + [20.0] * 9
    assert result.sizes == {(101, 100): 1, (102, 100): 1, (103, 100): 1}


def test_without_script_labels_the_characters_decide_the_task(tmp_path):
    result = inspect_all(write_data_set(tmp_path / "ic15", ICDAR15, "gt_img_{}", "img_{}"))
    assert result.by_script.keys() == {NO_SCRIPT}
    assert result.by_task == {"la": 3.0, "zh": 1.5, "ja": 1.5}


def test_a_limited_number_of_images_is_read_evenly_spaced(tmp_path):
    collection = write_data_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}", count=40)
    result = inspect_all(collection, max_images=5, num_samples=3)
    assert result.sizes.total() == 5
    widths = sorted(width for width, _ in result.sizes)
    assert widths[0] < 115
    assert widths[-1] > 125
    assert len(result.sample) == 3
    assert inspect_all(collection, max_images=None).sizes.total() == 40


def test_an_unreadable_image_is_reported_and_its_labels_still_count(tmp_path):
    collection = write_data_set(tmp_path / "mlt", MLT, "tr_img_{:05}", "tr_img_{:05}")
    (tmp_path / "mlt/tr_img_00002.png").write_bytes(b"no image")
    result = inspect_all(collection)
    assert result.instances == 12
    assert result.problems.first("image unreadable").place == "tr_img_00002.png"


def test_all_problems_of_many_shards_are_counted_and_ten_thousand_are_listed():
    one, total = Problems(), Problems()
    for number in range(6000):
        one.add("line not understood", f"gt.txt:{number}", "no comma")
    total.merge(one.to_json())
    total.merge(one.to_json())
    assert total.counts == {"line not understood": 12_000}
    assert len(total.entries) == 10_000
