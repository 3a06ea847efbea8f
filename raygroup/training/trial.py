"""One trial: m heads, R_TM and the task classifier trained together on word features; a step is a function of (config, step)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import ConfigError, Trial
from raygroup.model.classifier import TaskClassifier
from raygroup.model.grouping import initial_assignment, task_model_probabilities, word_model_probabilities
from raygroup.model.heads import HeadBank
from raygroup.model.losses import control_loss, grouping_loss, integrated_loss, sequence_loss, task_loss
from raygroup.randomness import generator
from raygroup.training.targets import Batch, batch, hidden_characters, longest_first, rate
from raygroup.training.weights import Universal, copy_universal
from raygroup.words.charset import Charset
from raygroup.words.features import Features

LOSSES = ("integrated", "grouping", "task")
_FIXED = 50.0
"""R_TM of a task's head where the grouping is fixed: all other heads together get less than 1e-20."""


class NotFiniteError(RuntimeError):
    """A loss became infinite or not a number; the message names it and the step."""


@dataclass(frozen=True)
class Material:
    """What every trial of a sweep shares: words, their features, their labels as classes, and P_WT."""

    features: Features
    targets: NDArray[np.int32]
    lengths: NDArray[np.int32]
    p_wt: NDArray[np.float32]
    train: NDArray[np.intp]
    """Rows of the words to train on."""
    tasks: tuple[str, ...]
    charset: Charset


class Grouped:
    """The state of a trial: heads, R_TM, task classifier, optimizer. ``step`` counts the steps done."""

    def __init__(self, trial: Trial, material: Material, universal: Universal, device: str = "cpu") -> None:
        self.trial, self.material, self.device = trial, material, device
        self.step = 0
        self.fixed = trial.grouping.method == "one-per-task"
        positions, features = material.features.shape
        heads = trial.heads
        self.bank = HeadBank(
            heads.count, material.charset.num_classes,
            features=features, positions=(1, positions), embed=heads.embed, hidden=heads.hidden,
        )  # fmt: skip
        for head in range(heads.count):
            self.bank.initialise(head, _torch_generator(trial.seed, "head", head))
        self.new_characters = 0
        if heads.start == "universal":
            self.new_characters = copy_universal(self.bank, universal, material.charset)
        self.classifier = TaskClassifier(len(material.tasks), features)
        self.classifier.initialise(_torch_generator(trial.seed, "classifier"))
        self.bank.to(device)
        self.classifier.to(device)
        self.r_tm = self._first_assignment().to(device).requires_grad_(not self.fixed)
        self.optimizer = self._optimizer()

    def advance(self) -> Tensor:
        """One optimiser step; what it leaves as evidence, on the device, flat: R_TM after it (t*m), each head's mean loss (m), and
        the integrated, grouping and task loss."""
        chosen = self._chosen(self.step)
        words = torch.from_numpy(self.material.features.rows(chosen))
        drawn = batch(words, self.material.targets[chosen], self.material.lengths[chosen]).to(self.device)
        p_wt = torch.from_numpy(self.material.p_wt[chosen]).to(self.device)
        p_tm = self._sampled(self.step, len(chosen))
        features = drawn.words.float()

        nll_wm = self._read(features, drawn)
        integrated = self._integrated(nll_wm, word_model_probabilities(p_wt, p_tm))
        penalised = p_tm if self.trial.grouping.penalty_on == "sample" else self.r_tm.softmax(-1)
        grouping = grouping_loss(penalised, self.trial.grouping.min_tasks)
        task = task_loss(self.classifier(features), p_wt)

        weights = self.trial.loss
        self._descend(weights.recognition * integrated + weights.grouping * grouping + weights.task * task)
        self.step += 1
        losses = torch.stack([integrated, grouping, task])
        return torch.cat([self.r_tm.detach().flatten(), nll_wm.detach().mean(0), losses.detach()])

    def state(self) -> dict[str, Tensor]:
        """Everything a later step depends on, by name; randomness is keyed by the step, so it has no state."""
        tensors = {f"heads.{name}": value for name, value in self.bank.state_dict().items()}
        tensors |= {f"classifier.{name}": value for name, value in self.classifier.state_dict().items()}
        tensors["r_tm"] = self.r_tm.detach()
        for index, slots in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in slots.items()}
        return {name: value.contiguous() for name, value in tensors.items()}

    def restore(self, step: int, tensors: dict[str, Tensor]) -> None:
        self.step = step
        self.bank.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("heads.")})
        self.classifier.load_state_dict({name[11:]: value for name, value in tensors.items() if name.startswith("classifier.")})
        with torch.no_grad():
            self.r_tm.copy_(tensors["r_tm"])
        stored = self.optimizer.state_dict()
        slots: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            if name.startswith("optimizer."):
                _, index, slot = name.split(".")
                slots.setdefault(int(index), {})[slot] = value
        self.optimizer.load_state_dict(stored | {"state": slots})

    def _read(self, features: Tensor, drawn: Batch) -> Tensor:
        """NLL_WM (w, m) of the step's words, some of the decoder's input characters hidden."""
        random = generator(self.trial.seed, "word dropout", self.step)
        hidden = hidden_characters(self.trial.heads.word_dropout, tuple(drawn.targets.shape), random)  # type: ignore[arg-type]
        hidden = None if hidden is None else hidden.to(self.device)
        logits = self.bank.logits(self.bank.states(features, drawn.targets, drawn.lengths, hidden))
        return sequence_loss(logits, drawn.characters, drawn.owners, drawn.lengths, self.trial.loss.length)

    def _integrated(self, nll_wm: Tensor, p_wm: Tensor) -> Tensor:
        epsilon, over = self.trial.grouping.base_coefficient, self.trial.loss.words
        return control_loss(nll_wm, epsilon, over) if self.trial.grouping.control else integrated_loss(p_wm, nll_wm, epsilon, over)

    def _first_assignment(self) -> Tensor:
        tasks, heads = len(self.material.tasks), self.trial.heads.count
        if not self.fixed:
            return initial_assignment(tasks, heads)
        if heads != tasks:
            raise ConfigError(f"heads.count is {heads}: grouping.method 'one-per-task' needs one head for each of the {tasks} tasks")
        return torch.eye(tasks) * _FIXED

    def _sampled(self, step: int, words: int) -> Tensor:
        """P_TM of a step: (t, m), or (w, t, m) where every word has its own draw."""
        if self.fixed:
            return self.r_tm.softmax(-1)
        grouping = self.trial.grouping
        shape = self.r_tm.shape if grouping.sample == "step" else (words, *self.r_tm.shape)
        noise = generator(self.trial.seed, "gumbel", step).gumbel(size=tuple(shape)).astype(np.float32)
        return task_model_probabilities(self.r_tm, torch.from_numpy(noise).to(self.device), grouping.temperature)

    def _chosen(self, step: int) -> NDArray[np.intp]:
        """The words of a step, drawn with replacement, longest first; the same for every trial of the same order seed."""
        training = self.trial.training
        drawn = generator(training.order_seed, "words", step).integers(0, len(self.material.train), training.batch)
        rows = self.material.train[drawn]
        return rows[longest_first(self.material.lengths[rows])]

    def _optimizer(self) -> torch.optim.Optimizer:
        training = self.trial.training
        weights = [*self.bank.parameters(), *self.classifier.parameters()]
        groups: list[dict[str, Any]] = [{"params": weights, "lr": training.learning_rate, "weight_decay": training.weight_decay}]
        if not self.fixed:
            groups.append({"params": [self.r_tm], "lr": training.assignment_learning_rate, "weight_decay": 0.0})
        return torch.optim.AdamW(groups, fused=True)

    def _descend(self, loss: Tensor) -> None:
        training = self.trial.training
        self.optimizer.param_groups[0]["lr"] = rate(self.step, training.steps, training.learning_rate)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_by_head(self.bank, training.clip)
        torch.nn.utils.clip_grad_norm_(self.classifier.parameters(), training.clip)
        self.optimizer.step()


