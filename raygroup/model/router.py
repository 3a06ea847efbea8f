"""The router of a trial, which tells each word's task and head."""

import torch
from torch import Tensor, nn

from raygroup.model.task_classifier import TaskClassifiers


class Router(nn.Module):
    """A task classifier and the assignment of tasks to heads.

    It routes like ``grouping.route``, with the assignment computed before.
    """

    head_of_task: Tensor
    p_tm: Tensor

    def __init__(self, classifier: TaskClassifiers, r_tm: Tensor, heads: list[int], mode: str) -> None:
        """``heads`` are the heads that are left, counted anew from 0.

        R_TM (t, m) is that of all heads. Every task must be on one of those that are left.
        """
        super().__init__()
        self.classifier, self.mode = classifier, mode
        place = {head: number for number, head in enumerate(heads)}
        self.register_buffer("head_of_task", torch.tensor([place[head] for head in r_tm.argmax(-1).tolist()]))
        self.register_buffer("p_tm", r_tm.softmax(-1)[:, heads].clone())

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return P_WT (w, t) and the head (w,) of word features."""
        p_wt = self.classifier(words)[0].softmax(-1)
        heads = self.head_of_task[p_wt.argmax(-1)] if self.mode == "hard" else (p_wt @ self.p_tm).argmax(-1)
        return p_wt, heads
