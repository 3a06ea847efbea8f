"""The held-out loss of a stage-1 training, task by task, and whether each task has converged."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.label_batches import encode_labels, longest_first, make_batch
from raygroup.words.charset import Charset

_POINTS = 8
"""Measurements in each phase."""
_KEY = "held out"
_STILL_FALLING = 0.2
"""A task still improves if its loss fell by this share in the last quarter of the trunk's training.

The learning rate falls to 1 % in the second half, which alone lowers the loss by some percent.
"""
_READS = 0.5
"""A task that reads less than this share of new images has not converged, whatever its loss does."""


@dataclass
class HeldOutCurve:
    """Measures the loss of words that are not trained on. It changes nothing in the training."""

    crops: NDArray[np.uint8]
    labels: Sequence[str]
    tasks: Sequence[str]
    """The task of each word."""
    charset: Charset
    points: dict[int, list[float]] = field(default_factory=dict)
    """Step -> the loss of each task, in the order of ``names``. Steps of both phases count together."""

    @property
    def names(self) -> list[str]:
        return [*dict.fromkeys(self.tasks)]

    def is_due(self, step: int, steps: int) -> bool:
        """Return whether a phase of ``steps`` steps is measured after this one."""
        return bool(self.labels) and (step == steps or step % max(steps // _POINTS, 1) == 0)

    @torch.no_grad()
    def measure(self, step: int, trunk: Trunk, head: HeadBank) -> None:
        """Add the mean loss of a character, for each task: its words count alike. The trunk leaves in the mode in which it came."""
        was_training = trunk.training
        trunk.eval()
        losses = _word_losses(trunk, head, self.crops, self.labels, self.charset)
        trunk.train(was_training)
        tasks = np.array(self.tasks)
        self.points[step] = [float(losses[tasks == name].mean()) for name in self.names]

    def state(self) -> dict[str, Tensor]:
        """Return the points as a tensor, to keep with a checkpoint."""
        return {_KEY: torch.tensor([[float(step), *losses] for step, losses in self.points.items()], dtype=torch.float64)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take the points from a checkpoint."""
        if _KEY in state:
            self.points = {int(row[0]): row[1:] for row in state[_KEY].tolist()}

    def to_json(self) -> dict[str, object]:
        return {"steps": [*self.points], "loss": dict(zip(self.names, map(list, zip(*self.points.values(), strict=True)), strict=False))}


@dataclass(frozen=True)
class Convergence:
    """Whether a task still improved when its training ended."""

    task: str
    loss: float
    """Held-out loss of a character at the end."""
    fall: float
    """Share by which the loss fell in the last quarter of the trunk's training. It is nan if there are too few measurements."""
    exact: float
    """Exact match on new images of its training words, or on unseen words if there are no others."""

    @property
    def converged(self) -> bool:
        """True if the task reads most of what it was trained on, and no longer improves."""
        return self.exact >= _READS and self.fall <= _STILL_FALLING

    @property
    def text(self) -> str:
        """Return the verdict in words."""
        change = "too few steps to say how its loss falls"
        if not math.isnan(self.fall):
            change = f"its held-out loss {'fell' if self.fall >= 0 else 'rose'} by {abs(self.fall):.0%} in the last quarter"
        if self.converged:
            return f"converged: {change}"
        return f"not converged: it reads {self.exact:.2f} of new images, and {change}; train it for more steps"


def convergence(curve: HeldOutCurve, judged_steps: int, exact: Mapping[str, float]) -> list[Convergence]:
    """Judge each task by its curve over the first ``judged_steps`` steps, those of the trunk, and by its exact match at the end."""
    during = {step: losses for step, losses in curve.points.items() if step <= judged_steps}
    if not curve.points:
        return []
    earlier = [step for step in during if step <= 0.75 * judged_steps]
    final = [*curve.points.values()][-1]
    verdicts = []
    for place, task in enumerate(curve.names):
        fall = 1 - during[max(during)][place] / during[max(earlier)][place] if earlier else math.nan
        verdicts.append(Convergence(task, final[place], fall, exact.get(task, 0.0)))
    return verdicts


def _word_losses(
    trunk: Trunk, head: HeadBank, crops: NDArray[np.uint8], labels: Sequence[str], charset: Charset, block: int = 256
) -> NDArray[np.float64]:
    """Return the mean loss over the characters of each word, teacher-forced, (w,)."""
    targets, lengths = encode_labels(labels, charset)
    losses, device = np.zeros(len(labels)), next(trunk.parameters()).device
    for start in range(0, len(labels), block):
        rows = start + longest_first(lengths[start : start + block])
        batch = make_batch(trunk(torch.from_numpy(crops[rows]).to(device)), targets[rows], lengths[rows]).to(str(device))
        weights = torch.ones(1, len(batch.characters), device=device)
        _, nll = head.losses(batch.words, batch.inputs, batch.characters, batch.active, weights)
        sums = torch.zeros(len(rows), dtype=torch.float64, device=device).index_add_(0, batch.owners, nll[0].double())
        losses[rows] = (sums / batch.lengths).cpu().numpy()
    return losses
