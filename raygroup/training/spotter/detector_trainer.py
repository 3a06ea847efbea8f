"""Train a detector: the spotter's trunk and its map of shrunk words.

A step is a function of (settings, step, weights). Every draw is keyed by seed, purpose, step and
sample, and is made before the samples are divided among workers. Losses are divided by the counts
of the whole batch, and batch normalisation uses the statistics of all workers, so several workers
take the step that one would take, but for rounding.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raygroup.images.pixels import decode
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES
from raygroup.randomness import generator
from raygroup.scenes.scene_store import StoredScene
from raygroup.scenes.scene_table import SceneTable
from raygroup.spotter_config import Detector
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.spotter.map_losses import map_losses
from raygroup.training.spotter.network_steps import move_average, normalised_samples, warmed_rate
from raygroup.training.spotter.scene_samples import draw_sample
from raygroup.training.spotter.segmentation_targets import labelled_polygons, segmentation_targets
from raygroup.training.spotter.shared_norm import share_norms
from raygroup.training.universal_state import restore_modules, restore_optimizer, state_tensors

LOSSES = ("dice", "cross_entropy")
"""The numbers of a step's record."""


class DetectorTrainer:
    """A detector in training: its weights, their moving average and the optimizer."""

    def __init__(
        self, settings: Detector, scenes: SceneTable, device: str = "cpu", worker: WorkerRank = SOLE_RANK,
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        """Initialise the weights from the seed. Each of several workers holds all of them."""
        self.settings, self.scenes, self.device, self.worker, self.dtype = settings, scenes, device, worker, dtype
        self.step = 0  # steps done
        self.network = self._new_network()
        self.average = self._new_network().requires_grad_(False)
        self.average.load_state_dict(self.network.state_dict())
        share_norms(self.network, worker)
        training = settings.training
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.AdamW(self.weights, training.learning_rate, weight_decay=training.weight_decay)

    def advance(self) -> Tensor:
        """Take one optimizer step and return its losses, in the order of ``LOSSES``.

        They cover the whole batch, so all workers return the same bits.
        """
        pixels, text, weight = self._draw_batch()
        self.network.train()
        logits = self.network(pixels)
        sums = map_losses(logits, text, weight, self.settings.loss.hard_negatives)
        counts = sums.counts
        self.worker.all_reduce([counts])
        losses = sums.totals / counts.clamp(min=1)
        weights = losses.new_tensor([self.settings.loss.dice, self.settings.loss.cross_entropy])
        self.optimizer.zero_grad()
        (losses @ weights).backward()  # type: ignore[no-untyped-call]
        record = losses.detach()
        self.worker.all_reduce([*(each.grad for each in self.weights if each.grad is not None), record])
        nn.utils.clip_grad_norm_(self.weights, self.settings.training.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = warmed_rate(self.step, self.settings.training)
        self.optimizer.step()
        move_average(self.average, self.network, self.settings.training.average, self.step)
        self.step += 1
        return record

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that later steps depend on. Random generators have no state."""
        return state_tensors({"network": self.network, "average": self.average}, self.optimizer)

    def restore(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Set the training to the point after ``step``."""
        self.step = step
        restore_modules({"network": self.network, "average": self.average}, state)
        restore_optimizer(self.optimizer, state)

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
