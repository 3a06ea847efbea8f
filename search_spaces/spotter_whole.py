"""Whole grouped spotters as in the paper: ``python -m raygroup.sweep spotter_whole --scenes PATH --weights FILE``.

Hypothesis: five heads that read RoI features learn a grouping while all parts train, and the base coefficient changes it. The features are
distilled from the reader's crops, and every head starts from the reader's universal head.

Expected: the losses of the map, the boxes and the languages fall. Whether the heads read is open: no training of RoI features here has read
words yet (docs/spotting.md), so the groupings may be noise. Look at their decisiveness first.
"""

from raygroup.search_space import Sweep
from raygroup.spotting_config import SpotterHeads, SpotterLoss, SpotterWeights, Spotting

sweep = Sweep(
    name="spotter_whole",
    trial=Spotting(
        heads=SpotterHeads(count=5, source="rectangles"),
        loss=SpotterLoss(distillation=1.0),
        weights=SpotterWeights(reader="laptop"),
    ),
    grid={"heads.base_coefficient": (0.2, 0.1)},
)
