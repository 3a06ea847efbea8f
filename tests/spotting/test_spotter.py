"""A spotter reads the words in the regions of a map, and keeps those that are sure enough."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from kernel_maps import KernelMaps

import raygroup
from raygroup.errors import ConfigError
from raygroup.images.pixels import decode_gray
from raygroup.spotting.spotter import Spotter, SpotterSettings, SpottingThresholds


@pytest.fixture(scope="module")
def reader(plain_package):
    return raygroup.load(plain_package)


@pytest.fixture(scope="module")
def poster(finished_trial):
    """A gray photograph with three words of the trial, and their rectangles and texts."""
    photograph, rectangles, texts = np.full((300, 420, 3), 127, np.uint8), [], []
    for number, place in enumerate(np.linspace(0, len(finished_trial.texts) - 1, 3).astype(int)):
        word = decode_gray(finished_trial.images[place])
        height, width = 64, round(64 * word.shape[1] / word.shape[0])
        top, left = 20 + 90 * number, 40 + 60 * number
        photograph[top : top + height, left : left + width] = cv2.resize(word, (width, height))[..., None]
        right, bottom = left + width - 5, top + height - 5  # a spotter cuts with some air
        rectangles.append(np.array([[left + 5, top + 5], [right, top + 5], [right, bottom], [left + 5, bottom]], np.float64))
        texts.append(finished_trial.texts[place])
    return photograph, rectangles, texts


def test_words_are_found_where_they_are_and_read(reader, poster):
    photograph, rectangles, texts = poster
    words = Spotter(KernelMaps(rectangles), reader, SpotterSettings()).spot(photograph)
    assert len(words) == 3
    for rectangle in rectangles:
        nearest = min(words, key=lambda word: np.abs(word.polygon.mean(0) - rectangle.mean(0)).sum())
        assert np.abs(np.sort(nearest.polygon, 0) - np.sort(rectangle, 0)).max() < 2
        assert nearest.task in reader.tasks
        assert 0 < nearest.confidence <= 1
    assert sum(word.text in texts for word in words) >= 2


def test_a_photograph_without_text_has_no_words(reader):
    assert Spotter(KernelMaps([]), reader, SpotterSettings()).spot(np.zeros((70, 50, 3), np.uint8)) == []


def test_thresholds_drop_words_for_their_purpose_alone(reader, poster):
    photograph, rectangles, _ = poster
    strict = {"detection": SpottingThresholds(detection=0.995), "end-to-end": SpottingThresholds(reading=2.0)}
    spotter = Spotter(KernelMaps(rectangles), reader, replace(SpotterSettings(), thresholds=strict))
    assert len(spotter.candidates(photograph)) == 3
    assert spotter.spot(photograph, "detection") == []
    assert spotter.spot(photograph, "end-to-end") == []
    sure = Spotter(KernelMaps(rectangles, 0.999), reader, replace(SpotterSettings(), thresholds=strict))
    assert len(sure.spot(photograph, "detection")) == 3


def test_another_purpose_is_refused(reader):
    with pytest.raises(ConfigError, match="purpose is 'task 1': it must be one of detection, end-to-end"):
        Spotter(KernelMaps([]), reader, SpotterSettings()).spot(np.zeros((64, 64, 3), np.uint8), "task 1")
