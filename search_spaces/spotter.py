"""Detectors of a compact spotter as a sweep: ``python -m raygroup.sweep spotter --scenes PATH``.

Hypothesis: the seed matters little. Two detectors of the recipe of ``pretrain_detector`` find words of other rendered scenes equally well.

Expected: detection (task 1 of MLT19) H of at least 0.83 for each, on rendered scenes with words that were never trained on.
"""

from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector

sweep = Sweep(
    name="spotter",
    trial=Detector(),
    seeds=(0, 1),
)
