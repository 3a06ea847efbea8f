"""Formulas on sizes.

They give the weights of a head, the memory of a pack and the processor time of a trial.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from raygroup.config import Heads, Pretraining, Trial, Words
from raygroup.spotter_config import Detector
from raygroup.spotting_config import Spotting
from raygroup.trunks import FEATURES, POSITIONS

MEAN_CHARACTERS = 5.3
"""Mean length of a training word, with its end character."""
_CAPTURED_CHARACTERS = 12
"""Characters of a word if a CUDA graph replays the step.

All words are then as long as the longest one.
"""
_LOGITS_BYTES = 256 * 2**20
"""Most logits that the output layer holds at a time, for all heads together."""
_WINOGRAD_FORMS = ("winograd", "compiled")
_TILE_SHARE = 36 / 16
"""Values of transformed features for each value of the features.

A tile has 6 x 6 values for 4 x 4 outputs.
"""
_FLOAT_BYTES = 4
_DEVICE_BYTES = 800 * 10**6
"""Memory of a CUDA context, its kernels and the cuBLAS workspaces, before any tensor."""
_WORD_ENDS = 2
"""Classes of a head that are no characters: the begin and the end of a word."""
_NUM_TASKS = 7
"""Tasks of the paper. A task classifier with fewer is hardly smaller."""
_MULTIPLY_ADDS_PER_CPU_S = 24e9
"""Measured over the training steps of the default sweep on one thread."""
_PASS_STEPS, _BATCH_STEPS = 0.3, 0.45
"""Training steps that take as long as the start of one task's pass, and as the words of a batch in such passes.

Measured by benchmarks/task_evidence.py: gathering takes 2.3 to 9.2 steps, and this gives 2.6 to 11.6.
"""
_RENDERS_PER_CPU_S = 1500
"""Measured by benchmarks/rendering.py."""
_FEATURES_PER_CPU_S = 1100
"""Measured by benchmarks/features.py."""
_DETECTOR_PIXEL_CPU_S = {"compact": 2.5e-6, "reference": 4.7e-5}
"""Processor seconds of a training step for each pixel of its samples, by size, on one thread.

Measured with 6 samples of 320 pixels (compact) and 2 samples of 160 pixels (reference).
"""

_SPOTTER_FACTOR = 2.0
"""Processor seconds of a whole spotter's step for each second of a detector's.

Measured: 1.6 to 2.3 with one and five heads, samples of 128 and 320 pixels (compact), and 2.0 (reference).
"""


def head_parameters(embed: int, hidden: int, classes: int, shape: Sequence[int]) -> int:
    """Return the number of weights of one head (Table 4).

    ``shape`` is that of one word's features: (positions, features), or (features, rows, columns)
    for planes.
    """
    encoded = _encoded_size(hidden, shape)
    places = _num_places(shape)
    convolution = (9 * shape[0] + 1) * hidden if len(shape) == 3 else 0
    attention = (hidden + encoded + places + 2) * hidden
    gates = 3 * hidden * (hidden + encoded + places + hidden + 2)
    return convolution + classes * embed + (embed + 1) * hidden + attention + gates + (hidden + 1) * classes


def pruned_head_parameters(embed: int, hidden: int, characters: int, shape: Sequence[int]) -> int:
    """Return the number of weights of a head that keeps only some characters.

    Only the embedding and the output layer have one entry for each class. The begin and the end of a word stay.
    """
    return head_parameters(embed, hidden, characters + _WORD_ENDS, shape)


def pack_bytes(
    trials: Sequence[Trial], classes: int, shape: Sequence[int], *, on_gpu: bool = True, kernels: str = "plain"
) -> int:  # fmt: skip
    """Return a pack's memory in bytes at the peak of a step.

    On a GPU it includes what CUDA itself needs. ``classes`` and ``shape`` are as in
    ``head_parameters``. ``kernels`` names a form; its name is never ``auto``.
    """
    sizes = _step_sizes(trials, classes, shape, kernels)
    values = max(_peak_values(sizes, kernels), *_evidence_phases(trials, sizes, kernels))
    return math.ceil(_FLOAT_BYTES * values) + (_DEVICE_BYTES if on_gpu else 0)


def training_cpu_s(trial: Trial) -> float:
    """Return the estimated processor seconds of a trial's training on laptop features.

    It counts the multiply-adds of a step: forward, and twice as many backward.
    """
    readings = trial.training.steps * trial.training.batch * (trial.grouping.heads_per_word or trial.heads.count)
    return _heads_cpu_s(trial.words, trial.heads, readings) * evidence_factor(trial)


def evidence_factor(trial: Trial) -> float:
    """Return by how much the gathering of gradients and lookahead losses lengthens a step on average. 1 without any."""
    num_tasks, training = len(trial.words.task_names), trial.training
    batches = (training.evidence_words * num_tasks or training.batch) / training.batch
    steps = _PASS_STEPS * num_tasks + _BATCH_STEPS * batches
    if training.evidence == "lookahead":
        steps += _BATCH_STEPS * num_tasks * batches
    return 1 + trial.gathering_share * steps


def stage1_cpu_s(trial: Pretraining) -> float:
    """Return the estimated processor seconds of stage 1.

    The trunk's backward pass takes twice as long as its forward pass, and the frozen trunk reads each training image once.
    """
    renders = sum(trial.words.words_of.values()) * trial.words.renders
    trunk_s = (3 * trial.batch * trial.steps + renders) / _FEATURES_PER_CPU_S
    return trunk_s + _heads_cpu_s(trial.words, trial.heads, trial.batch * trial.all_steps * trial.heads.count)


def _heads_cpu_s(words: Words, heads: Heads, readings: int) -> float:
    """``readings`` are the pairs of a word and a head that reads it, over all steps."""
    classes = sum(words.characters)
    hidden = max(heads.hiddens)
    character = hidden * hidden + (FEATURES + POSITIONS + 2 * hidden) * 3 * hidden
    character += POSITIONS * (2 * hidden + FEATURES) + hidden * classes
    word = POSITIONS * FEATURES * hidden + MEAN_CHARACTERS * character
    return 3 * word * readings / _MULTIPLY_ADDS_PER_CPU_S


def detector_cpu_s(trial: Detector) -> float:
    """Return the estimated processor seconds of a detector's training. They grow with the pixels of its samples."""
    return _map_cpu_s(trial)


