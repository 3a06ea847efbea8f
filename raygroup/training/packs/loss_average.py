"""R_TM from a moving average of losses, if ``grouping.assignment`` is ``loss``.

Shapes: k trials, t tasks, m heads of the largest trial (smaller trials are padded), w words.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.model.grouping import assignment_from_losses
from raygroup.training.packs.trial_tensors import TrialTensors


class LossAverage:
    """The moving averages of the losses of each task under each head, (k, t, m).

    A step's words count ``loss_decay`` times as much as those of the step after it. A task or head
    without words in a step keeps its average.
    """

    def __init__(self, trials: Sequence[Trial], r_ktm: Tensor, settings: TrialTensors) -> None:
        """``r_ktm`` is R_TM of all trials. ``update`` changes it in place."""

        def tensor(*values: float) -> Tensor:
            return r_ktm.new_tensor(values)[:, None, None]

        self.r_ktm, self.is_head = r_ktm, settings.is_head[:, None]
        self.gain = tensor(*(trial.grouping.loss_gain for trial in trials))
        self.decay = tensor(*(trial.grouping.loss_decay for trial in trials))
        self.totals = {name: torch.zeros_like(r_ktm) for name in ("losses", "words")}

    @torch.no_grad()
    def update(self, losses: Tensor) -> Tensor:
        """Take the columns of ``task_losses`` off the sums of a step, (k, ...), and set R_TM anew.

        Returns the other columns. Losses are those of the whole step, so all workers get the same.
        """
        size = self.r_ktm[0].numel()
        columns = losses[:, -2 * size : -size], losses[:, -size:]
        for total, column in zip(self.totals.values(), columns, strict=True):
            # Heads that a smaller trial lacks have no words.
            total.mul_(self.decay).add_(column.view_as(total) * self.is_head)
        r_ktm = assignment_from_losses(self.totals["losses"], self.totals["words"], self.gain)
        self.r_ktm.copy_(torch.where(self.is_head, r_ktm, self.r_ktm))
        return losses[:, : -2 * size]

    def state(self, number: int, heads: int) -> dict[str, Tensor]:
        """Return the averages of one trial, cut to its ``heads``."""
        return {f"loss_average.{name}": total[number, :, :heads] for name, total in self.totals.items()}

    def restore(self, number: int, heads: int, tensors: dict[str, Tensor]) -> None:
        """Set the averages of one trial from the result of ``state``."""
        for name, total in self.totals.items():
            total[number, :, :heads] = tensors[f"loss_average.{name}"].to(total.device)


@torch.no_grad()
def task_losses(p_wt: Tensor, nll_kwm: Tensor, is_read: Tensor) -> Tensor:
    """Return the losses of each task under each head, and the words that they sum over, (k, 2 * t * m).

    ``p_wt`` (w, t) are the shares of words in tasks, and ``is_read`` (k or 1, w, m or 1) says which words
    a head reads.
    """
    shares = p_wt.T[None]
    losses = shares @ (nll_kwm * is_read)
    words = shares @ is_read.to(nll_kwm.dtype).expand_as(nll_kwm)
    return torch.cat([losses.flatten(1), words.flatten(1)], 1)
