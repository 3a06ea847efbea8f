"""``python -m raygroup.pretrain --scenes``, ``export --detector`` and ``spot`` as a user sees them."""

import json
import shutil

import cv2
import numpy as np
import pytest
from rendered_scenes_for_tests import store_of

import raygroup
from raygroup.errors import DamagedFileError
from raygroup.export import __main__ as export
from raygroup.pretrain import __main__ as pretrain
from raygroup.spot import __main__ as spot
from raygroup.spotting.spotter import PURPOSES

SPACE = """
from raygroup.spotter_config import Detector, DetectorTraining, Samples
detector = Detector(samples=Samples(side=64), training=DetectorTraining(steps=3, batch=2))
"""


@pytest.fixture(scope="module")
def spotter(finished_trial, tmp_path_factory):
    """A spotter whose detector has hardly learnt anything."""
    folder = tmp_path_factory.mktemp("spotter")
    scenes = store_of(folder, 3)
    (folder / "tiny.py").write_text(SPACE)
    arguments = [str(folder / "tiny.py"), "--scenes", str(scenes), "--out", str(folder / "detector.safetensors")]
    assert pretrain.main([*arguments, "--storage-path", str(folder / "runs")]) == 0
    arguments = [str(finished_trial.folder), str(folder / "model"), "--detector", str(folder / "detector.safetensors")]
    assert export.main([*arguments, "--scenes", str(scenes), "--no-onnx"]) == 0
    return folder / "model"


@pytest.fixture
def photograph(tmp_path):
    cv2.imwrite(str(tmp_path / "img_00007.png"), np.full((90, 120, 3), 200, np.uint8))
    return tmp_path / "img_00007.png"


def test_the_command_knows_the_purposes_of_a_spotter():
    assert spot.PURPOSES == PURPOSES


def test_each_photograph_gets_an_overlay_and_its_words(spotter, photograph, tmp_path, capsys):
    assert spot.main([str(photograph), "--model", str(spotter), "--out", str(tmp_path / "out"), "--submission", "4"]) == 0
    assert f"{photograph}: " in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / "out" / "img_00007.png")) is not None
    assert json.loads((tmp_path / "out" / "img_00007.json").read_text())["image"] == str(photograph)
    assert (tmp_path / "out" / "submission-task4.zip").is_file()


def test_json_says_which_thresholds_were_used(spotter, photograph, capsys):
    assert spot.main([str(photograph), "--model", str(spotter), "--json", "--purpose", "detection"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["purpose"] == "detection"
    assert [each["image"] for each in printed["photographs"]] == [str(photograph)]


def test_what_is_no_image_is_one_line_and_the_others_are_read(spotter, photograph, tmp_path, capsys):
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert spot.main([str(tmp_path / "broken.png"), str(photograph), "--model", str(spotter)]) == 0
    assert "broken.png: " in capsys.readouterr().err
    assert spot.main([str(tmp_path / "broken.png"), "--model", str(spotter)]) == 2


def test_a_submission_needs_numbers_in_names(spotter, photograph, tmp_path, capsys):
    named = photograph.rename(tmp_path / "street.png")
    assert spot.main([str(named), "--model", str(spotter), "--out", str(tmp_path / "out"), "--submission", "1"]) == 2
    assert "a submission names images by number" in capsys.readouterr().err


def test_a_changed_file_is_refused(spotter, tmp_path):
    copy = shutil.copytree(spotter, tmp_path / "copy")
    (copy / "detector.safetensors").write_bytes(b"other")
    with pytest.raises(DamagedFileError, match=r"detector\.safetensors: changed since the export"):
        raygroup.load_spotter(copy)


def test_a_detector_takes_no_words(tmp_path, capsys):
    assert pretrain.main(["--scenes", str(tmp_path), "--words", str(tmp_path)]) == 2
    assert "--scenes trains a detector, which takes no --words" in capsys.readouterr().err
    assert export.main(["trial", str(tmp_path / "out"), "--detector", "d.safetensors"]) == 2
    assert "--detector and --scenes go together" in capsys.readouterr().err
