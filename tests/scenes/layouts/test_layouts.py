"""Layouts write the files that readers of each data set expect."""

import io
import json
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
import scipy.io
import shapely

from raygroup.errors import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import FORMATS, format_of
from raygroup.scenes.layouts.page import Page, quad
from raygroup.scenes.layouts.writing import LAYOUTS, find_layout, page_of, write_scenes
from raygroup.scenes.matched_scenes import matched_scenes
from raygroup.scenes.rendering.composing import compose, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene import Instance, Scene


def word(polygon, text, script=None, *, dont_care=False):
    return Instance(np.array(polygon, float).reshape(-1, 2), text, dont_care, script)


ARCH = [10, 60, 30, 40, 60, 40, 80, 60, 70, 70, 55, 55, 35, 55, 20, 70]
SIGN = Scene(
    "sign",
    "by hand",
    None,
    (
        word([5, 5, 45, 5, 45, 20, 5, 20], 'a, "b" \\', "Latin"),
        word([50, 5, 90, 10, 88, 25, 48, 20], "###", "None", dont_care=True),
        word(ARCH, "بنك", "Arabic"),
    ),
)


@pytest.fixture(scope="module")
def image():
    return cv2.imencode(".png", np.zeros((80, 100, 3), np.uint8))[1].tobytes()


def files(name, image, tmp_path, scenes=(SIGN,), split="train"):
    """Write scenes in a layout, and return the files by name."""
    out = tmp_path / f"{name}-{split}"
    write_scenes(find_layout(name), [(scene, image) for scene in scenes], out, split)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_mlt19_has_corners_script_and_text_and_the_smallest_rectangle_around_a_curved_word(tmp_path, image):
    written = files("mlt19", image, tmp_path)
    assert [*written] == ["gt/tr_img_00001.txt", "images/tr_img_00001.png"]
    assert written["images/tr_img_00001.png"] == image
    assert written["gt/tr_img_00001.txt"].decode() == (
        '5,5,45,5,45,20,5,20,Latin,a, "b" \\\n50,5,90,10,88,25,48,20,None,###\n10,40,80,40,80,70,10,70,Arabic,بنك\n'
    )


def test_mlt19_files_of_other_splits_than_train_are_called_gt(tmp_path, image):
    assert [*files("mlt19", image, tmp_path, split="val")] == ["gt/gt_img_00001.txt", "images/img_00001.png"]


def test_mlt_polygons_keep_every_corner(tmp_path, image):
    lines = files("mlt-polygons", image, tmp_path)["gt/tr_img_00001.txt"].decode().splitlines()
    assert lines[2] == "10,60,30,40,60,40,80,60,70,70,55,55,35,55,20,70,Arabic,بنك"


def test_icdar13_has_upright_boxes_with_blanks_or_commas_and_no_dont_cares(tmp_path, image):
    train = files("icdar13", image, tmp_path)["gt/gt_img_1.txt"].decode()
    assert train == '5 5 45 20 "a, \\"b\\" \\\\"\r\n10 40 80 70 "بنك"\r\n'
    test = files("icdar13", image, tmp_path, split="test")["gt/gt_img_1.txt"].decode()
    assert test.startswith('5, 5, 45, 20, "a, ')


def test_training_files_of_icdar15_begin_with_a_byte_order_mark_and_end_lines_in_cr_lf(tmp_path, image):
    content = files("icdar15", image, tmp_path)["gt/gt_img_1.txt"]
    assert content.startswith(b"\xef\xbb\xbf5,5,45,5,45,20,5,20,a,")
    assert content.decode("utf-8-sig").split("\r\n")[1:] == ["50,5,90,10,88,25,48,20,###", "10,40,80,40,80,70,10,70,بنك", ""]
    assert files("icdar15", image, tmp_path, split="test")["gt/gt_img_1.txt"].startswith(b"5,5")


def test_rctw17_has_texts_in_quotes_and_marks_difficult_ones(tmp_path, image):
    lines = files("rctw17", image, tmp_path)["gt/image_1.txt"].decode().splitlines()
    assert lines[:2] == ['5,5,45,5,45,20,5,20,0,"a, "b" \\"', '50,5,90,10,88,25,48,20,1,"###"']


def test_total_text_is_a_matlab_file_with_rows_of_six_cells(tmp_path, image):
    content = files("totaltext", image, tmp_path)["gt/Train/poly_gt_img1.mat"]
    rows = scipy.io.loadmat(io.BytesIO(content))["polygt"]
    assert rows.shape == (3, 6)
    assert [cell[0] for cell in rows[:, 0]] == ["x:"] * 3
    assert rows[2, 1].tolist() == [[10, 30, 60, 80, 70, 55, 35, 20]]
    assert rows[2, 3].tolist() == [[60, 40, 40, 60, 70, 55, 55, 70]]
    assert [cell[0] for cell in rows[:, 4]] == ['a, "b" \\', "#", "بنك"]
    assert [cell[0] for cell in rows[:, 5]] == ["h", "#", "c"]


