"""ArT19 and LSVT19 have one JSON file for all images."""

import json

import pytest
from label_files_for_tests import corners, read, texts

from raygroup.errors import LabelError
from raygroup.scenes.formats.syntax.json_stream import MAX_ITEM, json_items

SQUARE = [[0, 0], [9, 0], [9, 9], [0, 9]]


def item(text="word", points=SQUARE, language="Latin", illegibility=False, **more):
    return {"transcription": text, "points": points, "language": language, "illegibility": illegibility, **more}


def art(**images):
    return {"train_labels.json": json.dumps(images, ensure_ascii=False)}


def test_art19_has_languages_and_polygons_with_any_number_of_corners(tmp_path):
    images = art(gt_101=[item("店", [*SQUARE, [-3, 4]], "Chinese"), item("Latin word")])
    name, [scene], problems = read(tmp_path, {**images, "train_images/gt_101.jpg": b""})
    assert (name, scene.name, scene.image.name) == ("art19", "gt_101", "train_images/gt_101.jpg")
    assert [(one.text, one.script, one.task, one.line) for one in scene.instances] == [
        ("店", "Chinese", "zh", 1),
        ("Latin word", "Latin", "la", 2),
    ]
    assert corners(scene.instances[0]) == [*SQUARE, [-3, 4]]
    assert problems.counts == {"Total-Text inside": 1}


def test_hashes_full_width_hashes_and_illegible_items_are_dont_cares(tmp_path):
    _, [scene], _ = read(tmp_path, art(gt_1=[item("###"), item("＃＃＃"), item("read", illegibility=True), item("read")]))
    assert [instance.dont_care for instance in scene.instances] == [True, True, True, False]
    assert texts(scene)[1] == "＃＃＃"


def test_a_polygon_with_two_corners_like_that_of_gt_2805_is_reported(tmp_path):
    _, [scene], problems = read(tmp_path, art(gt_2805=[item(), item("short", SQUARE[:2])]))
    assert len(scene.instances) == 1
    assert str(problems.first("polygon rejected")) == "train_labels.json:gt_2805:2: 2 corners, must be 3 to 256; text 'short'"


def test_the_test_images_of_total_text_are_left_out_by_the_list_and_its_test_folder(tmp_path):
    ids = "".join(f"poly_gt_img{number}.txt gt_{number + 1}.txt\n" for number in range(1, 1556))
    files = {
        **art(gt_2=[item()], gt_3=[item()], gt_4=[item()]), "Total_Text_ID_vs_ArT_ID.list": ids,
        "train_images/gt_2.jpg": b"", "Total-Text/Test/img2.jpg": b"", "Total-Text/Train/img3.jpg": b"",
    }  # fmt: skip
    _, scenes, problems = read(tmp_path, files)
    assert [scene.name for scene in scenes] == ["gt_2", "gt_4"]
    assert problems.counts == {}


def test_a_list_cut_down_to_the_test_images_needs_no_test_folder(tmp_path):
    files = {**art(gt_3=[item()], gt_4=[item()]), "Total_Text_ID_vs_ArT_ID.list": "poly_gt_img883.txt gt_3.txt\n"}
    _, scenes, problems = read(tmp_path, files)
    assert [scene.name for scene in scenes] == ["gt_4"]
    assert problems.counts == {}


def test_without_the_test_folder_the_test_images_stay_in_and_are_reported(tmp_path):
    ids = "".join(f"poly_gt_img{number}.txt gt_{number}.txt\n" for number in range(1, 1556))
    _, scenes, problems = read(tmp_path, {**art(gt_3=[item()]), "Total_Text_ID_vs_ArT_ID.list": ids})
    assert [scene.name for scene in scenes] == ["gt_3"]
    assert "the list pairs 1,555 images, and its 300 test images stay in" in problems.first("Total-Text inside").what


