"""Choose the grouping of a trial by the gradients of its first steps (``grouping.method`` ``probe``).

Shapes: k trials, t tasks, m heads of a trial.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.strategies.affinity import best_by_affinity
from raygroup.task_groups import Groups
from raygroup.training.packs.initial_state import grouped_assignment

_NAMES = ("probe.cosines", "probe.steps")


class Probe:
    """The mean cosines between the tasks' gradients, until the grouping is chosen."""

    def __init__(self, trials: Sequence[Trial], tasks: Sequence[str]) -> None:
        self.trials, self.tasks = trials, tuple(tasks)
        grouping = trials[0].grouping
        self.steps = math.ceil(grouping.probe * trials[0].training.steps)
        """Steps of the probe. The grouping is chosen before the next one."""
        shape = (len(trials), len(tasks), len(tasks))
        self.cosines, self.counts = torch.zeros(shape, dtype=torch.float64), torch.zeros(shape, dtype=torch.float64)

    def add(self, gathered: Mapping[str, Tensor]) -> None:
        """Add the gradients of a step. A pair of tasks counts if both have words."""
        for number, trial in enumerate(self.trials):
            name = "gram_tt" if trial.grouping.probe_by == "cosine" else "inner_gram_tt"
            gram = gathered[name][number].detach().cpu().to(torch.float64)
            norms = gram.diagonal().sqrt()
            products = norms[:, None] * norms
            counted = products > 0
            self.cosines[number] += torch.where(counted, gram / products, 0.0)
            self.counts[number] += counted

    def assignment(self, number: int) -> Tensor:
        """Return R_TM (t, m) of the best grouping of a trial. Groups are in the order of their first tasks."""
        groups = self.groups(number)
        ordered = sorted(groups, key=lambda group: min(map(self.tasks.index, group)))
        head_of = [next(head for head, group in enumerate(ordered) if task in group) for task in self.tasks]
        return grouped_assignment(torch.tensor(head_of), self.trials[number].heads.count)

    def groups(self, number: int) -> Groups:
        """Return the grouping with as many groups as heads whose tasks have the highest mean cosines."""
        means = (self.cosines[number] / self.counts[number].clamp(min=1)).numpy()
        return best_by_affinity(np.nan_to_num(means), self.tasks, self.trials[number].heads.count)

    def state(self, number: int, step: int) -> dict[str, Tensor]:
        """Return what the choice of a trial depends on. After the choice there is nothing."""
        if step > self.steps:
            return {}
        return dict(zip(_NAMES, (self.cosines[number], self.counts[number]), strict=True))

    def restore(self, number: int, tensors: Mapping[str, Tensor]) -> None:
        if _NAMES[0] in tensors:
            self.cosines[number], self.counts[number] = (tensors[name] for name in _NAMES)
