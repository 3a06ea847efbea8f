"""Read a large photograph in a process of its own, and print the peak memory as JSON.

It imports what ``python -m raygroup.spot`` imports, and nothing else that is large. The arguments are
the folder of a spotter, a backend, a photograph, its map as ``.npy``, and a folder for the overlay.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from raygroup.spot.opening import load_spotter
from raygroup.spot.output import OutputFolder
from raygroup.spotting.photograph import read_photograph
from raygroup.spotting.regions import find_regions


def read_large_photograph(model: Path, backend: str, path: Path, probabilities: Path, out: Path) -> dict[str, Any]:
    """Return the number of words, and the peak memory in gigabytes before and after drawing."""
    spotter = load_spotter(model, backend=backend, threads=1)
    photograph = read_photograph(path)
    _, prepared = spotter.find(photograph)
    regions = find_regions(np.load(probabilities), spotter.settings.regions)
    words = spotter.read_regions(photograph, regions, prepared)
    reading_gb = peak_gb()
    OutputFolder(out, spotter.reader.grouping).write(path, photograph, words)
    return {"words": len(words), "gb": reading_gb, "drawn_gb": peak_gb()}


def peak_gb() -> float:
    """Return the largest memory of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2)


if __name__ == "__main__":
    model, backend, *paths = sys.argv[1:]
    print(json.dumps(read_large_photograph(Path(model), backend, *map(Path, paths))))
