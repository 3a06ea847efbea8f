"""A package reads words from Python. The same on torch and from a trial; onnxruntime has tests of its own in tests/export."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

import raygroup
from raygroup.errors import ConfigError
from raygroup.reading import package as package_module


@pytest.fixture(scope="module")
def package(plain_package):
    return raygroup.load(plain_package)


def test_a_package_without_onnx_files_is_read_with_torch(package):
    assert package.backend.name == "torch"
    assert package.tasks == ("ar", "hi", "la")


def test_words_are_read_with_text_task_head_and_confidence(package, finished_trial):
    readings = package.read(finished_trial.images)
    assert sum(reading.text == text for reading, text in zip(readings, finished_trial.texts, strict=True)) > 0.9 * len(readings)
    assert [reading.task for reading in readings] == finished_trial.tasks
    assert {reading.head for reading in readings} == {"ar+hi", "la"}
    assert all(0 < reading.confidence <= 1 and reading.problem is None for reading in readings)


def test_a_trial_reads_as_its_package_does(package, finished_trial):
    trial = raygroup.load(finished_trial.folder)
    assert trial.read(finished_trial.images[:40]) == package.read(finished_trial.images[:40])
    assert trial.summary()["grouping"] == package.summary()["grouping"]


def test_one_image_alone_is_read_like_a_list_of_one(package, finished_trial):
    image = finished_trial.images[3]
    assert package.read(image) == package.read([image]) == package.read(iter([image]))


def test_reading_in_blocks_changes_nothing_and_reports_progress(package, finished_trial, monkeypatch):
    whole = package.read(finished_trial.images[:20])
    monkeypatch.setattr(package_module, "WORDS_PER_BLOCK", 8)
    seen = []
    readings = package.read(finished_trial.images[:20], progress=seen.append)
    assert [(each.name, each.text) for each in readings] == [(each.name, each.text) for each in whole]
    assert seen == [8, 16, 20]


def test_a_bad_image_stops_no_other(package, finished_trial):
    good = finished_trial.images[0]
    first, bad, last = package.read([good, b"no image", good])
    assert (bad.name, bad.text, bad.task, bad.confidence, bad.unsure) == ("image 2", "", None, None, None)
    assert bad.problem.startswith("not an image")
    assert (first.name, last.name, first.text) == ("image 1", "image 3", last.text)


def test_no_images_give_no_readings(package):
    assert package.read([]) == []
    assert package.read([b""])[0].problem == "the file is empty"


def test_a_word_in_no_tasks_script_is_read_with_a_lower_confidence(package, finished_trial):
    noise = np.random.default_rng(0).integers(0, 255, (40, 120), np.uint8)
    known = np.mean([reading.confidence for reading in package.read(finished_trial.images)])
    strange = package.read([cv2.GaussianBlur(noise, (5, 5), 0)])[0]
    assert strange.problem is None
    assert strange.confidence < known


def test_words_below_the_threshold_of_their_task_are_unsure(package, finished_trial):
    thresholds = package.record.thresholds
    assert all(threshold.words >= 40 for threshold in thresholds.values())
    for reading in package.read(finished_trial.images):
        assert reading.unsure == thresholds[reading.task].is_unsure(reading.confidence)


def test_beams_read_at_least_as_probable_words_and_bad_numbers_are_refused(package, finished_trial):
    greedy, beams = package.read(finished_trial.images[:30]), package.read(finished_trial.images[:30], beams=4)
    assert sum(one.text == other.text for one, other in zip(greedy, beams, strict=True)) >= 27
    for number in (0, -1, True, 1.5, 10_000):
        with pytest.raises(ConfigError, match="beams is"):
            package.read(finished_trial.images[:1], beams=number)


def test_unknown_names_and_backends_are_refused_in_one_line(plain_package, tmp_path):
    with pytest.raises(ConfigError, match="backend is 'tensorrt': it must be one of auto, onnxruntime, torch"):
        raygroup.load(plain_package, backend="tensorrt")
    with pytest.raises(ConfigError, match="no package, because it has no package.json; and as a trial: no storage path"):
        raygroup.load("nothing", storage_path=tmp_path / "runs")
    with pytest.raises(ConfigError, match="neither the folder of a trial nor that of a sweep"):
        raygroup.load(tmp_path)


def test_importing_the_reading_library_loads_neither_torch_nor_pyarrow():
    code = (
        "import sys, raygroup.read.__main__, raygroup.read.output\n"
        "from raygroup.reading import inputs, onnx_backend, package\n"
        "assert not {'torch', 'ray', 'pyarrow', 'matplotlib'} & set(sys.modules), 'too much'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
