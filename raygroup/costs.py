"""Every formula on sizes: the weights of a head, the memory of a pack, the processor time of a trial."""

import math
from collections.abc import Sequence

from raygroup.config import Trial
from raygroup.trunks import FEATURES, POSITIONS

LOGITS_BYTES = 256 * 2**20
"""Logits that the output layer holds at a time, for all heads together."""
MEAN_CHARACTERS = 5.3
"""Mean length of a training word, with its end character."""
_FLOAT_BYTES = 4
_INDEX_BYTES = 8
_WEIGHT_COPIES = 4
"""The weights, their gradients, and the two moments of the optimiser."""
_DEVICE_BYTES = 800 * 10**6
"""Memory of a CUDA context, its kernels and the cuBLAS workspaces, before any tensor."""
_MULTIPLY_ADDS_PER_CPU_S = 24e9
"""Measured over the training steps of the default sweep on one thread."""


def head_parameters(embed: int, hidden: int, classes: int, shape: Sequence[int]) -> int:
    """Return the number of weights of one head (Table 4).

    ``shape`` is that of one word's features: (positions, features), or (features, rows, columns) for planes.
    """
    encoded = _encoded_size(hidden, shape)
    places = _num_places(shape)
    convolution = (9 * shape[0] + 1) * hidden if len(shape) == 3 else 0
    attention = (hidden + encoded + places + 2) * hidden
    gates = 3 * hidden * (hidden + encoded + places + hidden + 2)
    return convolution + classes * embed + (embed + 1) * hidden + attention + gates + (hidden + 1) * classes


def trial_bytes(trial: Trial, classes: int, shape: Sequence[int]) -> int:
    """Return the memory in bytes that one trial adds to a pack: its weights, and the arrays of a step at their peak."""
    embed = max(trial.heads.embeds)
    hidden = max(trial.heads.hiddens)
    heads = trial.heads.count
    words = trial.training.batch
    positions = _num_positions(shape)
    encoded = _encoded_size(hidden, shape)
    weights = head_parameters(embed, hidden, classes, shape) + 2 * hidden * classes
    arrays = 6 * hidden * positions  # keys and their gradient; two working arrays forward, two in the backward pass
    if len(shape) == 3:
        arrays += 3 * encoded * positions  # values, their gradient, and the layout that the convolution returns them in
        # Planes with their gradient, and the index that max pooling keeps for each output.
        arrays += 2 * 4 * positions * hidden + positions * hidden * _INDEX_BYTES // _FLOAT_BYTES
    characters = MEAN_CHARACTERS * (12 * hidden + 2 * encoded + 2 * embed)
    attention = 2 * MEAN_CHARACTERS * positions
    logits = min(LOGITS_BYTES, heads * words * MEAN_CHARACTERS * classes * _FLOAT_BYTES)
    step = heads * words * (arrays + characters + attention) * _FLOAT_BYTES
    return math.ceil(_WEIGHT_COPIES * heads * weights * _FLOAT_BYTES + step + logits)


def pack_bytes(trials: Sequence[Trial], classes: int, shape: Sequence[int], *, on_gpu: bool = True) -> int:
    """Return the memory in bytes of a pack: every trial, the words of a batch, and on a GPU what CUDA itself needs."""
    words = 3 * trials[0].training.batch * math.prod(shape) * _FLOAT_BYTES
    return (_DEVICE_BYTES if on_gpu else 0) + words + sum(trial_bytes(trial, classes, shape) for trial in trials)


def training_cpu_s(trial: Trial) -> float:
    """Return the estimated processor seconds of a trial's training on laptop features.

    It counts the multiply-adds of a step: forward, and twice as many backward.
    """
    classes = sum(trial.words.characters)
    hidden = max(trial.heads.hiddens)
    character = hidden * hidden + (FEATURES + POSITIONS + 2 * hidden) * 3 * hidden
    character += POSITIONS * (2 * hidden + FEATURES) + hidden * classes
    word = POSITIONS * FEATURES * hidden + MEAN_CHARACTERS * character
    return 3 * word * trial.heads.count * trial.training.batch * trial.training.steps / _MULTIPLY_ADDS_PER_CPU_S


def _num_positions(shape: Sequence[int]) -> int:
    """Return the positions that attention sees. The pooling of planes keeps a quarter of them."""
    return shape[1] * shape[2] // 4 if len(shape) == 3 else shape[0]


def _num_places(shape: Sequence[int]) -> int:
    """Return the length of the position one-hot: one entry for each row and each column."""
    return (shape[1] + shape[2]) // 2 if len(shape) == 3 else shape[0] + 1


def _encoded_size(hidden: int, shape: Sequence[int]) -> int:
    return hidden if len(shape) == 3 else shape[1]
