"""Compare the work on the words of a photograph with the released spotter's loops over words.

Run ``python benchmarks/spotting.py [--quick]``. A map of 1280 x 960 pixels with 50 words is turned into
regions, their masks of 7 and 32 pixels are drawn, and their features are read with six beams. The
loops are restated in benchmarks/baselines/ and get the same map, polygons and features. Both sides
take turns in one process, on one thread. Ratios are of processor seconds: the median over rounds.
``total_ratio`` is over regions as rectangles, masks and reading, and ``geometry_ratio`` over the first
two. ``overlap_*`` is the mean intersection over union of the drawn words and what is made of their
kernels. pycocotools must be installed.

A photograph of 1280 x 960 pixels with as many words is then read by a spotter, part by part: scaling
and normalising, the network, regions, crops, and reading. ``photograph_*_beside_share`` is the share
of the parts that no network computes. ``large_*_gb`` is the peak memory of a process that reads a
photograph of 4000 x 3000 pixels with 1,000 words, and ``large_*_drawn_gb`` that after drawing them.
``--model`` is the folder of a spotter, by default that of the package. The regions are known, so only
the lengths of the read texts depend on weights. The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
import torch
from baselines.looped import STEPS
from baselines.spotting_loops import looped_masks, looped_regions
from machine import machine_name, print_figures
from numpy.typing import NDArray
from paper_heads import make_looped
from photograph_reading import memory_figures, photograph_figures
from reading_times import BEAMS, make_readable_words
from spotting_problem import probability_map, word_rectangles
from timing import AlternatedTimes, prepare_process

from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import choose_kernels
from raygroup.spot.opening import SHIPPED, spotter_folder
from raygroup.spotting.reference_regions import ReferenceSettings, reference_regions
from raygroup.spotting.regions import RegionSettings, find_regions
from raygroup.spotting.roi_masks import roi_masks
from raygroup.spotting.word_crops import word_crops

COLUMNS, ROWS = 5, 10
"""A map has as many words."""
SIZES = (7, 32)
"""Sides of the masks of the box head and of the mask head."""
WIDTH, HEIGHT = 1280, 960


def main() -> None:
    """Measure the parts, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round with few classes, to try the program: the figures mean little")
    parser.add_argument("--model", type=Path, default=spotter_folder(SHIPPED), help="the folder of a spotter (default: the shipped one)")
    arguments = parser.parse_args()
    quick = arguments.quick
    prepare_process()
    cv2.setNumThreads(1)
    words = word_rectangles(COLUMNS, ROWS, WIDTH, HEIGHT)
    geometry = region_steps(probability_map(words, WIDTH, HEIGHT)) | mask_steps(words) | crop_steps(words)
    times = AlternatedTimes(geometry, 1 if quick else 9, "cpu", dict.fromkeys(geometry, 5))
    reading = AlternatedTimes(reading_steps(200 if quick else 9002), 1 if quick else 3, "cpu", {})
    figures = figures_of(times, reading) | mean_overlaps(words)
    figures |= photograph_figures(arguments.model, COLUMNS, ROWS, 1 if quick else 5) | memory_figures(arguments.model, quick)
    figures |= {"words": len(words), "machine": machine_name("cpu")}
    print_figures(figures)
    print(json.dumps(figures))


def figures_of(geometry: AlternatedTimes, reading: AlternatedTimes) -> dict[str, Any]:
    """Return the ratios of the parts, the ratios of their sums, and milliseconds."""
    figures: dict[str, Any] = {f"{part}_ratio": geometry.ratio(f"looped {part}", part) for part in ("regions", "masks")}
    figures["rectangles_ratio"] = geometry.ratio("looped regions", "rectangles")
    figures["reading_ratio"] = reading.ratio("looped reading", "reading")
    ms = {name: 1000 * times.seconds(name) for times in (geometry, reading) for name in times.rounds[0]}
    looped, ours = ms["looped regions"] + ms["looped masks"], ms["rectangles"] + ms["masks"]
    figures["geometry_ratio"] = round(looped / ours, 2)
    figures["total_ratio"] = round((looped + ms["looped reading"]) / (ours + ms["reading"]), 2)
    return figures | {f"{name.replace(' ', '_')}_ms": round(value, 2) for name, value in ms.items()}


def mean_overlaps(words: NDArray[np.float64]) -> dict[str, float]:
    """Return the mean intersection over union of the words of a map and their regions, by way."""
    probabilities = probability_map(words, WIDTH, HEIGHT)
    shapes, figures = shapely.polygons(words), {}
    for name, polygons in (
        ("released", looped_regions(torch.from_numpy(probabilities))[2]),
        ("rectangles", find_regions(probabilities, RegionSettings()).polygons),
        ("polygons", find_regions(probabilities, RegionSettings(outline="polygon")).polygons),
    ):
        regions = np.array([shapely.Polygon(polygon) for polygon in polygons])
        shared = shapely.area(shapely.intersection(shapes[:, None], regions))
        overlaps = shared / (shapely.area(shapes)[:, None] + shapely.area(regions) - shared)
        figures[f"overlap_{name}"] = round(float(overlaps.max(axis=1).mean()), 3)
    return figures


def region_steps(probabilities: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    """Return the ways to find regions. All must find every word."""
    as_tensor = torch.from_numpy(probabilities)
    steps: dict[str, Callable[[], Any]] = {
        "looped regions": lambda: looped_regions(as_tensor)[1],
        "reference regions": lambda: reference_regions(probabilities, (HEIGHT, WIDTH), ReferenceSettings()),
        "regions": lambda: find_regions(probabilities, RegionSettings(outline="polygon")),
        "rectangles": lambda: find_regions(probabilities, RegionSettings()),
    }
    for name, step in steps.items():
        assert len(step()) == COLUMNS * ROWS, f"{name} finds {len(step())} words"
    return steps  # type: ignore[return-value]


def mask_steps(words: NDArray[np.float64]) -> dict[str, Callable[[], object]]:
    """Return both ways to draw the masks of both heads. Their pixels must be equal."""
    probabilities = torch.from_numpy(probability_map(words, WIDTH, HEIGHT))
    boxes, _, polygons = looped_regions(probabilities)
    for size in SIZES:
        assert np.array_equal(roi_masks(polygons, boxes, size), looped_masks(polygons, boxes, size).numpy())
    return {
        "looped masks": lambda: [looped_masks(polygons, boxes, size) for size in SIZES],
        "masks": lambda: [torch.from_numpy(roi_masks(polygons, boxes, size)) for size in SIZES],
    }


def reading_steps(classes: int) -> dict[str, Callable[[], object]]:
    """Return both ways to read the features of as many words with two heads and six beams."""
    bank, words = make_readable_words(2, COLUMNS * ROWS, classes, "cpu", 6)
    looped = make_looped(bank, "cpu")
    heads = torch.arange(len(words)) % 2
    reader = Reader(bank, choose_kernels("auto", "cpu"))
    channels_last = words.contiguous(memory_format=torch.channels_last)
    return {
        "looped reading": lambda: [head.beam(words[heads == number], BEAMS) for number, head in enumerate(looped)],
        "reading": lambda: reader.beam(channels_last, heads, STEPS, BEAMS),
    }


def crop_steps(words: NDArray[np.float64]) -> dict[str, Callable[[], object]]:
    """Return the way to cut the words out of a photograph. It has no counterpart in the released code."""
    photograph = np.random.default_rng(2).integers(0, 255, (HEIGHT, WIDTH), np.uint8)
    return {"crops": lambda: word_crops(photograph, list(words))}


if __name__ == "__main__":
    main()
