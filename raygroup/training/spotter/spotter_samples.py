"""The training samples of a whole spotter: a part of a scene, its words, and what they should give."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.images.pixels import Pixels, decode, to_gray
from raygroup.scenes.scene import Instance, Polygon
from raygroup.scenes.scene_labels import is_learnable
from raygroup.scenes.scene_store import StoredScene
from raygroup.spotting.roi_masks import roi_masks
from raygroup.spotting.word_crops import word_crops
from raygroup.spotting.word_rectangles import WordRegions, reading_rectangles, word_regions
from raygroup.spotting_config import Spotting
from raygroup.training.spotter.region_targets import draw_movement, draw_proposals
from raygroup.training.spotter.scene_samples import SceneSample, draw_sample
from raygroup.training.spotter.segmentation_targets import SegmentationTargets, labelled_polygons, segmentation_targets
from raygroup.trunks import CROP_SIZE
from raygroup.words.labels import normalise

_EDGE = 2.0
"""Pixels that a word may reach beyond its sample and still be read."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadableWords:
    """The words of one sample that heads learn to read, w in all."""

    regions: WordRegions
    """Their regions, a little off."""
    instance_masks: NDArray[np.uint8]
    """Labelled polygons in these boxes, (w, 2s, 2s)."""
    labels: tuple[str, ...]
    tasks: NDArray[np.int64]
    """(w,)."""
    crops: NDArray[np.uint8]
    """What a crop reader gets for the same words, from the scene itself, (w, 32, 96)."""


@dataclass(frozen=True, slots=True, eq=False)
class SpotterSample:
    """A sample with the targets of all heads."""

    pixels: Pixels
    maps: SegmentationTargets
    polygons: tuple[Polygon, ...]
    is_ignored: NDArray[np.bool_]
    proposals: Sequence[Polygon]
    words: ReadableWords


def draw_spotter_sample(
    scene: StoredScene, tasks: Sequence[str], settings: Spotting, mask_size: int, random: np.random.Generator
) -> SpotterSample:
    """Draw a sample of a scene. ``tasks`` numbers the tasks of words."""
    instances = [instance for instance in scene.instances if instance.polygon is not None]
    polygons, scene_ignored = labelled_polygons(instances)
    pixels = decode(scene.image)
    sample = draw_sample(pixels, polygons, settings.samples, random)
    ignored, side = scene_ignored[list(sample.numbers)], settings.samples.side
    maps = segmentation_targets(sample.polygons, ignored, (side, side), least_side=settings.samples.smallest_word)
    proposals = draw_proposals(sample.polygons, side, settings.regions, random)
    words = _readable_words(pixels, instances, sample, tasks, settings, mask_size, random)
    return SpotterSample(sample.pixels, maps, sample.polygons, ignored, proposals, words)


def _readable_words(
    pixels: Pixels, instances: Sequence[Instance], sample: SceneSample, tasks: Sequence[str], settings: Spotting, mask_size: int,
    random: np.random.Generator,
) -> ReadableWords:  # fmt: skip
    places = [place for place in range(len(sample.numbers)) if is_readable(instances[sample.numbers[place]], tasks)]
    places = [place for place in places if _is_within(sample.polygons[place], settings)][: settings.regions.most_words]
    words = [instances[sample.numbers[place]] for place in places]
    in_scene = [word.polygon for word in words if word.polygon is not None]
    in_sample = [sample.polygons[place] for place in places]
    movement = draw_movement(in_sample, settings.regions.jitter, random)
    moved = [movement.apply(number, polygon) for number, polygon in enumerate(in_sample)]
    rectangles, filled = reading_rectangles(in_scene)
    rectangles = rectangles @ sample.matrix[:, :2].T + sample.matrix[:, 2]
    rectangles = np.array([movement.apply(number, each) for number, each in enumerate(rectangles)]).reshape(-1, 4, 2)
    side = settings.samples.side
    regions = word_regions(moved, rectangles, filled, (side, side), mask_size)
    return ReadableWords(
        regions, roi_masks(in_sample, regions.boxes, 2 * mask_size), tuple(normalise(word.text) for word in words),
        np.array([tasks.index(word.task or "") for word in words], np.int64), crops_of_words(pixels, in_scene),
    )  # fmt: skip


def crops_of_words(pixels: Pixels, polygons: Sequence[Polygon]) -> NDArray[np.uint8]:
    """Return the crops of words in their order (n, 32, 96). Words of less than two pixels have empty ones."""
    cut = word_crops(to_gray(pixels), polygons)
    crops = np.zeros((len(polygons), *CROP_SIZE), np.uint8)
    crops[cut.words] = cut.crops
    return crops


def is_readable(instance: Instance, tasks: Sequence[str]) -> bool:
    """Return whether a word has a label that a head can learn, and a known task."""
    return instance.task in tasks and is_learnable(instance.text, instance.task, dont_care=instance.dont_care)


def _is_within(polygon: Polygon, settings: Spotting) -> bool:
    side = settings.samples.side
    is_inside = bool((polygon >= -_EDGE).all() and (polygon <= side + _EDGE).all())
    return is_inside and min(cv2.minAreaRect(polygon.astype(np.float32))[1]) >= settings.samples.smallest_word
