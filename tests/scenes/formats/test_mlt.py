"""MLT17 and MLT19: lines are read, and wrong lines are reported."""

import pytest
from label_files_for_tests import corners, read, read_paths, real_scenes, texts

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of

CASTLE = "131,34,181,34,179,47,131,49,Latin,Castle"


def test_a_line_has_four_corners_a_script_with_its_task_and_a_text(tmp_path):
    name, [scene], problems = read(tmp_path, {"tr_img_00001.txt": CASTLE, "tr_img_00001.jpg": b""})
    [castle] = scene.instances
    assert (name, scene.name, scene.image.name) == ("mlt19", "tr_img_00001", "tr_img_00001.jpg")
    assert corners(castle) == [[131, 34], [181, 34], [179, 47], [131, 49]]
    assert (castle.script, castle.task, castle.text, castle.dont_care, castle.line) == ("Latin", "la", "Castle", False, 1)
    assert problems.counts == {}


def test_the_text_is_everything_after_the_ninth_comma_unchanged(tmp_path):
    lines = "\ufeff0,0,9,0,9,9,0,9,Latin,1,000 km \r\n\r\n  \n0,0,9,0,9,9,0,9,Arabic,\u200fبيت\r\n"
    _, [scene], problems = read(tmp_path, {"gt_img_00001.txt": lines})
    assert texts(scene) == ["1,000 km ", "\u200fبيت"]
    assert [instance.line for instance in scene.instances] == [1, 4]
    assert problems.counts == {}


def test_three_hashes_are_a_dont_care_in_any_script_and_symbols_and_mixed_have_no_task(tmp_path):
    box = "0,0,9,0,9,9,0,9"
    lines = "\n".join(f"{box},{rest}" for rest in ("None,###", "Korean,###", "Symbols,@", "Mixed,aあ", "Bangla,####"))
    _, [scene], problems = read(tmp_path, {"gt_img_00001.txt": lines})
    assert [instance.dont_care for instance in scene.instances] == [True, True, False, False, False]
    assert [instance.task for instance in scene.instances] == [None, "ko", None, None, "bn"]
    assert problems.counts == {}


def test_an_unknown_script_is_reported_and_its_word_stays_without_a_task(tmp_path):
    _, [scene], problems = read(tmp_path, {"tr_img_00007.txt": f"{CASTLE}\n0,0,9,0,9,9,0,9,Klingon,Qapla\n{CASTLE}"})
    assert [(instance.script, instance.task) for instance in scene.instances] == [("Latin", "la"), ("Klingon", None), ("Latin", "la")]
    assert str(problems.first("script unknown")).startswith("tr_img_00007.txt:2: unknown script 'Klingon' of text 'Qapla'")


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("131,34,181,34,179,47,131,Latin,Castle", "line not understood", "expected 10 comma-separated fields"),
        ("131,34,181,34,179,x,131,49,Latin,Castle", "line not understood", "number 6 of the line is 'x', must be a number"),
        ("131,34,181,34,179,1_0,131,49,Latin,Castle", "line not understood", "number 6 of the line is '1_0', must be a number"),
        ("131,34,181,34,179,nan,131,49,Latin,Castle", "polygon rejected", "a coordinate is nan, must be below"),
        ("131,34,181,34,179,1e99,131,49,Latin,Castle", "polygon rejected", "a coordinate is 1e+99, must be below"),
        ("1,1,2,2,3,3,4,4,Latin,Castle", "polygon rejected", "its corners lie on one line"),
        ("1,1,1,1,1,1,1,1,Latin,Castle", "polygon rejected", "1 different corner,"),
    ],
)
def test_a_line_that_cannot_be_used_is_reported_with_its_number_and_the_others_are_read(tmp_path, line, kind, message):
    _, [scene], problems = read(tmp_path, {"gt_img_00012.txt": f"{CASTLE}\n{line}\n{CASTLE}"})
    assert [instance.line for instance in scene.instances] == [1, 3]
    assert str(problems.first(kind)).startswith("gt_img_00012.txt:2: ")
    assert message in problems.first(kind).what


def test_a_byte_that_is_not_utf8_only_loses_its_own_line(tmp_path):
    lines = b"\n".join([CASTLE.encode(), b"0,0,9,0,9,9,0,9,Latin,caf\xe9", CASTLE.encode()])
    _, [scene], problems = read(tmp_path, {"gt_img_00012.txt": lines})
    assert [instance.line for instance in scene.instances] == [1, 3]
    assert str(problems.first("line not UTF-8")) == "gt_img_00012.txt:2: byte 26 of the line is 0xe9: save the file as UTF-8"