def test_lsvt19_has_phrases_without_languages(tmp_path):
    line = {"transcription": "东城 店", "points": SQUARE, "illegibility": False}
    files = {"train_full_labels.json": json.dumps({"gt_1": [line, {**line, "transcription": "###", "illegibility": True}]})}
    name, [scene], problems = read(tmp_path, files)
    assert (name, texts(scene), scene.instances[0].script) == ("lsvt19", ["东城 店", "###"], None)
    assert [instance.dont_care for instance in scene.instances] == [False, True]
    assert problems.counts == {}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("text", "expected an object with transcription and points, got 'text'"),
        (item(text=None), "transcription is None, must be a string of whole characters"),
        (item(text="\ud800"), "transcription is '\\ud800', must be a string of whole characters"),
        (item(points=[[0, 0], [1]]), "points is [[0, 0], [1]], must be a list of [x, y]"),
        (item(points=[["0", 0], [1, 1], [2, 0]]), "points is [['0', 0], [1, 1], [2, 0]], must be a list of [x, y]"),
        (item(points=None), "points is None, must be a list of [x, y]"),
        (item(language=3), "language is 3, must be a name"),
        (item(illegibility="no"), "illegibility is 'no', must be true or false"),
    ],
)
def test_a_wrong_item_is_reported_with_its_number(tmp_path, wrong, message):
    images = {"train_labels.json": json.dumps({"gt_1": [item(), wrong], "gt_2": [item()], "gt_3": [item()]})}
    _, scenes, problems = read(tmp_path, images)
    assert [len(scene.instances) for scene in scenes] == [1, 1, 1]
    assert str(problems.first("line not understood")) == f"train_labels.json:gt_1:2: {message}"


def test_only_the_first_item_of_a_repeated_id_is_read(tmp_path):
    text = f'{{"gt_1": [{json.dumps(item("first"))}], "gt_1": [{json.dumps(item("second"))}]}}'
    _, [scene], problems = read(tmp_path, {"train_labels.json": text})
    assert texts(scene) == ["first"]
    assert str(problems.first("duplicate id")) == "train_labels.json:gt_1: this id is in the file twice; the first is taken"


def test_a_broken_file_is_read_up_to_the_error_and_reported_with_line_and_column(tmp_path):
    text = json.dumps({f"gt_{number}": [item()] for number in range(30)}, indent=1)
    broken = text.replace('"gt_25":', '"gt_25";')
    line = next(number for number, text in enumerate(broken.split("\n"), start=1) if '"gt_25"' in text)
    _, scenes, problems = read(tmp_path, {"train_labels.json": broken})
    assert len(scenes) == 25
    problem = problems.first("label file unreadable")
    assert str(problem).startswith(f"train_labels.json: line {line}, column 9: expected a colon after 'gt_25', got '; [")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1, column 1: expected an object that maps image ids to lists, got the end of the file"),
        (b"[1]", "line 1, column 1: expected an object that maps image ids to lists, got '[1]'"),
        (b'{"a": 1', "line 1, column 8: expected a comma or the end of the object after the item of 'a', got ''"),
        (b'{"a": 1,\n}', "line 2, column 1: expected another item after a comma, got '}'"),
        (b'{"a":\n [1, 2', "line 2, column 7: not JSON: Expecting ',' delimiter, got the end of the file"),
        (b'{"a": ' + b"[" * 100_000, "line 1, column 7: nested too deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "line 1, column 7: not JSON: Exceeds the limit"),
        (b'{"a": "' + b"x" * (MAX_ITEM + 1) + b'"}', "line 1, column 7: an item has more than 1,048,576 characters"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_content_that_is_not_a_json_object_is_refused_with_line_and_column(content, message):
    with pytest.raises(LabelError) as raised:
        [*json_items(content)]
    assert message in str(raised.value)


@pytest.mark.slow
def test_items_of_a_large_file_are_those_that_the_standard_library_reads():
    images = {f"gt_{number}": [item("店" * (number % 50), note="é\n")] * (number % 7) for number in range(30_000)}
    content = json.dumps(images, ensure_ascii=False, indent=1).encode()
    assert len(content) > 12 * MAX_ITEM
    assert dict(json_items(content)) == images
