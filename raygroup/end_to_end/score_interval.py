"""The interval of H over images, from images drawn at random."""

import numpy as np

from raygroup.randomness import generator
from raygroup.scoring.results import Result
from raygroup.scoring.word_columns import Reals

DRAWS = 1000


def hmean_interval(result: Result) -> tuple[float, float]:
    """Return a 95 % interval of H: how much other images of this kind would change it.

    The images of the ground truth are drawn with replacement, a thousand times.
    """
    counts = counts_by_image(result)
    draws = generator("resampled images").integers(0, len(counts), (DRAWS, len(counts)))
    correct, words, detections = counts[draws].sum(axis=1).T
    low, high = np.quantile(2 * correct / np.maximum(words + detections, 1), (0.025, 0.975))
    return float(low), float(high)


def counts_by_image(result: Result) -> Reals:
    """Return how many words of each image are correct, count, and were detected, (images, 3)."""
    truths, detections, matching = result.truths, result.detections, result.matching
    correct = truths.image[matching.truth[result.right[matching.matched]]]
    columns = (correct, truths.image[~truths.ignored], detections.image[~matching.ignored])
    return np.stack([np.bincount(images, minlength=len(truths.images)) for images in columns], axis=1).astype(np.float64)
