"""``python -m raygroup.read`` and ``python -m raygroup.export`` as a user sees them."""

import csv
import io
import json
import sys

import cv2
import numpy as np
import pytest

from raygroup.export import __main__ as export
from raygroup.read import __main__ as read
from raygroup.reading.record import read_record


@pytest.fixture(scope="module")
def folder(finished_trial, tmp_path_factory):
    """Ten pictures of Latin words and ten of Hindi ones, with labels."""
    folder = tmp_path_factory.mktemp("words")
    numbers = [number for task in ("la", "hi") for number in [i for i, each in enumerate(finished_trial.tasks) if each == task][:10]]
    rows = []
    for place, number in enumerate(numbers):
        (folder / f"w{place}.png").write_bytes(finished_trial.images[number])
        rows.append((f"w{place}.png", finished_trial.texts[number]))
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "text"), *rows])
    return folder


def printed(capsys, *arguments, code=0):
    assert read.main(list(map(str, arguments))) == code
    return capsys.readouterr()


def test_json_has_every_reading_with_its_confidence(plain_package, folder, capsys):
    out, err = printed(capsys, plain_package, folder, "--json")
    readings = json.loads(out)["readings"]
    assert [reading["name"] for reading in readings] == [str(folder / f"w{number}.png") for number in range(20)]
    assert set(readings[0]) == {"name", "text", "task", "head", "confidence", "unsure", "problem"}
    assert "20 words in " in err
    assert "words a second, with torch" in err


def test_labels_give_accuracy_by_language_with_intervals(plain_package, folder, capsys):
    out, _ = printed(capsys, plain_package, "--labels", folder / "labels.csv", "--json")
    accuracy = {row["task"]: row for row in json.loads(out)["accuracy"]}
    assert {task: row["words"] for task, row in accuracy.items()} == {"hi": 10, "la": 10, "all": 20}
    mean, low, high = accuracy["all"]["accuracy"]
    assert 0.5 < low < mean <= high <= 1
    text, _ = printed(capsys, plain_package, "--labels", folder / "labels.csv")
    assert "accuracy, with 95 % intervals over words" in text


def test_csv_and_pictures_are_written_beside_the_table(plain_package, folder, tmp_path, capsys):
    table, _ = printed(
        capsys, plain_package, "--labels", folder / "labels.csv", "--csv", tmp_path / "out.csv", "--pictures", tmp_path / "out.png"
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8"))))
    assert len(rows) == 20
    assert rows[3]["text"] in table
    picture = cv2.imread(str(tmp_path / "out.png"))
    assert picture is not None
    assert picture.std() > 5


def test_paths_come_from_standard_input(plain_package, folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{folder / 'w1.png'}\n{folder / 'w0.png'}\n"))
    out, _ = printed(capsys, plain_package, "-", "--json")
    assert [reading["name"][-6:] for reading in json.loads(out)["readings"]] == ["w1.png", "w0.png"]


def test_unreadable_images_and_strange_labels_are_named(plain_package, folder, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((30, 60), 9, np.uint8))
    (tmp_path / "notes.png").write_text("no picture")
    out, err = printed(
        capsys, plain_package, folder / "w0.png", tmp_path / "blank.png", tmp_path / "notes.png", tmp_path / "gone.png", "--labels",
        folder / "labels.csv",
    )  # fmt: skip
    assert "w0.png" in out
    assert "blank.png: blank: all its pixels have one gray value" in err
    assert "notes.png: not an image in a supported format" in err
    assert "gone.png: no such file" in err
    assert "19 rows of the labels name images that were not read" in err
    assert "3 images have no label" in err


def test_if_no_image_can_be_read_the_exit_code_says_so(plain_package, tmp_path, capsys):
    out, err = printed(capsys, plain_package, tmp_path / "gone.png", code=2)
    assert out == ""
    assert "gone.png: no such file" in err


BAD = [
    ([], "no images: name files, folders or patterns"), (["x.png", "--pictures", "out.txt"], "--pictures out.txt: must end in .png"),
    (["x.png", "--beams", "0"], "argument --beams: '0' must be a whole number from 1"), (["no/*.png"], "no/*.png: no file fits"),
    (["x.png", "--labels", "gone.csv"], "gone.csv"), (["x.png", "--threads=-1"], "'-1' must be a whole number from 0"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_line(plain_package, arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = printed(capsys, plain_package, *arguments, code=2)
    assert out == ""
    assert message in err
    assert err.startswith("raygroup: ")
    assert err.count("\n") == 1


def test_many_images_show_progress(plain_package, folder, capsys, monkeypatch):
    monkeypatch.setattr(read, "_MANY_IMAGES", 5)
    assert "20 words read" in printed(capsys, plain_package, folder).err


def test_export_prints_the_heads_and_the_next_command(finished_trial, tmp_path, capsys):
    assert export.main([str(finished_trial.folder), str(tmp_path / "out"), "--no-onnx"]) == 0
    out = capsys.readouterr().out
    assert "ar+hi" in out
    assert "left out, because no task is on them: head 0, head 2" in out
    assert "no ONNX files" in out
    assert f"to read: python -m raygroup.read {tmp_path / 'out'} IMAGES" in out


def test_export_takes_a_sweep_by_name_and_prints_json(finished_trial, tmp_path, capsys):
    storage = str(finished_trial.folder.parent.parent)
    assert export.main(["tiny", str(tmp_path / "out"), "--best", "--no-onnx", "--json", "--storage-path", storage]) == 0
    printed_record = json.loads(capsys.readouterr().out)
    assert printed_record["trial"]["id"] == finished_trial.folder.name
    assert printed_record["sizes"] == dict(read_record(tmp_path / "out").sizes)


def test_without_the_onnx_packages_only_weights_are_written_and_a_line_says_so(finished_trial, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert export.main([str(finished_trial.folder), str(tmp_path / "out")]) == 0
    assert "only safetensors are written: onnxscript is not installed: pip install 'raygroup[export]'" in capsys.readouterr().err
    assert not read_record(tmp_path / "out").has_onnx
    assert export.main([str(finished_trial.folder), str(tmp_path / "other"), "--onnx"]) == 2
    assert "onnxscript is not installed" in capsys.readouterr().err