def test_a_matlab_file_has_no_date_so_that_the_same_scene_gives_the_same_bytes(tmp_path, image):
    content = files("totaltext", image, tmp_path)["gt/Train/poly_gt_img1.mat"]
    assert content[:116].rstrip() == b"MATLAB 5.0 MAT-file, written by raygroup"


def test_printed_total_text_has_texts_as_python_literals(tmp_path, image):
    lines = files("totaltext-txt", image, tmp_path)["gt/Train/poly_gt_img1.txt"].decode().splitlines()
    assert lines[0] == "x: [[5 45 45 5]], y: [[5 5 20 20]], ornt: [u'h'], transcriptions: [u'a, \"b\" \\\\']"
    assert lines[1].endswith("ornt: [u'#'], transcriptions: [u'#']")


def test_synthtext_mlt_divides_centres_by_size_and_sides_by_diagonal(tmp_path):
    """An image of 30 by 40 pixels has a diagonal of 50, so a box of 20 by 10 has sides of 0.4 and 0.2."""
    small = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
    scene = Scene(
        "", "", None, (word([10, 5, 30, 5, 30, 15, 10, 15], "two words", "Hindi"), word([9, 9, 9, 29, 3, 29, 3, 9], "down", "Hindi"))
    )
    written = files("synthtextmlt", small, tmp_path, [scene])
    assert [*written] == ["Hindi/000001.png", "Hindi/000001.txt", "Hindi_keep.list"]
    assert written["Hindi_keep.list"] == b"000001.png\n"
    lines = written["Hindi/000001.txt"].decode().splitlines()
    assert lines[0] == "0 0.500000 0.333333 0.400000 0.200000 0.000000 two words"
    assert lines[1].split()[3:6] == ["0.400000", "0.120000", f"{np.pi / 2:.6f}"]


def test_synthtext_mlt_labels_in_mlts_layout_have_fractions_and_a_folder_of_their_own(tmp_path, image):
    written = files("synthtextmlt-gt", image, tmp_path)
    assert [*written] == ["Arabic/000001.png", "Arabic_gt/000001.txt", "Hindi_keep.list"]
    assert written["Arabic_gt/000001.txt"].startswith(b'5.0,5.0,45.0,5.0,45.0,20.0,5.0,20.0,Latin,a, "b"')


def test_art19_and_lsvt19_hold_every_image_in_one_json_file(tmp_path, image):
    art = json.loads(files("art19", image, tmp_path, [SIGN, SIGN])["train_labels.json"])
    assert [*art] == ["gt_1", "gt_2"]
    assert art["gt_1"][1] == {
        "transcription": "###", "points": [[50, 5], [90, 10], [88, 25], [48, 20]], "language": "None", "illegibility": True
    }  # fmt: skip
    written = files("lsvt19", image, tmp_path)
    assert "language" not in json.loads(written["train_full_labels.json"])["gt_1"][0]
    assert "train_full_images/gt_1.png" in written


def test_coco_text_has_flat_masks_boxes_with_width_and_height_and_legibility(tmp_path, image):
    labels = json.loads(files("coco-text", image, tmp_path, [SIGN, SIGN])["cocotext.v2.json"])
    assert labels["imgToAnns"] == {"1": [1, 2, 3], "2": [4, 5, 6]}
    assert labels["imgs"]["2"] == {"id": 2, "set": "train", "width": 100, "height": 80, "file_name": "img_00002.png"}
    assert labels["anns"]["3"]["mask"] == ARCH
    assert labels["anns"]["1"]["bbox"] == [5, 5, 40, 15]
    assert labels["anns"]["1"]["area"] == 600
    assert [labels["anns"][number]["legibility"] for number in "123"] == ["legible", "illegible", "legible"]
    assert [labels["anns"][number]["language"] for number in "123"] == ["english", "na", "not english"]


def test_paddleocr_lines_are_a_path_a_tab_and_json_or_text(tmp_path, image):
    written = files("paddleocr", image, tmp_path)
    path, items = written["det_gt_train.txt"].decode().rstrip("\n").split("\t")
    assert path in written
    assert [item["transcription"] for item in json.loads(items)] == ['a, "b" \\', "###", "بنك"]
    assert json.loads(items)[0]["points"] == [[5, 5], [45, 5], [45, 20], [5, 20]]
    assert written["rec_gt_train.txt"].decode() == 'words/word_1_1.jpg\ta, "b" \\\nwords/word_1_2.jpg\tبنك\n'
    assert cv2.imdecode(np.frombuffer(written["words/word_1_1.jpg"], np.uint8), 1).shape[:2] == (15, 40)


