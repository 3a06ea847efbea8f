"""Train a whole spotter on scenes: map, boxes, masks, languages, recognition and grouping.

A step is a function of (settings, step, weights). Every draw is keyed by seed, purpose, step and
sample, and is made before the samples are divided among workers. Losses are divided by the counts
of the whole batch, so several workers take the step that one would take, but for rounding.

With a crop reader as the teacher, the features of regions learn to equal those of the words' crops,
and the reader's universal head, which every head begins with, can read them.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from raygroup.model.spotter.shape import SHAPES
from raygroup.model.spotter.spotter import Spotter
from raygroup.randomness import generator
from raygroup.scenes.scene_table import SceneTable
from raygroup.spotting_config import LOSSES, Spotting
from raygroup.training.packs.sharding import SOLE_RANK, WorkerRank
from raygroup.training.spotter.network_steps import move_average, warmed_rate
from raygroup.training.spotter.new_spotter import new_spotter
from raygroup.training.spotter.shared_norm import share_norms
from raygroup.training.spotter.spotter_samples import SpotterSample, draw_spotter_sample
from raygroup.training.spotter.step_losses import StepLosses
from raygroup.training.universal_state import restore_modules, restore_optimizer, state_tensors
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.charset import Charset

_IMAGE_PARTS = ("trunk.", "segmentation.")
"""The parts whose learning rate has the factor ``image_rate``."""


class SpotterTrainer:
    """A spotter in training: its weights, their moving average and the optimizer."""

    def __init__(
        self, settings: Spotting, scenes: SceneTable, tasks: Sequence[str], charset: Charset, *, teacher: UniversalModel | None = None,
        start: Mapping[str, Tensor] | None = None, device: str = "cpu", worker: WorkerRank = SOLE_RANK, dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        """Initialise the weights from the seed. ``start`` replaces those that it names, such as a detector's.

        Raises ConfigError if the settings do not fit each other, the teacher or the names of parts.
        """
        self.settings, self.scenes, self.device, self.worker, self.dtype = settings, scenes, device, worker, dtype
        self.tasks, self.charset = tuple(tasks), charset
        self.step = 0  # steps done
        make = partial(new_spotter, settings, len(tasks), charset, teacher, start, device, dtype)
        self.network: Spotter = make()
        self.average: Spotter = make().requires_grad_(False)
        trunk = teacher.trunk.to(device) if teacher is not None and settings.loss.distillation else None
        self.losses = StepLosses(self.network, settings, charset, trunk, worker, device, dtype)
        share_norms(self.network, worker)
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = self._new_optimizer()

    def advance(self) -> Tensor:
        """Take one optimizer step and return its losses, in the order of ``LOSSES``.

        They cover the whole batch, so all workers return the same bits.
        """
        self.network.train()
        totals, counts = self.losses.sums(self.step, self._draw_samples())
        self.worker.all_reduce([counts])
        losses = totals / counts.clamp(min=1)
        self.optimizer.zero_grad()
        (losses @ self._loss_weights(losses)).backward()  # type: ignore[no-untyped-call]
        record = losses.detach()
        for weight in self.weights:  # a part without words has no gradient on this worker, but others may have one
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        self.worker.all_reduce([*(weight.grad for weight in self.weights if weight.grad is not None), record])
        nn.utils.clip_grad_norm_(self.weights, self.settings.training.clip)
        rate = warmed_rate(self.step, self.settings.training)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
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

    def _new_optimizer(self) -> torch.optim.Optimizer:
        named = [(name.startswith(_IMAGE_PARTS), weight) for name, weight in self.network.named_parameters() if weight.requires_grad]
        groups: list[dict[str, Any]] = [
            {
                "params": [weight for is_image, weight in named if is_image == of_image],
                "factor": self.settings.image_rate if of_image else 1.0,
            }
            for of_image in (False, True)
        ]
        training = self.settings.training
        return torch.optim.AdamW([group for group in groups if group["params"]], training.learning_rate, weight_decay=training.weight_decay)

    def _loss_weights(self, like: Tensor) -> Tensor:
        return like.new_tensor([getattr(self.settings.loss, name) for name in LOSSES])

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
