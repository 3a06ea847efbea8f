"""Train a detector: the spotter's trunk and its map of shrunk words.

A step is a function of (settings, step, weights). Every draw is keyed by seed, purpose, step and
sample, and is made before the samples are divided among workers. Losses are divided by the counts
of the whole batch, and batch normalisation uses the statistics of all workers, so several workers
take the step that one would take, but for rounding.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.images.pixels import decode
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES
from raygroup.randomness import generator
from raygroup.scenes.scene_store import StoredScene
from raygroup.scenes.scene_table import SceneTable
from raygroup.spotter_config import Detector
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.spotter.map_losses import map_losses
from raygroup.training.spotter.network_training import NetworkTraining, normalised_samples
from raygroup.training.spotter.scene_samples import draw_sample
from raygroup.training.spotter.segmentation_targets import labelled_polygons, segmentation_targets

LOSSES = ("dice", "cross_entropy")
"""The numbers of a step's record."""


class DetectorTrainer(NetworkTraining[DetectorNetwork]):
    """A detector in training: its weights, their moving average and the optimizer."""

    def __init__(
        self, settings: Detector, scenes: SceneTable, device: str = "cpu", worker: WorkerRank = SOLE_RANK,
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        """Initialise the weights from the seed."""
        self.settings, self.scenes, self.device, self.dtype = settings, scenes, device, dtype
        super().__init__(self._new_network(), self._new_network(), settings.training, worker)

    def advance(self) -> Tensor:
        """Take one optimizer step and return its losses, in the order of ``LOSSES``.

        They cover the whole batch, so all workers return the same bits.
        """
        pixels, text, weight = self._draw_batch()
        self.network.train()
        loss = self.settings.loss
        sums = map_losses(self.network(pixels), text, weight, loss.hard_negatives)
        return self.take_step(sums.totals, sums.counts, (loss.dice, loss.cross_entropy))

    def _new_network(self) -> DetectorNetwork:
        torch.manual_seed(self.settings.seed)
        network = DetectorNetwork(SHAPES[self.settings.size])
        return network.to(self.device, self.dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def _draw_batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return this worker's samples as (n, 3, side, side) pixels, and their text and weight maps (n, side, side)."""
        samples = [self._draw_sample(number, scene) for number, scene in self._drawn_scenes()]
        pixels, text, weight = (np.stack(arrays) for arrays in zip(*samples, strict=True))
        return normalised_samples(pixels, self.settings.size, self.device, self.dtype), self._to_device(text), self._to_device(weight)

    def _drawn_scenes(self) -> Iterator[tuple[int, StoredScene]]:
        random = generator(self.settings.seed, "detector scenes", self.step)
        numbers: Sequence[int] = random.integers(0, len(self.scenes), self.settings.training.batch).tolist()
        for place in range(self.worker.rank, len(numbers), self.worker.world):
            yield place, self.scenes[numbers[place]]

    def _draw_sample(self, place: int, scene: StoredScene) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        random = generator(self.settings.seed, "detector sample", self.step, place)
        polygons, is_ignored = labelled_polygons(scene.instances)
        settings = self.settings.samples
        sample = draw_sample(decode(scene.image), polygons, settings, random)
        shape, ignored = (settings.side, settings.side), is_ignored[list(sample.numbers)]
        targets = segmentation_targets(sample.polygons, ignored, shape, least_side=settings.smallest_word)
        return sample.pixels, targets.kernels, targets.weights

    def _to_device(self, values: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(values).to(self.device, self.dtype)