def spotter_cpu_s(trial: Spotting) -> float:
    """Return the estimated processor seconds of a whole spotter's training. Frozen parts are counted as if they trained."""
    return _SPOTTER_FACTOR * _map_cpu_s(trial)


def _map_cpu_s(trial: Detector | Spotting) -> float:
    pixels = trial.training.batch * trial.samples.side**2
    return _DETECTOR_PIXEL_CPU_S[trial.size] * pixels * trial.training.steps


def rendering_cpu_s(words: Words) -> float:
    """Return the estimated processor seconds of rendering the words of a trial."""
    return _num_renders(words) / _RENDERS_PER_CPU_S


def features_cpu_s(words: Words) -> float:
    """Return the estimated processor seconds of the trunk over rendered words."""
    return _num_renders(words) / _FEATURES_PER_CPU_S


def _num_renders(words: Words) -> int:
    counts = words.words_of.values()
    return sum(counts) * (words.renders + 1) + len(counts) * words.unseen_per_task


def _num_positions(shape: Sequence[int]) -> int:
    """Return the positions that attention sees. The pooling of planes keeps a quarter of them."""
    return shape[1] * shape[2] // 4 if len(shape) == 3 else shape[0]


def _num_places(shape: Sequence[int]) -> int:
    """Return the length of the position one-hot.

    It has one entry for each row and each column.
    """
    return (shape[1] + shape[2]) // 2 if len(shape) == 3 else shape[0] + 1


def _encoded_size(hidden: int, shape: Sequence[int]) -> int:
    return hidden if len(shape) == 3 else shape[1]


def _classifier_parameters(shape: Sequence[int]) -> int:
    """Return the number of weights of one task classifier.

    It has a convolution along the line and an output layer.
    """
    features, hidden = shape[0] if len(shape) == 3 else shape[1], 64
    return hidden * (3 * features + 1) + (2 * hidden + 1) * _NUM_TASKS


@dataclass(frozen=True, kw_only=True)
class _StepSizes:
    """Number of values in the arrays of a pack's training step."""

    weights: float
    """Heads and task classifiers. Their gradients and each moment of the optimiser are as large."""
    heads: float
    """The part of ``weights`` that the heads hold."""
    output: float
    """The part of ``weights`` that the output layers hold."""
    embedding: float
    """The part of ``weights`` that the embeddings hold."""
    convolution: float
    """The part of ``weights`` that the convolutions hold."""
    words: float
    """Word features of a batch."""
    attended: float
    """Word features that heads attend to, 0 on planes: a copy for each of several equal trials."""
    keys: float
    """Attention keys: ``hidden`` values for each word, head and position."""
    logits: float
    forward: float
    """Values for all characters that the forward pass leaves for the backward pass."""
    backward: float
    """The same when the backward pass of the decoder ends: with gradients."""


def _step_sizes(trials: Sequence[Trial], classes: int, shape: Sequence[int], kernels: str) -> _StepSizes:
    """Return the sizes of a step.

    All heads count with the size of the largest one, because smaller ones are padded.
    """
    embed = max(max(trial.heads.embeds) for trial in trials)
    hidden = max(max(trial.heads.hiddens) for trial in trials)
    heads = sum(trial.heads.count for trial in trials)
    num_words = trials[0].training.batch
    on_planes = len(shape) == 3
    positions = _num_positions(shape)
    seen = _encoded_size(hidden, shape) + _num_places(shape)
    words = num_words * math.prod(shape)
    num_copies = len(trials) if len({trial.heads.count for trial in trials}) == 1 else 1
    # If heads are drawn, each reads its own words, and a copy of their features.
    per_word = trials[0].grouping.heads_per_word
    words_per_head = math.ceil(num_words * per_word / trials[0].heads.count) if per_word else num_words
    attended = heads * words_per_head * math.prod(shape) if per_word else num_copies * words
    characters = heads * words_per_head * (_CAPTURED_CHARACTERS if kernels == "graphs" else MEAN_CHARACTERS)
    head_weights = heads * head_parameters(embed, hidden, classes, shape)
    return _StepSizes(
        weights=head_weights + len(trials) * _classifier_parameters(shape),
        heads=head_weights,
        output=heads * hidden * classes,
        embedding=heads * embed * classes,
        convolution=heads * 9 * shape[0] * hidden if on_planes else 0,
        words=words,
        attended=0 if on_planes else attended,
        keys=heads * words_per_head * positions * hidden,
        logits=min(_LOGITS_BYTES / _FLOAT_BYTES, characters * classes),
        forward=characters * (8 * hidden + positions + seen + embed),
        backward=characters * (25 * hidden + positions + 2 * seen + embed),
    )


