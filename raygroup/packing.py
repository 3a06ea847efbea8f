"""Which trials can train together as one batched program (a pack), and what memory it takes: arithmetic on settings alone."""

import math
from collections.abc import Sequence
from typing import Any

from raygroup.config import Trial

_FLOAT, _INDEX = 4, 8
_CHARACTERS = 5.3
"""Mean length of a training word with its end."""
_COPIES = 4
"""Weights, their gradients, and the optimiser's two moments."""
_LOGITS_BYTES = 256 * 2**20
"""Most that the output layer holds at a time for all heads (model/cross_entropy.py)."""
_DEVICE_BYTES = 800 * 10**6
"""What a CUDA context, its kernels and cuBLAS workspaces take before any tensor."""
_USABLE = 0.9
"""Share of a device's memory that packs are planned for: the rest is fragmentation."""


def shared_settings(trial: Trial) -> dict[str, Any]:
    """What the trials of one pack must have in common: everything that shapes the program; numbers that only scale may differ."""
    heads, grouping, loss, training = trial.heads, trial.grouping, trial.loss, trial.training
    return {
        "heads.embed": max(heads.embeds), "heads.hidden": max(heads.hiddens), "heads.start": heads.start,
        "grouping.method": grouping.method, "grouping.sample": grouping.sample, "grouping.penalty_on": grouping.penalty_on,
        "grouping.word_tasks": grouping.word_tasks, "grouping.control": grouping.control,
        "loss.length": loss.length, "loss.words": loss.words,
        "training.steps": training.steps, "training.batch": training.batch, "training.order_seed": training.order_seed,
        "training.checkpoint_every": training.checkpoint_every,
        "words.mixture": trial.words.mixture, "words.mixture_weighting": trial.words.mixture_weighting,
    }  # fmt: skip


def head_parameters(embed: int, hidden: int, classes: int, shape: Sequence[int]) -> int:
    """Weights of one head (Table 4) on word features of ``shape``: (positions, features), or planes (features, y, x)."""
    encoded, places = _encoded(hidden, shape), _places(shape)
    convolution = (9 * shape[0] + 1) * hidden if len(shape) == 3 else 0
    attention = (hidden + encoded + places + 2) * hidden
    gates = 3 * hidden * (hidden + encoded + places + hidden + 2)
    return convolution + classes * embed + (embed + 1) * hidden + attention + gates + (hidden + 1) * classes


def trial_bytes(trial: Trial, classes: int, shape: Sequence[int]) -> int:
    """Memory that one trial adds to a pack: its weights four times over, and the arrays of a step at its peak."""
    embed, hidden, heads = max(trial.heads.embeds), max(trial.heads.hiddens), trial.heads.count
    words, positions = trial.training.batch, _positions(shape)
    encoded = _encoded(hidden, shape)
    weights = head_parameters(embed, hidden, classes, shape) + 2 * hidden * classes
    arrays = 6 * hidden * positions  # keys and their gradient; two working arrays forward, two on the way back
    if len(shape) == 3:
        arrays += 3 * encoded * positions  # values, their gradient, and the order that the convolution leaves them in
        arrays += 2 * 4 * positions * hidden + positions * hidden * _INDEX // _FLOAT  # planes, their gradient; what pooling chose
    characters = _CHARACTERS * (12 * hidden + 2 * encoded + 2 * embed)
    attention = 2 * _CHARACTERS * positions
    logits = min(_LOGITS_BYTES, heads * words * _CHARACTERS * classes * _FLOAT)
    step = heads * words * (arrays + characters + attention) * _FLOAT
    return math.ceil(_COPIES * heads * weights * _FLOAT + step + logits)


def pack_bytes(trials: Sequence[Trial], classes: int, shape: Sequence[int], *, on_gpu: bool = True) -> int:
    """Memory of a pack on a device: what a GPU itself takes, the words, and every trial."""
    words = 3 * trials[0].training.batch * math.prod(shape) * _FLOAT
    return (_DEVICE_BYTES if on_gpu else 0) + words + sum(trial_bytes(trial, classes, shape) for trial in trials)


def fitting(trials: Sequence[Trial], classes: int, shape: Sequence[int], memory_bytes: float) -> list[list[int]]:
    """Packs, as numbers of trials that share their settings, each as large as the memory allows; one trial at least."""
    packs: list[list[int]] = []
    for number in range(len(trials)):
        larger = [*packs[-1], number] if packs else [number]
        if packs and pack_bytes([trials[place] for place in larger], classes, shape) <= _USABLE * memory_bytes:
            packs[-1] = larger
        else:
            packs.append([number])
    return packs


def _positions(shape: Sequence[int]) -> int:
    return shape[1] * shape[2] // 4 if len(shape) == 3 else shape[0]


def _places(shape: Sequence[int]) -> int:
    return (shape[1] + shape[2]) // 2 if len(shape) == 3 else shape[0] + 1


def _encoded(hidden: int, shape: Sequence[int]) -> int:
    return hidden if len(shape) == 3 else shape[1]
