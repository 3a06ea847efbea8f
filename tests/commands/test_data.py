"""``python -m raygroup.data``, run as a user runs it."""

import json

import cv2
import numpy as np
import pytest
from worker_kills import killing_workers

from raygroup.data.__main__ import main
from raygroup.words.importing.importer import read_user_words

LABELS = "10,10,60,10,60,30,10,30,Latin,Castle\n10,40,60,40,60,60,10,60,Latin,###\n10,70,60,70,60,90,10,90,Korean,\ud638\ud154\n"


@pytest.fixture
def mlt(tmp_path):
    folder = tmp_path / "mlt"
    folder.mkdir()
    for number in range(1, 4):
        pixels = np.random.default_rng(number).integers(0, 256, (100, 120, 3), dtype=np.uint8)
        (folder / f"tr_img_{number:05}.jpg").write_bytes(cv2.imencode(".jpg", pixels)[1].tobytes())
        (folder / f"tr_img_{number:05}.txt").write_text(LABELS, encoding="utf-8")
    return folder


def test_inspect_prints_counts_and_draws_a_sheet(mlt, tmp_path, capsys):
    assert main(["inspect", str(mlt), "--sheet", str(tmp_path / "sheet.png")]) == 0
    printed = capsys.readouterr().out
    assert "MLT19: 3 scenes, 9 words, 3 of them don't-cares" in printed
    assert "tasks: la 3, ko 3" in printed
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None


def test_inspect_with_json_prints_one_object(mlt, capsys):
    assert main(["inspect", str(mlt), "--json", "--no-sheet"]) == 0
    inspection = json.loads(capsys.readouterr().out)
    assert inspection["scripts"]["Latin"] == {
        "instances": 6, "dont_cares": 3, "characters": 6, "mean_length": 6.0, "most_frequent": "Castle",
    }  # fmt: skip
    assert inspection["image_sizes"] == {"120x100": 3}
    assert inspection["problems"] == {"counts": {}, "listed": []}


def test_inspect_tells_of_the_faults_that_import_tells_of(mlt, tmp_path, capsys):
    (mlt / "tr_img_00002.jpg").rename(mlt / "tr_img_00002.heic")
    (mlt / "mlt17").mkdir()
    (mlt / "mlt17" / "gt_img_1.txt").write_text(LABELS, encoding="utf-8")
    (mlt / "mlt17" / "img_1.jpg").write_bytes((mlt / "tr_img_00001.jpg").read_bytes())
    assert main(["inspect", str(mlt), "--json", "--no-sheet"]) == 0
    inspected = json.loads(capsys.readouterr().out)["problems"]
    assert main(["import", str(mlt), "--out", str(tmp_path / "out"), "--workers", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == inspected
    assert inspected["counts"] == {"image of a kind not read": 1, "labels missing": 1, "labels of another data set": 1}
    assert "this one looks like MLT17: import them by themselves" in str(inspected["listed"])
    assert "tr_img_00002.heic is of a kind that is not read" in str(inspected["listed"])


def test_import_writes_words_for_a_sweep_and_keeps_finished_shards(mlt, tmp_path, capsys):
    command = ["import", str(mlt), "--out", str(tmp_path / "out"), "--workers", "1", "--name", "tiny", "--json"]
    assert main(command) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["scenes"], first["words"], first["dropped"]) == (3, 6, {"don't-care": 3})
    assert read_user_words(tmp_path / "out/words", ("la",)).tasks == ("ko", "la")
    written_ns = (tmp_path / "out/words/tiny-00000.parquet").stat().st_mtime_ns
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert (tmp_path / "out/words/tiny-00000.parquet").stat().st_mtime_ns == written_ns


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "nowhere"], "nowhere: no such file or folder"),
        (["import", "{mlt}", "--format", "mlt20"], "--format mlt20: no such format: choose one of "),
        (["inspect", "{mlt}", "--format", "icdar13"], "tr_img_00001.txt"),
        (["import", "{mlt}/tr_img_00001.jpg"], "must be a folder, a zip, a tarball, or a label file"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, message, mlt, capsys):
    assert main([argument.format(mlt=mlt) for argument in arguments]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_help_loads_no_heavy_package():
    import subprocess
    import sys

    probe = "import sys; from raygroup.data.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    probe += "assert 'cv2' not in sys.modules"
    subprocess.run([sys.executable, "-c", probe], check=True, stdout=subprocess.DEVNULL)


def test_a_killed_worker_is_replaced_and_too_many_kills_end_the_command_with_one_line(mlt, tmp_path, capsys):
    arguments = ["import", str(mlt), "--out", str(tmp_path / "out"), "--workers", "1"]
    with killing_workers():
        assert main(arguments) == 3
    last_line = capsys.readouterr().err.splitlines()[-1]
    assert "4 worker processes in a row died at the same work: its process ended by SIGKILL (out of memory?)" in last_line
    assert f"To continue: python -m raygroup.data import {mlt}" in last_line
    with killing_workers(most=1):
        assert main(arguments) == 0
    assert "another process takes over its work" in capsys.readouterr().err