def test_mlt19_words_are_cut_out_without_dont_cares(tmp_path, image):
    written = files("mlt19-words", image, tmp_path, [SIGN, SIGN])
    assert written["gt.txt"].decode().splitlines()[1:3] == ["word_2.png,Arabic,بنك", 'word_1001.png,Latin,a, "b" \\']
    assert [*written] == ["gt.txt", "word_1.png", "word_1001.png", "word_1002.png", "word_2.png"]


def test_text_on_several_lines_is_written_on_one(tmp_path, image):
    scene = Scene("", "", None, (word([5, 5, 45, 5, 45, 20, 5, 20], "two\r\nlines\tand\u2028more", "Latin"),))
    for name in ("mlt19", "icdar15", "paddleocr", "totaltext-txt"):
        content = next(content for path, content in files(name, image, tmp_path, [scene]).items() if path.endswith(".txt"))
        assert "two lines and more" in content.decode("utf-8-sig")


def test_a_word_without_a_script_gets_that_of_its_letters_and_a_whole_image_gets_its_corners(tmp_path, image):
    plain = [word([5, 5, 45, 5, 45, 20, 5, 20], text) for text in ("Straße", "とう", "12:30")]
    scene = Scene("", "", None, (*plain, Instance(None, "ok", False, "Latin"), word(ARCH, "###", dont_care=True)))
    lines = files("mlt19", image, tmp_path, [scene])["gt/tr_img_00001.txt"].decode().splitlines()
    assert [line.split(",")[8] for line in lines] == ["Latin", "Japanese", "Symbols", "Latin", "None"]
    assert lines[3].startswith("0,0,100,0,100,80,0,80,")


def test_corners_run_clockwise_as_seen_from_the_beginning_of_the_word():
    page = Page(SIGN, 1, "train", ".png", 100, 80)
    counterclockwise = word([5, 5, 5, 20, 45, 20, 45, 5], "counterclockwise")
    assert quad(page, counterclockwise).tolist() == [[5, 5], [45, 5], [45, 20], [5, 20]]
    upside_down = word([80, 60, 60, 60, 40, 60, 20, 60, 20, 40, 40, 40, 60, 40, 80, 40], "read from right to left")
    assert quad(page, upside_down).tolist() == [[80, 60], [20, 60], [20, 40], [80, 40]]


def test_a_zip_has_the_same_files_as_a_folder_and_the_same_bytes_each_time(tmp_path, image):
    written = files("mlt17", image, tmp_path)
    for name in ("one.zip", "two.zip"):
        write_scenes(find_layout("mlt17"), [(SIGN, image)], tmp_path / name)
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == written
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_folder_that_is_not_empty_is_refused_and_unchanged(tmp_path, image):
    (tmp_path / "thesis.txt").write_text("text")
    with pytest.raises(ConfigError, match="already holds something: give a new or empty folder"):
        write_scenes(find_layout("mlt19"), [(SIGN, image)], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_unknown_layout_is_refused_with_the_choices():
    with pytest.raises(ConfigError, match="no such layout: choose one of mlt19, mlt-polygons"):
        find_layout("mlt2019")


SETTINGS = SceneSettings(width=320, height=240, words=(4, 8), words_per_task=200, dont_care=0.25, curved=0.3)


@pytest.fixture(scope="module")
def rendered():
    materials = load_materials(SETTINGS)
    return [compose(SETTINGS, materials, number) for number in range(1, 7)]


TURNED = ("mlt19", "mlt17", "icdar15", "rctw17", "synthtextmlt", "synthtextmlt-gt")
SCRIPTED = ("mlt19", "mlt-polygons", "mlt17", "synthtextmlt-gt", "art19")


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in ("mlt19-words", "coco-text")])
@pytest.mark.parametrize("zipped", [False, True])
def test_scenes_are_read_back_except_for_what_the_layout_loses(tmp_path, rendered, name, split, zipped):
    reader = name.removesuffix("-txt")
    if reader not in FORMATS:
        pytest.skip(f"no reader of {reader} here")
    out = tmp_path / ("scenes.zip" if zipped else "scenes")
    write_scenes(LAYOUTS[name], rendered, out, split)
    collection = Collection([out])
    scenes = sorted(FORMATS[reader].scenes(collection), key=lambda scene: int("".join(filter(str.isdigit, scene.name))))
    assert collection.problems.counts == {}
    assert len(scenes) == len(rendered)
    for number, (scene, (written, image)) in enumerate(zip(scenes, rendered, strict=True), start=1):
        assert collection.read(scene.image) == image
        page = page_of(written, image, number, split)
        expected = [instance for instance in written.instances if name != "icdar13" or not instance.dont_care]
        assert len(scene.instances) == len(expected)
        for one, other in zip(scene.instances, expected, strict=True):
            compare(name, one, other, page)


