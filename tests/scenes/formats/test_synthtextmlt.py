"""SynthTextMLT: boxes are shares of an image, and bad Hindi images are left out."""

import dataclasses
import math

import cv2
import numpy as np
import pytest
from label_files_for_tests import corners, read, texts, write

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.synthtextmlt import SYNTHTEXTMLT

JPEG = cv2.imencode(".jpg", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
"""40 pixels wide, 30 high, so its diagonal is 50."""


def test_sides_are_shares_of_the_diagonal_and_the_centre_is_a_share_of_width_and_height(tmp_path):
    files = {"Korean/1.txt": "0 0.5 0.5 0.2 0.08 0 한국", "Korean/1.jpg": JPEG}
    name, [scene], problems = read(tmp_path, files)
    [word] = scene.instances
    assert (name, word.text, word.script, word.task) == ("synthtextmlt", "한국", "Korean", "ko")
    assert corners(word) == [[15, 13], [25, 13], [25, 17], [15, 17]]
    assert problems.counts == {}


def test_e2e_mlt_computes_the_diagonal_from_the_height_alone(tmp_path):
    files = {"Korean/1.txt": "0 0.5 0.5 0.2 0.08 0 한국", "Korean/1.jpg": JPEG}
    _, [scene], _ = read(tmp_path, files, "synthtextmlt-e2e")
    assert scene.instances[0].polygon[1, 0] - scene.instances[0].polygon[0, 0] == pytest.approx(0.2 * 30 * math.sqrt(2))


def test_angles_run_clockwise_as_seen(tmp_path):
    _, [scene], _ = read(tmp_path, {"Latin/1.txt": f"0 0.5 0.5 0.2 0.08 {math.pi / 2} up", "Latin/1.jpg": JPEG})
    assert scene.instances[0].polygon == pytest.approx(np.array([[22, 10], [22, 20], [18, 20], [18, 10]]))


def test_stars_and_hashes_are_dont_cares_and_a_text_may_contain_blanks(tmp_path):
    box = "0 .5 .5 .2 .1"
    lines = "\n".join(
        [*(f"{box} 0 {text}" for text in ("*", "###abc", "two words")), f"{box} x bad", "0 50 50 20 10 0 pixels", f"{box} 0 b"]
    )
    _, [scene], problems = read(tmp_path, {"Latin/1.txt": lines, "Latin/1.jpg": JPEG})
    assert texts(scene) == ["*", "###abc", "two words", "b"]
    assert [instance.dont_care for instance in scene.instances] == [True, True, False, False]
    assert [problem.place for problem in problems.entries] == ["Latin/1.txt:4", "Latin/1.txt:5"]


def test_the_gt_files_have_lines_of_mlt_with_fractions(tmp_path):
    files = {"Arabic_gt/1.txt": "0.5,0,9,0,9,9,0,9,Arabic,بيت", "Arabic/1.jpg": JPEG}
    name, [scene], problems = read(tmp_path, files)
    assert (name, scene.image.name, scene.instances[0].task) == ("synthtextmlt-gt", "Arabic/1.jpg", "ar")
    assert problems.counts == {}


@pytest.mark.parametrize("is_gt", [False, True])
def test_hindi_images_that_are_not_in_the_list_are_left_out_and_counted(tmp_path, is_gt):
    line = "0.5,0,9,0,9,9,0,9,Hindi,घर" if is_gt else "0 0.5 0.5 0.2 0.08 0 घर"
    folder = "Hindi_gt" if is_gt else "Hindi"
    files = {f"{folder}/{number}.txt": line for number in (1, 2, 3)} | {f"Hindi/{number}.jpg": JPEG for number in (1, 2, 3)}
    _, scenes, problems = read(tmp_path, {**files, "Hindi_keep.list": "Hindi/2.jpg\n"})
    assert [scene.name for scene in scenes] == ["2"]
    assert str(problems.first("Hindi left out")) == "Hindi_keep.list: 2 Hindi images are not in the list and are left out"


def test_an_image_that_the_list_leaves_out_does_not_count_as_unlabelled(tmp_path):
    files = {"Hindi/1.txt": "0 0.5 0.5 0.2 0.08 0 घर", "Hindi/1.jpg": JPEG, "Hindi_keep.list": "7.jpg"}
    collection = Collection([write(tmp_path, files)])
    assert [*SYNTHTEXTMLT.scenes(collection)] == []
    assert [*collection.images()] == []


def test_without_a_list_hindi_stays_and_is_reported_and_users_can_pass_a_list(tmp_path):
    files = {"Hindi/1.txt": "0 0.5 0.5 0.2 0.08 0 घर", "Hindi/1.jpg": JPEG}
    _, scenes, problems = read(tmp_path / "data", files)
    assert len(scenes) == 1
    assert "all 1 Hindi images stay in" in problems.first("Hindi unchecked").what
    (tmp_path / "good.txt").write_text("2.jpg")
    with_list = dataclasses.replace(SYNTHTEXTMLT, keep_list=tmp_path / "good.txt")
    assert [*with_list.scenes(Collection([tmp_path / "data"]))] == []
    with pytest.raises(ConfigError, match=r"none\.txt: the list of Hindi images to keep cannot be read"):
        [*dataclasses.replace(SYNTHTEXTMLT, keep_list=tmp_path / "none.txt").scenes(Collection([tmp_path / "data"]))]


def test_labels_of_a_missing_or_broken_image_are_left_out(tmp_path):
    line = "0 0.5 0.5 0.2 0.08 0 word"
    files = {"Latin/1.txt": line, "Latin/1.jpg": b"no image", "Latin/2.txt": line, "Latin/3.txt": line, "Latin/3.jpg": JPEG}
    _, scenes, problems = read(tmp_path, files)
    assert sorted((scene.name, len(scene.instances)) for scene in scenes) == [("1", 0), ("2", 0), ("3", 1)]
    assert problems.counts == {"labels without size": 1}
