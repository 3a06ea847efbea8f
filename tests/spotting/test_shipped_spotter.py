"""The spotter that comes with the package: small, with licences, and it reads at once."""

import json
import tomllib
from pathlib import Path

import pytest

import raygroup
from raygroup.scenes.rendering.composing import compose, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.spot.__main__ import main
from raygroup.spot.opening import SHIPPED, spotter_folder
from raygroup.spotting.model_folder import read_record
from raygroup.spotting.photograph import decode_photograph
from raygroup.spotting.scene_reading import true_words
from raygroup.spotting.threshold_choice import LabelledScene, score_scenes

FOLDER = spotter_folder(SHIPPED)
SCENES = SceneSettings(split="test", seed=77)
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture(scope="module")
def scenes():
    """Return the names, labels and images of three scenes that nothing was trained or chosen on."""
    materials = load_materials(SCENES)
    return [(scene, image) for scene, image in (compose(SCENES, materials, number) for number in range(3))]


def test_it_is_at_most_12_mb_with_its_licences_and_every_file_is_packaged():
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12e6
    licenses = (FOLDER / "LICENSES").read_text()
    for source in ("wordfreq", "CC BY-SA 4.0", "SIL Open Font License"):
        assert source in licenses
    patterns = tomllib.loads(PYPROJECT.read_text())["tool"]["setuptools"]["package-data"]["raygroup.weights"]
    packaged = {path for pattern in patterns for path in FOLDER.parent.glob(pattern)}
    assert set(files) <= packaged


def test_its_thresholds_were_chosen_on_scenes_for_both_purposes():
    thresholds = read_record(FOLDER).settings.thresholds
    assert {each.chosen_on for each in thresholds.values()} != {"nothing"}
    assert thresholds["detection"] != thresholds["end-to-end"]


@pytest.mark.parametrize("backend", ["torch", "onnxruntime"])
def test_it_finds_and_reads_words_of_new_scenes(scenes, backend):
    spotter = raygroup.load_spotter(backend=backend, threads=1)
    read = [
        LabelledScene(scene.name, tuple(true_words(scene.instances)), tuple(spotter.candidates(decode_photograph(image))))
        for scene, image in scenes
    ]
    found, right = (score_scenes(read, task, spotter.settings.thresholds["detection"]).scores for task in (1, 4))
    assert found.hmean > 0.6
    assert right.hmean > 0.2


def test_the_command_uses_it_without_being_told(scenes, tmp_path, capsys):
    (tmp_path / "scene.jpg").write_bytes(scenes[0][1])
    assert main([str(tmp_path / "scene.jpg"), "--json", "--purpose", "detection"]) == 0
    words = json.loads(capsys.readouterr().out)["photographs"][0]["words"]
    assert len(words) > 2
    assert {word["task"] for word in words} <= set(raygroup.tasks.PAPER_TASKS)
