"""Samples of a spotter: the teacher's crops are those of a crop reader, and RoI columns lie where crop columns lie."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rendered_scenes_for_tests import store_of

from raygroup.images.pixels import decode, to_gray
from raygroup.model.laptop_trunk import Trunk
from raygroup.model.spotter.word_sampling import sample_rectangles
from raygroup.scenes.scene_store import read_scenes
from raygroup.spotter_config import Samples
from raygroup.spotting.word_crops import word_crops
from raygroup.spotting_config import RegionDraws, Spotting
from raygroup.training.spotter.region_targets import box_regions, draw_movement, draw_proposals
from raygroup.training.spotter.spotter_samples import draw_spotter_sample, is_readable

TASKS = ("la", "ar")
SETTINGS = Spotting(
    samples=Samples(side=160, variation=0.0, smallest_zoom=1.0, largest_zoom=1.0, smallest_word=3.0), regions=RegionDraws(jitter=0.0)
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return [*read_scenes(store_of(tmp_path_factory.mktemp("scenes"), 4))]


def sample_of(scene, settings=SETTINGS, seed=0):
    return draw_spotter_sample(scene, TASKS, settings, 32, np.random.default_rng(seed))


def test_the_target_of_a_word_is_the_features_that_a_crop_reader_has(scenes):
    trunk = Trunk().eval()
    targets, expected = [], []
    for scene in scenes:
        words = sample_of(scene).words
        polygons = [word.polygon for word in scene.instances if is_readable(word, TASKS) and word.text in words.labels]
        alone = word_crops(to_gray(decode(scene.image)), polygons).crops
        targets += list(words.crops)
        expected += [crop for crop in alone if any(np.array_equal(crop, each) for each in words.crops)]
    assert len(targets) >= 4
    with torch.no_grad():
        assert torch.equal(trunk(torch.from_numpy(np.stack(targets))), trunk(torch.from_numpy(np.stack(expected))))


def test_columns_of_a_rectangle_show_what_the_columns_of_the_crop_show(scenes):
    settings = replace(SETTINGS, samples=replace(SETTINGS.samples, rotation=0.0, stretch=0.0))
    correlations = []
    for scene in scenes:
        sample = sample_of(scene, settings)
        gray, words = torch.from_numpy(to_gray(sample.pixels)).float()[None, None], sample.words
        rectangles, filled = (torch.from_numpy(each) for each in (words.regions.in_image, words.regions.filled))
        read = sample_rectangles(gray, rectangles, filled, torch.zeros(len(filled), dtype=torch.long), (32, 96))[:, 0].numpy()
        for roi, crop, share in zip(read, words.crops, filled.tolist(), strict=True):
            columns = int(96 * share)
            correlations.append(np.corrcoef(roi[:, :columns].ravel(), crop[:, :columns].ravel())[0, 1])
    assert np.median(correlations) > 0.9
    assert np.mean(np.array(correlations) > 0.75) > 0.9  # a letter of a few pixels is resampled by other rules


def test_equal_generators_draw_equal_samples(scenes):
    one, other = (sample_of(scenes[0], replace(SETTINGS, regions=RegionDraws(jitter=0.2)), seed=3) for _ in range(2))
    assert np.array_equal(one.pixels, other.pixels)
    assert np.array_equal(one.words.regions.boxes, other.words.regions.boxes)
    assert all(np.array_equal(a, b) for a, b in zip(one.proposals, other.proposals, strict=True))


def square(left, top, side):
    return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]], float)


def test_jitter_moves_a_word_by_shares_of_its_short_side():
    polygons = [square(50, 50, 20)]
    movement = draw_movement(polygons, 0.1, np.random.default_rng(0))
    draws = np.random.default_rng(0).normal(0, 0.1, (1, 4))[0]
    moved = movement.apply(0, polygons[0])
    assert np.allclose(moved.mean(0), 60 + 20 * draws[2:])
    assert np.allclose(np.ptp(moved, axis=0), 20 * (1 + np.abs(draws[:2])))


def test_labelled_words_are_proposals_and_dont_cares_train_nothing():
    polygons, random = [square(10, 10, 30), square(60, 60, 30)], np.random.default_rng(0)
    settings = RegionDraws(jitter=0.0, copies=0, background=6, most=64)
    proposals = draw_proposals(polygons, 128, settings, random)
    regions = box_regions(proposals, polygons, np.array([False, True]), 128, 7, settings, random)
    assert len(proposals) == 8
    assert (regions.labels == 1).sum() >= 1
    assert not any(np.array_equal(box, [60, 60, 90, 90]) for box in regions.boxes)
    assert np.allclose(regions.deltas[regions.boxes.tolist().index([10, 10, 40, 40])], 0)


def test_proposals_beyond_the_samples_edge_are_left_out():
    settings, random = RegionDraws(), np.random.default_rng(0)
    regions = box_regions([square(-50, 10, 30), square(10, 10, 30)], [square(10, 10, 30)], np.array([False]), 128, 7, settings, random)
    assert regions.labels.tolist() == [1]