def compare(name, instance, written, page):
    """Compare an instance that was read back with the one that was written."""
    assert instance.dont_care == written.dont_care
    assert written.dont_care or instance.text == written.text
    if name in SCRIPTED:
        assert (instance.script, instance.task) == (written.script, written.task)
    if name == "icdar13":
        low, high = written.polygon.min(axis=0), written.polygon.max(axis=0)
        np.testing.assert_array_equal(instance.polygon, [low, (high[0], low[1]), high, (low[0], high[1])])
    elif name == "synthtextmlt":
        around, tightest = shapely.Polygon(instance.polygon), shapely.Polygon(written.polygon).minimum_rotated_rectangle
        assert around.buffer(0.05).contains(shapely.Polygon(written.polygon))
        assert around.area < 1.01 * tightest.area + 0.1
        along = written.polygon[len(written.polygon) // 2 - 1] - written.polygon[0]
        assert (instance.polygon[1] - instance.polygon[0]) @ along > 0
    else:
        np.testing.assert_array_equal(instance.polygon, quad(page, written) if name in TURNED else written.polygon)


def test_cropped_words_are_read_back_in_order(tmp_path, rendered):
    if "mlt19-words" not in FORMATS:
        pytest.skip("no reader of words here")
    write_scenes(LAYOUTS["mlt19-words"], rendered, tmp_path / "words")
    collection = Collection([tmp_path / "words"])
    scenes = [*FORMATS["mlt19-words"].scenes(collection)]
    readable = [instance for scene, _ in rendered for instance in scene.instances if not instance.dont_care]
    assert [(scene.instances[0].text, scene.instances[0].script) for scene in scenes] == [(one.text, one.script) for one in readable]
    assert all(scene.image is not None for scene in scenes)
    assert collection.problems.counts == {}


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_export_writes_is_recognised_and_read_or_named_as_not_read(tmp_path, rendered, name):
    write_scenes(LAYOUTS[name], rendered, tmp_path / "set")
    collection = Collection([tmp_path / "set"])
    if name == "coco-text":
        with pytest.raises(ConfigError, match="raygroup writes this format and does not read it"):
            format_of(collection)
        return
    texts = [instance.text for scene in matched_scenes(collection, format_of(collection)) for instance in scene.instances]
    written = [instance for scene, _ in rendered for instance in scene.instances]
    assert {instance.text for instance in written if not instance.dont_care} <= {*texts}
    assert collection.problems.counts.keys() <= {"Total-Text inside"}


def test_every_layout_knows_the_names_of_the_files_it_writes(tmp_path, rendered):
    for name, layout in LAYOUTS.items():
        scene, image = rendered[0]
        page = page_of(scene, image, 1)
        assert layout.file_names(page) == [path for path, _ in layout.files(page, image)], name


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_scene_without_text_is_written_and_read_back_without_a_problem(tmp_path, rendered, name):
    scenes = [rendered[0], (replace(rendered[1][0], instances=()), rendered[1][1]), rendered[2]]
    write_scenes(LAYOUTS[name], scenes, tmp_path / "set")
    reader = name.removesuffix("-txt")
    if reader not in FORMATS or name == "mlt19-words":
        pytest.skip("no reader here, or words alone")
    collection = Collection([tmp_path / "set"])
    counts = sorted(len(scene.instances) for scene in matched_scenes(collection, FORMATS[reader]) if scene.image)
    readable = [[instance for instance in scene.instances if name != "icdar13" or not instance.dont_care] for scene, _ in scenes]
    assert counts == sorted(map(len, readable))
    assert collection.problems.counts.keys() <= {"Total-Text inside"}


@pytest.mark.parametrize("name", [name for name in LAYOUTS if name not in ("coco-text", "mlt19-words")])
def test_a_set_with_mostly_empty_scenes_is_recognised(tmp_path, rendered, name):
    scenes = [rendered[0]] + [(replace(scene, instances=()), image) for scene, image in rendered[1:] * 2]
    write_scenes(LAYOUTS[name], scenes, tmp_path / "set")
    collection = Collection([tmp_path / "set"])
    texts = {instance.text for scene in matched_scenes(collection, format_of(collection)) for instance in scene.instances}
    assert {instance.text for instance in rendered[0][0].instances if not instance.dont_care} <= texts
