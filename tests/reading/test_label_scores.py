"""Readings are scored against labels by language. Values are worked by hand."""

from pathlib import Path

import pytest

from raygroup.errors import ConfigError
from raygroup.reading.label_scores import read_labels, score_readings
from raygroup.reading.package import WordReading

TASKS = ("ar", "zh", "la")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, text, name="labels.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def read(path, text, unsure=None, problem=None):
    return WordReading(str(path), text, "la", "la", 0.5, unsure, problem)


def scores_of(scores):
    return {score.task: (score.words, score.accuracy[0], score.one_minus_ned[0], score.unsure) for score in scores.by_language}


def test_accuracy_by_language_counts_each_word_once(folder):
    labels = read_labels(write(folder, "path,text,task\na.png,abcd,la\nb.png,abcd,la\nc.png,中国,zh\n"))
    readings = [read(folder / "a.png", "abcd", True), read(folder / "b.png", "abxd", False), read(folder / "c.png", "中国")]
    scores = score_readings(readings, labels, TASKS)
    assert scores_of(scores) == {"zh": (1, 1.0, 1.0, None), "la": (2, 0.5, 0.875, 0.5), "all": (3, 2 / 3, 2.75 / 3, 0.5)}
    low, high = scores.by_language[1].accuracy[1:]
    # Wilson's interval of 1 of 2.
    assert (low, high) == (pytest.approx(0.0945, abs=1e-4), pytest.approx(0.9055, abs=1e-4))


def test_without_a_task_the_language_is_that_of_the_characters(folder):
    labels = read_labels(write(folder, "path,text\na.png,abcd\nb.png,مرحبا\nc.png,中国\nd.png,\u0e01\u0e02\n"))
    readings = [read(f"{name}.png", "") for name in "abcd"]
    assert [score.task for score in score_readings(readings, labels, TASKS).by_language] == ["ar", "zh", "la", "none", "all"]


def test_a_task_that_the_package_does_not_know_has_a_row_of_its_own(folder):
    labels = read_labels(write(folder, "path,text,task\na.png,abcd,menus\n"))
    assert [score.task for score in score_readings([read("a.png", "abcd")], labels, TASKS).by_language] == ["menus", "all"]


def test_relative_absolute_and_unusual_spellings_of_a_path_are_one_image(folder):
    (folder / "images").mkdir()
    labels = read_labels(write(folder, "path,text\n./images/a.png,one\nimages//b.png,two\n"))
    scores = score_readings([read("images/a.png", "one"), read(folder / "images" / "b.png", "two")], labels, TASKS)
    assert scores_of(scores)["all"][:2] == (2, 1.0)
    assert (scores.without_label, scores.without_image) == (0, 0)


def test_images_without_label_and_labels_without_image_do_not_count_and_are_told(folder):
    labels = read_labels(write(folder, "path,text\na.png,one\ngone.png,two\n"))
    scores = score_readings([read("a.png", "one"), read("b.png", "two")], labels, TASKS)
    assert (scores.without_label, scores.without_image, scores_of(scores)["all"][0]) == (1, 1, 1)


def test_an_image_that_cannot_be_read_counts_as_read_wrongly(folder):
    labels = read_labels(write(folder, "path,text\na.png,one\n"))
    scores = score_readings([WordReading("a.png", problem="no such file")], labels, TASKS)
    assert scores_of(scores) == {"la": (1, 0.0, 0.0, None), "all": (1, 0.0, 0.0, None)}
    assert scores.unreadable == 1


def test_no_match_at_all_gives_no_scores(folder):
    labels = read_labels(write(folder, "path,text\na.png,one\n"))
    assert score_readings([read("other.png", "one")], labels, TASKS).by_language == ()


def test_tsv_and_json_lines_are_read_too_and_bad_rows_are_named(folder):
    for file in (
        write(folder, "text\tpath\none\ta.png\n", "labels.tsv"), write(folder, '{"path": "a.png", "text": "one"}\n', "labels.jsonl"),
    ):  # fmt: skip
        assert [(label.path, label.text) for label in read_labels(file).values()] == [(Path(folder) / "a.png", "one")]
    with pytest.raises(ConfigError, match=r"labels.csv:2: expected 2 fields"):
        read_labels(write(folder, "path,text\na.png,b,c\n"))
