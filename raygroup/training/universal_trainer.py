"""Train stage 1 step by step: the trunk and the universal head.

They start from nothing or from other weights. First both are trained together on crops. Then the
trunk is frozen, and the head is trained alone on its features.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from raygroup.config import Pretraining
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.held_out import HeldOutCurve
from raygroup.training.universal_draws import TrainingWords
from raygroup.training.universal_phases import HeadAlone, Phase, TrunkAndHead
from raygroup.training.universal_start import UniversalStart, is_same_size, trunk_of
from raygroup.training.universal_state import restore_modules, restore_optimizer, state_tensors
from raygroup.training.universal_weights import UniversalModel, copy_universal
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

LOSSES = ("recognition", "alignment")
"""The losses of a step: of the head, and of the auxiliary CTC layer, which is 0 while the head is trained alone."""


class UniversalTrainer:
    """The training of a trunk and its universal head. Its steps count both phases together.

    The result is the same for the same settings, words and number of threads.
    """

    def __init__(
        self, words: TrainingWords, charset: Charset, settings: Pretraining, start: UniversalStart | None, held_out: HeldOutCurve,
        device: str = "cpu", on_features: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:  # fmt: skip
        """Characters that ``start`` does not know begin at random. ``held_out`` measures the loss now and then.

        ``on_features`` is called with the number of crops that the frozen trunk has read, and the number of all. Raises ConfigError if
        the head of ``start`` has another size than the settings, unless the trunk stays as it is.
        """
        self.words, self.charset, self.settings, self.curve, self.device = words, charset, settings, held_out, device
        self.steps = settings.all_steps
        self.step = 0
        self._on_features = on_features
        torch.manual_seed(settings.seed)
        self.trunk: Trunk = Trunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        heads = settings.heads
        self.head = HeadBank(1, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=heads.embeds, hidden=heads.hiddens)
        self.head.initialise(0, torch.Generator().manual_seed(settings.seed))
        if start is not None:
            self._begin_with(start)
        self.trunk.to(device)
        self.head.to(device)
        self._phase = self._first_phase()

    def advance(self) -> Tensor:
        """Take one optimizer step. Returns its ``LOSSES``, on the device."""
        if self.step == self.settings.steps and self.step > self._phase.first_step:
            self._phase = self._head_alone()
        phase = self._phase
        step = self.step - phase.first_step
        rows = self.words.draw_rows(self.settings, phase.name, step)
        reading, alignment = phase.losses(step, rows)
        total = reading if alignment is None else reading + self.settings.connectionist * alignment
        _take_step(phase.optimizer, total, phase.learning_rate(step), self.settings.clip)
        self.step += 1
        if self.curve.is_due(step + 1, phase.steps):
            self.curve.measure(self.step, self.trunk, self.head)
        return torch.stack([reading.detach(), torch.zeros_like(reading) if alignment is None else alignment.detach()])

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that later steps depend on. Every draw is keyed by its step, so they are weights and moments alone."""
        return state_tensors(self._phase.modules, self._phase.optimizer) | self.curve.state()

    def restore(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Set the training to the point after ``step``."""
        self.step = step
        self.curve.restore(state)
        if step < self.settings.steps:
            restore_modules(self._phase.modules, state)
        else:
            restore_modules({"trunk": self.trunk, "head": self.head}, state)
            self._phase = self._head_alone()
        if step > self._phase.first_step:
            restore_optimizer(self._phase.optimizer, state)

    @property
    def phase(self) -> tuple[str, int, int]:
        """The name of the phase of the last step, the steps done in it, and all its steps."""
        return self._phase.name, self.step - self._phase.first_step, self._phase.steps

    def universal(self) -> UniversalModel:
        """Return the trained weights, frozen, on the processor."""
        trunk, head = self.trunk.cpu().eval().requires_grad_(False), self.head.cpu().requires_grad_(False)
        return UniversalModel(trunk, head, self.charset)

    def _begin_with(self, start: UniversalStart) -> None:
        self.trunk.load_state_dict(trunk_of(start).state_dict())
        if isinstance(start, UniversalModel) and (self.settings.steps or is_same_size(start, self.settings)):
            copy_universal(self.head, [0], start, self.charset)

    def _first_phase(self) -> Phase:
        if self.settings.steps:
            return TrunkAndHead(self.trunk, self.head, self.words, self.settings, self.device)
        return self._head_alone()

    def _head_alone(self) -> Phase:
        return HeadAlone(self.trunk, self.head, self.words, self.settings, self.device, self._on_features)


def _take_step(optimizer: torch.optim.Optimizer, loss: Tensor, learning_rate: float, clip: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([weight for group in optimizer.param_groups for weight in group["params"]], clip)
    optimizer.step()
