"""``python -m raygroup.pretrain --scenes``, ``export --detector`` and ``spot`` as a user sees them."""

import json
import shutil
import tracemalloc

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from rendered_scenes_for_tests import store_of

import raygroup
from raygroup.errors import DamagedFileError
from raygroup.export import __main__ as export
from raygroup.pretrain import __main__ as pretrain
from raygroup.spot import __main__ as spot
from raygroup.spotting.spotter import PURPOSES
from raygroup.spotting_config import SpotterLoss, SpotterWeights, Spotting
from raygroup.training.spotter.new_spotter import new_spotter
from raygroup.training.spotter.trained_spotter import save_spotter_network
from raygroup.words.charset import Charset

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


def test_a_spotter_says_what_is_known_of_licences(spotter):
    assert "Name them here before you pass the folder on" in (spotter / "LICENSES").read_text()


def test_licences_that_cannot_be_read_are_one_line(spotter, tmp_path, capsys):
    arguments = ["trial", str(tmp_path / "out"), "--detector", str(spotter / "detector.safetensors"), "--scenes", str(tmp_path)]
    assert export.main([*arguments, "--licenses", str(tmp_path / "none.txt")]) == 2
    assert f"--licenses {tmp_path / 'none.txt'}: cannot be read" in capsys.readouterr().err


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


