"""A whole spotter in some seconds: ``python -m raygroup.sweep spotter_whole_smoke --scenes PATH --local``.

Hypothesis: none. It shows that all parts of a spotter train, stop, continue and end on this machine or cluster.

Expected: a finished trial. It finds and reads no words yet, and its grouping is noise.
"""

from raygroup.search_space import Sweep
from raygroup.spotter_config import DetectorTraining, Samples
from raygroup.spotting_config import SpotterHeads, SpotterLoss, SpotterWeights, Spotting

sweep = Sweep(
    name="spotter_whole_smoke",
    trial=Spotting(
        samples=Samples(side=64),
        heads=SpotterHeads(count=2, source="rectangles"),
        loss=SpotterLoss(distillation=1.0),
        training=DetectorTraining(steps=20, batch=2, warm_up=5, checkpoint_every=5),
        weights=SpotterWeights(reader="laptop"),
    ),
)
