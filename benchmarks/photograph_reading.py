"""Time and memory of reading photographs with a spotter.

The regions are known, so neither depends on how well the detector is trained. Its network computes
its map all the same.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from package import rendered_crops
from spotting_problem import photograph_of, probability_map, word_rectangles
from timing import AlternatedTimes

from raygroup.spot.opening import load_spotter
from raygroup.spotting.network_input import prepare_input
from raygroup.spotting.regions import RegionSettings, find_regions
from raygroup.spotting.spotter import Spotter
from raygroup.spotting.word_crops import word_crops

BACKENDS = ("onnxruntime", "torch")
SIZE = (1280, 960)
"""Width and height of the photograph that is timed."""
LARGE = (4000, 3000)
"""Of the photograph whose memory is measured."""
LARGE_GRID = (20, 50)
"""Columns and rows of its words."""
SMALL, SMALL_GRID = (1000, 750), (4, 5)
"""The same of a photograph that only tries the program."""
PARTS = ("input", "network", "regions", "crops", "reading")
BESIDE_NETWORKS = ("input", "regions", "crops")
"""Parts that neither network computes."""


def photograph_figures(model: Path, columns: int, rows: int, rounds: int) -> dict[str, Any]:
    """Return processor milliseconds of the parts for each backend, and the share of the parts beside the networks."""
    words = word_rectangles(columns, rows, *SIZE)
    photograph = photograph_of(words, rendered_crops(len(words)), *SIZE)
    figures: dict[str, Any] = {"photograph_words": len(words)}
    for backend in BACKENDS:
        steps = photograph_steps(load_spotter(model, backend=backend, threads=1), photograph, words)
        times = AlternatedTimes(steps, rounds, "cpu", dict.fromkeys(steps, 3))
        seconds = {part: times.seconds(part) for part in PARTS}
        figures |= {f"photograph_{backend}_{part}_ms": round(1000 * value, 1) for part, value in seconds.items()}
        total = sum(seconds.values())
        figures[f"photograph_{backend}_ms"] = round(1000 * total, 1)
        figures[f"photograph_{backend}_beside_share"] = round(sum(seconds[part] for part in BESIDE_NETWORKS) / total, 3)
    return figures


def photograph_steps(spotter: Spotter, photograph: NDArray[np.uint8], words: NDArray[np.float64]) -> dict[str, Callable[[], Any]]:
    """Return the parts of ``Spotter.spot``."""
    prepared = prepare_input(photograph, spotter.settings.input)
    probabilities = probability_map(words, prepared.width, prepared.height)
    regions = find_regions(probabilities, RegionSettings())
    assert len(regions) == len(words), f"{len(regions)} regions of {len(words)} words"

    def crops() -> NDArray[np.uint8]:
        gray = np.asarray(cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY), np.uint8)
        return word_crops(gray, [prepared.to_photograph(corners) for corners in regions.rectangles]).crops

    pictures = list(crops())
    return {
        "input": lambda: prepare_input(photograph, spotter.settings.input),
        "network": lambda: spotter.backend.maps(prepared.tensor[None]),
        "regions": lambda: find_regions(probabilities, RegionSettings()),
        "crops": crops,
        "reading": lambda: spotter.reader.read(pictures),
    }


def memory_figures(model: Path, quick: bool) -> dict[str, Any]:
    """Return the peak memory of processes that read a large photograph with many words, and draw them."""
    (columns, rows), (width, height) = (SMALL_GRID, SMALL) if quick else (LARGE_GRID, LARGE)
    words = word_rectangles(columns, rows, width, height)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="raygroup-benchmark-") as name:
        folder = Path(name)
        cv2.imwrite(str(folder / "large.png"), photograph_of(words, rendered_crops(len(words)), width, height))
        np.save(folder / "map.npy", probability_map(words, width, height))
        for backend in BACKENDS:
            arguments = [str(model), backend, str(folder / "large.png"), str(folder / "map.npy"), str(folder / backend)]
            command = [sys.executable, str(Path(__file__).with_name("large_photograph.py")), *arguments]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            figures |= {f"large_{backend}_{key}": value for key, value in json.loads(done.stdout.splitlines()[-1]).items()}
    return figures
