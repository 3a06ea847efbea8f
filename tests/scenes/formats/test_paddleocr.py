"""PaddleOCR: a path, a tab and JSON on each line."""

import json

import pytest
from label_files_for_tests import read

from raygroup.errors import LabelError
from raygroup.scenes.formats.paddleocr import split_line

CORNERS = [[10, 10], [110, 10], [110, 40], [10, 40]]


def line(path, *texts, **fields):
    return f"{path}\t{json.dumps([{'transcription': text, 'points': CORNERS, **fields} for text in texts], ensure_ascii=False)}"


@pytest.mark.parametrize("name", ["Label.txt", "train_icdar2015_label.txt", "det_gt_train.txt", "det_train.txt"])
def test_labels_of_all_images_are_read_from_one_file(tmp_path, name):
    labels = "\r\n".join([line("imgs/a.png", "Alpha", "###", "*"), line("imgs/b.png", "金", difficult=True)])
    found, [first, second], problems = read(tmp_path, {name: labels, "imgs/a.png": b"", "imgs/b.png": b""})
    assert found == "paddleocr"
    assert [(instance.text, instance.dont_care) for instance in first.instances] == [("Alpha", False), ("###", True), ("*", True)]
    assert first.instances[0].polygon.tolist() == CORNERS
    assert [instance.dont_care for instance in second.instances] == [True]
    assert not problems.counts


def test_the_path_tells_images_of_one_name_apart(tmp_path):
    _, [scene], _ = read(tmp_path, {"Label.txt": line("b/1.png", "Alpha"), "a/1.png": b"", "b/1.png": b""})
    assert scene.image.name == "b/1.png"


def test_a_broken_line_is_reported_and_the_others_are_read(tmp_path):
    labels = "\n".join([line(f"{number}.png", "Alpha") for number in range(10)] + ["11.png", line("12.png", 5), line("13.png", "Beta")])
    _, scenes, problems = read(tmp_path, {"Label.txt": labels})
    assert [len(scene.instances) for scene in scenes[-2:]] == [0, 1]
    assert problems.counts == {"line not understood": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png", "expected a path, a tab and at most"),
        ("a.png\t{}", "expected a list of objects after the tab"),
        ("a.png\t[", "not JSON after the tab"),
        ("a.png\t" + "[" * 100_000, "nested too deep"),
    ],
)
def test_a_line_of_another_form_is_refused_in_one_line(text, message):
    with pytest.raises(LabelError, match=message):
        split_line(text)