def _peak_values(sizes: _StepSizes, kernels: str) -> float:
    """Return the number of values in memory at the peak.

    The peak is in the output layer, at the end of the decoder's backward pass, or in a Winograd
    convolution. Each sum lists what is alive there. Counted by reading the passes, and compared with
    the allocations of training steps on a CPU (tests/benchmarks/test_pack_memory.py).
    """
    on_planes = sizes.convolution > 0
    kept = _kept_for_backward(sizes, kernels)
    # Gradients of the keys, two work arrays, and on planes the gradient of the values and their product.
    decoder = 5 * sizes.keys if on_planes else 3 * sizes.keys + sizes.attended
    phases = [
        4 * sizes.weights + sizes.output + sizes.logits + kept + sizes.forward,
        3 * sizes.weights + sizes.output + kept + decoder + sizes.backward,
    ]
    if on_planes and kernels in _WINOGRAD_FORMS:
        phases += _winograd_phases(sizes)
    # A CUDA graph is recorded while a copy of the weights and of both moments waits to be put back.
    snapshot = 3 * sizes.weights if kernels == "graphs" else 0
    # The features of a batch, in half precision as stored and in single precision.
    return 1.5 * sizes.words + snapshot + max(phases)


def _evidence_phases(trials: Sequence[Trial], sizes: _StepSizes, kernels: str) -> list[float]:
    """Return the values alive in the largest moments of the gathering of evidence. 0 without any.

    It comes before a step, beside the weights, both moments, and the gradients of the step before. They are a pass over the words of one
    task, the products of the gradients of a trial, and a pass after a step along the gradient of one task.
    """
    trial = trials[0]
    if not trial.gathering_share:
        return [0.0]
    num_tasks, batch = len(trial.words.task_names), trial.training.batch
    batches = (trial.training.evidence_words * num_tasks or batch) / batch
    of_task = batches / num_tasks
    gradients = 4 * sizes.weights + num_tasks * sizes.heads
    outer = num_tasks * (sizes.output + sizes.embedding) / len(trials)
    inner = num_tasks * sizes.heads / len(trials) - outer
    one_pass = 1.5 * sizes.words + _kept_for_backward(sizes, kernels) + 2 * sizes.keys + sizes.logits + sizes.backward
    phases = [
        gradients + sizes.heads + sizes.output + of_task * one_pass,
        gradients + max(2 * outer, outer + 2 * inner),
    ]
    if trial.training.evidence == "lookahead":
        read = sizes.words + sizes.keys + sizes.forward + sizes.logits
        phases.append(gradients + (num_tasks + 1) * sizes.heads + sizes.output + batches * read)
    # The words stay as they are stored, in half precision, beside all of it.
    return [batches * sizes.words / 2 + phase for phase in phases]


def _kept_for_backward(sizes: _StepSizes, kernels: str) -> float:
    """Return what the encoder keeps for the backward pass."""
    if sizes.convolution == 0:
        copies = sizes.attended if sizes.attended > sizes.words else 0
        return sizes.keys + copies
    if kernels in _WINOGRAD_FORMS:
        # The encoding, values and keys, a byte for each pooled value, and the transformed features.
        return 3.25 * sizes.keys + _TILE_SHARE * sizes.words
    if kernels == "bf16":
        return 8 * sizes.keys + (sizes.words + sizes.convolution) / 2
    # Planes before pooling (4), their indices in 8 bytes (2), and four arrays of the encoding and keys.
    return 10 * sizes.keys


def _winograd_phases(sizes: _StepSizes) -> list[float]:
    """Return the values alive in the largest moments of a Winograd convolution.

    They are the transform of the features, the transform of the outputs, and in the backward pass
    the transforms of the outputs and of the weights.
    """
    tiles = _TILE_SHARE * sizes.words
    other_weights = 4 * sizes.weights - sizes.convolution
    return [
        4 * sizes.weights + 3 * tiles + 1.2 * sizes.words,
        4 * (sizes.weights + sizes.convolution) + tiles + 19.5 * sizes.keys,
        other_weights + tiles + 20.5 * sizes.keys,
        other_weights + 11 * sizes.convolution + tiles + 14.25 * sizes.keys,
    ]