def write_truth(folder, *lines, number=7):
    folder.mkdir(exist_ok=True)
    (folder / f"gt_img_{number:05d}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return folder


LINES = ("10,10,60,10,60,30,10,30,Latin,word", "10,40,60,40,60,60,10,60,Arabic,بيت", "10,70,60,70,60,85,10,85,None,###")


def test_errors_are_drawn_and_counted_beside_the_ground_truth(spotter, photograph, tmp_path, capsys):
    truth = write_truth(tmp_path / "gt", *LINES)
    write_truth(truth, *LINES, number=8)
    cv2.imwrite(str(tmp_path / "img_00009.png"), np.zeros((40, 40, 3), np.uint8))
    photographs = [str(photograph), str(tmp_path / "img_00009.png")]
    assert spot.main([*photographs, "--model", str(spotter), "--out", str(tmp_path / "out"), "--explain", str(truth)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (total,) = (line.split() for line in lines if line.startswith("all "))
    right, misread, missed, _, ignored, _ = map(int, total[1:])
    assert (right + misread + missed, ignored) == (2, 1)
    assert "no ground truth for 1 photograph: img_00009.png" in lines
    assert "no photograph for the ground truth of 1 image: gt_img_00008.txt: 3 words" in lines
    assert cv2.imread(str(tmp_path / "out" / "img_00007.explained.png")) is not None
    assert not (tmp_path / "out" / "img_00009.explained.png").exists()
    assert len(json.loads((tmp_path / "out" / "img_00007.json").read_text())["explained"]) >= 3


def test_json_has_the_numbers_of_the_table_and_every_word(spotter, photograph, tmp_path, capsys):
    truth = write_truth(tmp_path / "gt", *LINES)
    assert spot.main([str(photograph), "--model", str(spotter), "--json", "--explain", str(truth)]) == 0
    printed = json.loads(capsys.readouterr().out)
    counts, words = printed["explanation"]["counts"], printed["photographs"][0]["explained"]
    assert (
        counts["correct"] + counts["misread"] + counts["missed"] + counts["ignored"] == printed["explanation"]["ground_truth"]["words"] == 3
    )
    assert counts["correct"] + counts["misread"] + counts["false"] + counts["over ignored"] == len(printed["photographs"][0]["words"])
    assert {word["truth_text"] for word in words} >= {"word", "بيت", "###"}
    explanation = raygroup.explain_photographs(raygroup.load_spotter(spotter), [photograph], truth)
    assert explanation.to_json() == printed["explanation"]


def test_ground_truth_of_other_photographs_is_refused_before_anything_is_read(spotter, photograph, tmp_path, capsys):
    truth = write_truth(tmp_path / "gt", *LINES, number=8)
    assert spot.main([str(photograph), "--model", "nowhere", "--explain", str(truth)]) == 2
    assert "gt: no labels for any of the 1 photographs" in capsys.readouterr().err


def test_words_of_an_unreadable_photograph_are_counted(spotter, photograph, tmp_path, capsys):
    truth = write_truth(tmp_path / "gt", *LINES)
    photograph.write_bytes(photograph.read_bytes()[:60])
    assert spot.main([str(photograph), "--model", str(spotter), "--explain", str(truth)]) == 2
    assert "3 words of the ground truth are in photographs that could not be read" in capsys.readouterr().out


def write_kinds(folder):
    """Write photographs of many kinds that can be read."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    cv2.imwrite(str(folder / "pixel.png"), pixels[:1, :1])
    cv2.imwrite(str(folder / "wide.png"), np.full((24, 20_000, 3), 200, np.uint8))
    cv2.imwrite(str(folder / "alpha.png"), np.dstack([pixels, pixels[..., 0]]))
    cv2.imwrite(str(folder / "deep.png"), pixels.astype(np.uint16) * 257)
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[0x0112] = 6
    image.convert("CMYK").save(folder / "cmyk.jpg")
    image.save(folder / "turned.jpg", exif=exif)
    image.save(folder / "moving.gif", save_all=True, append_images=[image.rotate(90)])


def test_photographs_of_all_kinds_are_read_and_drawn(spotter, tmp_path, capsys):
    write_kinds(tmp_path)
    assert spot.main([str(tmp_path), "--model", str(spotter), "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert len([*(tmp_path / "out").glob("*.png")]) == 7
    assert [line for line in captured.err.splitlines() if line.startswith("raygroup: ")] == [
        f"raygroup: {tmp_path}/moving.gif: 2 frames, the first is taken"
    ]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jpg", b"", "the file is empty"),
        ("text.png", b"no image", "not an image in a supported format"),
        ("phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC is not an image in a supported format"),
        ("cut.png", cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (9, 9), np.uint8))[1].tobytes()[:80], "decoded"),
    ],
)
def test_each_file_of_a_folder_that_cannot_be_read_is_one_line(spotter, photograph, tmp_path, capsys, name, content, reason):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "notes.txt").touch()
    assert spot.main([str(tmp_path), "--model", str(spotter)]) == 0
    (line,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("raygroup: "))
    assert line.startswith(f"raygroup: {tmp_path / name}: ")
    assert reason in line


def test_memory_does_not_grow_with_the_number_of_photographs(spotter, tmp_path):
    """A folder may hold thousands of photographs. Their words are kept, and their pixels are not."""
    peaks = []
    side = 500
    for count in (1, 2, 5):
        for number in range(count):
            cv2.imwrite(str(tmp_path / f"{number}.png"), np.zeros((side, side, 3), np.uint8))
        tracemalloc.start()
        assert spot.main([str(tmp_path), "--model", str(spotter)]) == 0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 1.5 * side * side * 3


def test_a_submission_needs_numbers_in_names(spotter, photograph, tmp_path, capsys):
    named = photograph.rename(tmp_path / "street.png")
    assert spot.main([str(named), "--model", str(spotter), "--out", str(tmp_path / "out"), "--submission", "1"]) == 2
    assert "a submission names images by number" in capsys.readouterr().err


def test_a_changed_file_is_refused(spotter, tmp_path):
    copy = shutil.copytree(spotter, tmp_path / "copy")
    (copy / "detector.safetensors").write_bytes(b"other")
    with pytest.raises(DamagedFileError, match=r"detector\.safetensors: changed since the export"):
        raygroup.load_spotter(copy)


def test_what_is_no_detector_or_no_scenes_is_one_line(finished_trial, spotter, tmp_path, capsys):
    scenes = store_of(tmp_path, 1)
    arguments = [str(finished_trial.folder), str(tmp_path / "out"), "--no-onnx", "--scenes", str(scenes)]
    for detector, reason in (
        (spotter / "reader" / "model.safetensors", "no detector: python -m raygroup.pretrain --scenes writes one"),
        (spotter / "spotter.json", "not a safetensors file"),
        (tmp_path / "none.safetensors", "no such file of a detector's weights"),
    ):
        assert export.main([*arguments, "--detector", str(detector)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"{detector}: {reason}" in line
    assert export.main([*arguments[:-1], str(tmp_path / "none"), "--detector", str(spotter / "detector.safetensors")]) == 2
    assert f"{tmp_path / 'none'}: not a readable part of a scene store" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def whole_spotter(path, **loss):
    """Write the weights of a whole spotter before its training."""
    settings, charset = Spotting(loss=SpotterLoss(**loss), weights=SpotterWeights(reader="/home/me/reader")), Charset(("a", "b"))
    network = new_spotter(settings, 2, charset, None, None, "cpu", torch.float32)
    save_spotter_network(path, network, settings, ("la", "ar"), charset, {"losses": {"dice": 0.5}})
    return path


def test_a_whole_spotter_gives_the_part_that_finds_words(finished_trial, photograph, tmp_path, capsys):
    weights = whole_spotter(tmp_path / "spotter.safetensors")
    arguments = [str(finished_trial.folder), str(tmp_path / "model"), "--scenes", str(store_of(tmp_path, 1)), "--no-onnx"]
    assert export.main([*arguments, "--detector", str(weights)]) == 0
    assert spot.main([str(photograph), "--model", str(tmp_path / "model")]) == 0
    record = (tmp_path / "model" / "spotter.json").read_text()
    assert json.loads(record)["detector"]["losses"] == {"dice": 0.5}
    assert "/home/me" not in record
    assert b"/home/me" not in (tmp_path / "model" / "detector.safetensors").read_bytes()
    untrained = whole_spotter(tmp_path / "untrained.safetensors", dice=0.0, cross_entropy=0.0)
    capsys.readouterr()
    assert export.main([*arguments[:1], str(tmp_path / "other"), *arguments[2:], "--detector", str(untrained)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{untrained}: its map was never trained" in line


def test_what_is_no_spotter_is_one_line(spotter, photograph, tmp_path, capsys):
    for model, reason in ((tmp_path, "no spotter: it has no spotter.json"), (spotter / "reader", "no spotter"), (photograph, "spotter")):
        assert spot.main([str(photograph), "--model", str(model)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line


def test_a_detector_takes_no_words(tmp_path, capsys):
    assert pretrain.main(["--scenes", str(tmp_path), "--words", str(tmp_path)]) == 2
    assert "--scenes trains a detector, which takes no --words" in capsys.readouterr().err
    assert export.main(["trial", str(tmp_path / "out"), "--detector", "d.safetensors"]) == 2
    assert "--detector and --scenes go together" in capsys.readouterr().err
