"""Two detectors in a few seconds: ``python -m raygroup.sweep spotter_smoke --scenes PATH --local``.

Hypothesis: none. It shows that a sweep on scenes trains, stops, continues and ends on this machine or cluster.

Expected: two finished trials. They find no words yet.
"""

from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector, DetectorTraining, Samples

sweep = Sweep(
    name="spotter_smoke",
    trial=Detector(samples=Samples(side=64), training=DetectorTraining(steps=20, batch=2, warm_up=5, checkpoint_every=5)),
    seeds=(0, 1),
)