def test_direction_marks_around_a_number_are_ignored(tmp_path):
    _, [scene], problems = read(tmp_path, {"gt_img_00001.txt": f"{CASTLE}\n\u200f0,0,9\u200e,0,9,9,0,9,Arabic,بيت"})
    assert corners(scene.instances[1]) == [[0, 0], [9, 0], [9, 9], [0, 9]]
    assert problems.counts == {}


def test_mlt17_has_no_leading_zeros_and_its_images_are_called_img(tmp_path):
    name, [scene], _ = read(tmp_path, {"gt/gt_img_5407.txt": CASTLE, "images/img_5407.png": b""})
    assert (name, scene.name, scene.image.name) == ("mlt17", "img_5407", "images/img_5407.png")


def test_copies_of_mlt17_with_fractions_and_the_script_1_are_read(tmp_path):
    name, [scene], problems = read(tmp_path, {"gt_img_1.txt": "0.5,0.5,9.5,0.5,9.5,9.5,0.5,9.5,1,word"})
    assert (name, corners(scene.instances[0])[0], scene.instances[0].task) == ("mlt17", [0.5, 0.5], None)
    assert problems.counts == {"script unknown": 1}


def test_labels_of_the_test_part_belong_to_images_called_ts(tmp_path):
    _, [scene], _ = read(tmp_path, {"gt_img_00003.txt": CASTLE, "ts_img_00003.gif": b""})
    assert scene.image.name == "ts_img_00003.gif"


def test_files_of_any_name_are_mlt19_if_every_line_is_and_else_polygons(tmp_path):
    curved = "428,376,599,340,788,417,737,454,616,394,446,420,Latin,naughty"
    readme = {"readme.txt": "not a label", "one.jpg": b"", "two.jpg": b""}
    name, scenes, problems = read(tmp_path / "quads", {"one.txt": CASTLE, "two.txt": CASTLE, **readme})
    assert (name, [scene.name for scene in scenes]) == ("mlt19", ["one", "two"])
    assert [problem.place for problem in problems.entries] == ["readme.txt"]
    name, scenes, _ = read(tmp_path / "polygons", {"one.txt": f"{CASTLE}\n{curved}", "two.txt": CASTLE, **readme})
    assert (name, [len(instance.polygon) for instance in scenes[0].instances]) == ("mlt-polygons", [4, 6])


def test_real_labels_are_read_without_a_change():
    folder = real_scenes()
    name, scenes, problems = read_paths([folder], "mlt-polygons")
    lines = {path.stem: path.read_text("utf-8").splitlines() for path in folder.glob("gt_*.txt")}
    assert name == "mlt-polygons"
    assert problems.counts == {}
    assert {f"gt_{scene.name}" for scene in scenes} == set(lines)
    for scene in scenes:
        for instance, line in zip(scene.instances, lines[f"gt_{scene.name}"], strict=True):
            spelled = [f"{value:g}" for value in instance.polygon.ravel()]
            assert ",".join([*spelled, instance.script, instance.text]) == line


def test_one_curved_word_among_many_scenes_makes_a_set_one_of_polygons(tmp_path):
    """Half of the sampled files would fit MLT19, which would read the further corners as texts."""
    for number in range(1, 41):
        line = "1,1,9,1,9,9,5,9,3,9,1,9,Latin,curved" if number == 23 else "1,1,9,1,9,9,1,9,Latin,straight"
        (tmp_path / f"tr_img_{number:05}.txt").write_text(f"1,1,9,1,9,9,1,9,Latin,first\n{line}\n")
        (tmp_path / f"tr_img_{number:05}.jpg").write_bytes(b"\xff\xd8")
    assert format_of(Collection([tmp_path])).name == "mlt-polygons"
    (tmp_path / "tr_img_00023.txt").write_text("1,1,9,1,9,9,1,9,5,9,Latin is no script here\n")
    assert format_of(Collection([tmp_path])).name == "mlt19"


def test_files_of_scenes_without_text_do_not_decide_on_the_format(tmp_path):
    for number in range(1, 31):
        labels = "1,1,9,1,9,9,5,9,3,9,1,9,Latin,curved\n" if number == 7 else ""
        (tmp_path / f"tr_img_{number:05}.txt").write_text(labels)
        (tmp_path / f"tr_img_{number:05}.jpg").write_bytes(b"\xff\xd8")
    assert format_of(Collection([tmp_path])).name == "mlt-polygons"
