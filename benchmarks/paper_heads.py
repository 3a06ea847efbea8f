"""Make heads of the paper's shape for both sides, and batches."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from baselines.looped import STEPS, LoopedHead
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels
from raygroup.training.label_batches import Batch, make_batch

FEATURES, POSITIONS = 256, (8, 32)
EMBED, HIDDEN = 200, 256


@dataclass(frozen=True)
class Problem:
    """A bank, its heads for the baseline, and a batch."""

    bank: HeadBank
    looped: list[LoopedHead]
    batch: Batch
    targets: Tensor
    """Targets as the released code pads them: (w, 32), -1 after the end."""
    weights: Tensor
    """P_WM + epsilon, (w, m)."""


def make_bank(heads: int, classes: int, random: torch.Generator) -> HeadBank:
    """Make a bank of the paper's shape with fresh weights."""
    bank = HeadBank(heads, classes, features=FEATURES, positions=POSITIONS, embed=EMBED, hidden=HIDDEN, convolve=True)
    for head in range(heads):
        bank.initialise(head, random)
    return bank


def make_looped(bank: HeadBank, device: str) -> list[LoopedHead]:
    """Copy every head of a bank for the baseline."""
    return [LoopedHead(bank.classes, FEATURES, EMBED, HIDDEN).copy_from(bank, head).to(device) for head in range(bank.heads)]


def make_problem(heads: int, words: int, classes: int, device: str, *, looped: bool = True) -> Problem:
    """Make random words of 3 to 10 characters and their end."""
    random = torch.Generator().manual_seed(0)
    bank = make_bank(heads, classes, random)
    draw = np.random.default_rng(0)
    lengths = np.sort(draw.integers(4, 12, words))[::-1].astype(np.int32).copy()
    targets = draw.integers(1, classes - 1, (words, 11)).astype(np.int32)
    targets[np.arange(words), lengths - 1] = classes - 1
    padded = torch.full((words, STEPS), -1)
    for row, length in enumerate(lengths):
        padded[row, :length] = torch.from_numpy(targets[row, :length].astype(np.int64))
    batch = make_batch(torch.randn(words, FEATURES, 16, 64, generator=random).relu(), targets, lengths)
    copies = make_looped(bank, device) if looped else []
    weights = torch.rand(words, heads, generator=random).to(device)
    return Problem(bank.to(device), copies, batch.to(device), padded.to(device), weights)


def make_step(problem: Problem, form: Kernels) -> Callable[[], Tensor]:
    """Return a training step of the bank.

    It is a forward and a backward pass, and one fused optimizer for all heads.
    """
    bank, batch = problem.bank, problem.batch
    optimizer = torch.optim.SGD(bank.parameters(), lr=1e-4, momentum=0.9, fused=True)
    words = batch.words.contiguous(memory_format=torch.channels_last)
    by_character = (0.5 / len(batch.words) * problem.weights.T)[:, batch.owners].contiguous()

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = bank.losses(words, batch.inputs, batch.characters, batch.active, by_character, form)[0].sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step
