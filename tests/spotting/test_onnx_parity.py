"""A spotter on onnxruntime finds and reads what it does on torch, and needs no torch."""

import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from kernel_maps import KernelMaps
from rendered_scenes_for_tests import store_of
from torch import nn

import raygroup
from raygroup.errors import ConfigError
from raygroup.export.spotter import export_spotter
from raygroup.images.pixels import decode_gray
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import COMPACT
from raygroup.scenes.scene_store import read_scenes
from raygroup.spot import __main__ as spot
from raygroup.training.spotter.detector_weights import save_detector

pytestmark = pytest.mark.slow
MAP_TOLERANCE = 1e-5
CONFIDENCE_TOLERANCE = 1e-4
PITCH = 54
"""Rows between the words of a photograph. Seventy words are not scaled."""
SIZES = [(1, 32, 32), (1, 64, 96), (1, 160, 32), (2, 96, 64)]
"""Images, height and width."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return store_of(tmp_path_factory.mktemp("scenes"), 2)


@pytest.fixture(scope="module")
def folder(finished_trial, scenes, tmp_path_factory):
    """A spotter whose detector has random weights and statistics."""
    pytest.importorskip("onnxruntime", reason="needs raygroup[onnx]")
    pytest.importorskip("onnxscript", reason="needs raygroup[export]")
    folder = tmp_path_factory.mktemp("spotter")
    torch.manual_seed(0)
    network = DetectorNetwork(COMPACT)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.5, 2)
    save_detector(folder / "detector.safetensors", network, "compact", {})
    return export_spotter(finished_trial.folder, folder / "spotter", detector=folder / "detector.safetensors", scenes=scenes).folder


@pytest.fixture(scope="module")
def spotters(folder):
    return [raygroup.load_spotter(folder, backend=name, threads=1) for name in ("onnxruntime", "torch")]


def images(*shape):
    return np.random.default_rng(0).normal(0, 1, (shape[0], 3, *shape[1:])).astype(np.float32)


def photograph(height, width):
    return np.random.default_rng(height).integers(0, 255, (height, width, 3), np.uint8)


def poster(finished_trial, count):
    """Return a photograph with words of the trial, and their rectangles."""
    pixels, rectangles = np.full((PITCH * max(count, 1), 300, 3), 127, np.uint8), []
    for number in range(count):
        word = decode_gray(finished_trial.images[number])
        top, width = PITCH * number + 6, min(round(42 * word.shape[1] / word.shape[0]), 280)
        pixels[top : top + 42, 10 : 10 + width] = cv2.resize(word, (width, 42))[..., None]
        left, right, low, high = 14, 6 + width, top + 4, top + 38
        rectangles.append(np.array([[left, low], [right, low], [right, high], [left, high]], np.float64))
    return pixels, rectangles


def require_same(ours, others):
    """All is equal but for the rounding of probabilities."""
    assert [(word.text, word.task, word.head, word.unsure) for word in ours] == [
        (word.text, word.task, word.head, word.unsure) for word in others
    ]
    for word, other in zip(ours, others, strict=True):
        assert np.array_equal(word.polygon, other.polygon)
        assert abs(word.detection - other.detection) < MAP_TOLERANCE
        assert abs(word.confidence - other.confidence) < CONFIDENCE_TOLERANCE


def test_each_spotter_computes_with_its_own_library(spotters):
    assert [(spotter.backend.name, spotter.reader.backend.name) for spotter in spotters] == [("onnxruntime",) * 2, ("torch",) * 2]


@pytest.mark.parametrize("shape", SIZES)
def test_maps_of_any_size_are_equal(spotters, shape):
    ours, others = (spotter.backend.maps(images(*shape)) for spotter in spotters)
    assert ours.shape == shape
    assert np.ptp(ours) > 100 * MAP_TOLERANCE
    assert np.abs(ours - others).max() < MAP_TOLERANCE


@pytest.mark.parametrize("count", [0, 1, 2, 70])
@pytest.mark.parametrize("beams", [1, 6])
def test_any_number_of_words_is_read_alike(spotters, finished_trial, count, beams):
    pixels, rectangles = poster(finished_trial, count)
    ours, others = (replace(spotter, backend=KernelMaps(rectangles)).candidates(pixels, beams) for spotter in spotters)
    assert len(ours) == count
    require_same(ours, others)


@pytest.mark.parametrize("size", [(1, 1), (33, 70), (64, 64), (90, 200)])
def test_a_photograph_of_any_size_gives_the_same_words(spotters, size):
    pixels = photograph(*size)
    ours, others = (replace(spotter, settings=with_regions(spotters[1], pixels)).candidates(pixels) for spotter in spotters)
    require_same(ours, others)
    assert ours or size != (90, 200)


def with_regions(spotter, pixels):
    """Return settings that find regions on the map of random weights.

    The threshold lies in the widest gap among the higher probabilities, so that rounding moves no pixel over it.
    """
    from raygroup.spotting.network_input import prepare_input

    prepared = prepare_input(pixels, spotter.settings.input)
    values = np.sort(spotter.backend.maps(prepared.tensor[None])[0, : prepared.height, : prepared.width], axis=None)
    values = values[len(values) * 8 // 10 :] if len(values) > 10 else np.array([0.0, 1.0])
    widest = int(np.diff(values[: len(values) // 2 + 1]).argmax())
    threshold = float(values[widest] + values[widest + 1]) / 2
    return replace(spotter.settings, regions=replace(spotter.settings.regions, threshold=threshold, least_score=0.0))


def test_without_onnxruntime_the_command_says_so(folder, tmp_path, monkeypatch, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), photograph(40, 40))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    arguments = [str(tmp_path / "a.png"), "--model", str(folder)]
    assert spot.main([*arguments, "--backend", "onnxruntime"]) == 2
    assert capsys.readouterr().err.startswith("raygroup: onnxruntime is not installed: pip install 'raygroup[onnx]'")
    assert spot.main(arguments) == 0
    assert raygroup.load_spotter(folder).backend.name == "torch"


def test_without_torch_the_command_reads_draws_and_explains(folder, scenes, tmp_path):
    scene = next(read_scenes(scenes))
    (tmp_path / f"{scene.name}.jpg").write_bytes(scene.image)
    code = "import sys; sys.modules['torch'] = sys.modules['ray'] = None; from raygroup.spot.__main__ import main; sys.exit(main())"
    arguments = [str(tmp_path / f"{scene.name}.jpg"), "--model", str(folder), "--out", str(tmp_path / "out"), "--explain", str(scenes)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / f"{scene.name}.explained.png").is_file()
    assert "1 photograph compared" in done.stdout


def test_other_beams_than_those_of_the_files_are_refused(spotters, finished_trial):
    pixels, rectangles = poster(finished_trial, 1)
    with pytest.raises(ConfigError, match="exported for 1 .greedy. or 6 beams"):
        replace(spotters[0], backend=KernelMaps(rectangles)).candidates(pixels, beams=4)
