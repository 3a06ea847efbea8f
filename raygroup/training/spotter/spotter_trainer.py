"""Train a whole spotter on scenes: map, boxes, masks, languages, recognition and grouping.

A step is a function of (settings, step, weights). Every draw is keyed by seed, purpose, step and
sample, and is made before the samples are divided among workers. Losses are divided by the counts
of the whole batch, so several workers take the step that one would take, but for rounding.

With a crop reader as the teacher, the features of regions learn to equal those of the words' crops,
and the reader's universal head, which every attention head begins with, can read them. CTC heads begin
at random.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from raygroup.model.spotter.shape import SHAPES
from raygroup.model.spotter.spotter import Spotter
from raygroup.randomness import generator
from raygroup.scenes.scene_table import SceneTable
from raygroup.spotting_config import LOSSES, Spotting
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.spotter.network_training import NetworkTraining
from raygroup.training.spotter.new_spotter import new_spotter
from raygroup.training.spotter.spotter_samples import SpotterSample, draw_spotter_sample
from raygroup.training.spotter.step_losses import StepLosses
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.charset import Charset

_IMAGE_PARTS = ("trunk.", "segmentation.")
"""The parts whose learning rate has the factor ``image_rate``."""


class SpotterTrainer(NetworkTraining[Spotter]):
    """A spotter in training: its weights, their moving average and the optimizer."""

    def __init__(
        self, settings: Spotting, scenes: SceneTable, tasks: Sequence[str], charset: Charset, *, teacher: UniversalModel | None = None,
        start: Mapping[str, Tensor] | None = None, device: str = "cpu", worker: WorkerRank = SOLE_RANK, dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        """Initialise the weights from the seed. ``start`` replaces those that it names, such as a detector's.

        Raises ConfigError if the settings do not fit each other, the teacher or the names of parts.
        """
        self.settings, self.scenes = settings, scenes
        self.tasks, self.charset, self.device = tuple(tasks), charset, device
        make = partial(new_spotter, settings, len(tasks), charset, teacher, start, device, dtype)
        super().__init__(make(), make(), settings.training, worker, _IMAGE_PARTS, settings.image_rate)
        trunk = teacher.trunk.to(device) if teacher is not None and settings.loss.distillation else None
        self.losses = StepLosses(self.network, settings, charset, trunk, worker, device, dtype)
        self.left_out = 0  # words of the last step, of all workers, that CTC heads could not write

    def advance(self) -> Tensor:
        """Take one optimizer step and return its losses, in the order of ``LOSSES``.

        They cover the whole batch, so all workers return the same bits.
        """
        self.network.train()
        sums = self.losses.sums(self.step, self._draw_samples())
        self.worker.all_reduce([sums.left_out])
        self.left_out = int(sums.left_out)
        return self.take_step(sums.totals, sums.counts, [getattr(self.settings.loss, name) for name in LOSSES])

    def _draw_samples(self) -> list[SpotterSample]:
        """Return this worker's samples of the step."""
        seed, step = self.settings.seed, self.step
        numbers = generator(seed, "spotter scenes", step).integers(0, len(self.scenes), self.settings.training.batch).tolist()
        mask_size = SHAPES[self.settings.size].mask_size
        return [
            draw_spotter_sample(
                self.scenes[numbers[place]], self.tasks, self.settings, mask_size, generator(seed, "spotter sample", step, place)
            )
            for place in range(self.worker.rank, len(numbers), self.worker.world)
        ]