@torch.no_grad()
def clip_by_head(bank: HeadBank, highest: float) -> None:
    """Scales each head's gradient to a norm of at most ``highest``: a head is clipped as if it were trained alone."""
    gradients = [parameter.grad for parameter in bank.parameters() if parameter.grad is not None]
    squares = sum((gradient.flatten(1).square().sum(1) for gradient in gradients), torch.zeros(bank.heads, device=gradients[0].device))
    scale = (highest / (squares.sqrt() + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))


Evidence = tuple[int, NDArray[np.float32], NDArray[np.float32], dict[str, float]]
"""(step, R_TM (t, m), losses of the heads (m,), named losses)."""


def evidence(rows: list[Tensor], first_step: int, tasks: int, heads: int) -> Iterator[Evidence]:
    """The evidence of each row ``advance`` gave; brought from the device at once.

    Raises NotFiniteError at the first row with a loss that is not finite.
    """
    if not rows:
        return
    values = torch.stack(rows).cpu().numpy()
    for place, row in enumerate(values):
        step = first_step + place
        r_tm, nll_m, losses = np.split(row, [tasks * heads, tasks * heads + heads])
        named = dict(zip(LOSSES, map(float, losses), strict=True))
        wrong = next((f"the {name} loss is {value}" for name, value in named.items() if not np.isfinite(value)), None)
        if wrong or not np.isfinite(r_tm).all():
            raise NotFiniteError(f"step {step}: {wrong or 'R_TM is not finite'}; lower training.learning_rate or training.clip")
        yield step, r_tm.reshape(tasks, heads), nll_m, named


def _torch_generator(*key: object) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator(*key).integers(2**62)))
