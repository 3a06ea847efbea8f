"""Sweeps of a few seconds that train detectors or whole spotters on four rendered scenes."""

from pathlib import Path

from rendered_scenes_for_tests import store_of

from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector, DetectorTraining, Samples
from raygroup.spotting_config import RegionDraws, SpotterHeads, SpotterLoss, SpotterWeights, Spotting

TRIAL = Detector(samples=Samples(side=32), training=DetectorTraining(steps=6, batch=2, warm_up=2, checkpoint_every=2))
ONE = Sweep(name="tiny", trial=TRIAL)
TWO = Sweep(name="tiny", trial=TRIAL, seeds=(0, 1))
SPACE = '''
"""Hypothesis: none; a few steps on a few scenes."""
from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector, DetectorTraining, Samples
training = DetectorTraining(steps=6, batch=2, warm_up=2, checkpoint_every=2)
sweep = Sweep(name="tiny", trial=Detector(samples=Samples(side=32), training=training), seeds=(0, 1))
'''

SPOTTING = Spotting(
    samples=Samples(side=64, smallest_zoom=0.5, largest_zoom=0.6, smallest_word=3.0), regions=RegionDraws(most=16, most_words=4),
    heads=SpotterHeads(count=2, source="rectangles"), loss=SpotterLoss(distillation=1.0), training=TRIAL.training,
    weights=SpotterWeights(reader="laptop"),
)  # fmt: skip
WHOLE = Sweep(name="whole", trial=SPOTTING, grid={"heads.base_coefficient": (0.2, 0.1)})


def space(folder: Path) -> str:
    """Write the search space of ``TWO``, and return its path."""
    path = folder / "tiny.py"
    path.write_text(SPACE)
    return str(path)


def scenes_in(folder: Path) -> Path:
    """Render four scenes below a folder, and return their import."""
    return store_of(folder, 4)  # type: ignore[no-any-return,no-untyped-call]
