"""Small trials, words and stage-1 weights for tests of packs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.label_batches import encode_labels
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset
from raygroup.words.feature_shards import write_features
from raygroup.words.feature_store import FeatureStore

LABELS = ["ab", "abc", "b", "cab", "ba", "c", "bcb", "aa"]
CHARSET = Charset(("a", "b", "c"))
TRIAL = Trial(heads=Heads(count=3), training=Training(steps=12, batch=4))
DIFFERENT_TRIALS = [
    replace(TRIAL, seed=0, training=replace(TRIAL.training, batch=16)),
    replace(TRIAL, seed=1, grouping=Grouping(base_coefficient=0.0), training=replace(TRIAL.training, batch=16, learning_rate=3e-3)),
    replace(
        TRIAL, seed=2, heads=Heads(count=3, word_dropout=0.0), grouping=Grouping(temperature=2.0, min_tasks=0.5),
        loss=Loss(recognition=0.5, grouping=2.0, task=0.3),
        training=replace(TRIAL.training, batch=16, clip=0.1, assignment_learning_rate=0.02, weight_decay=0.1),
    ),
]  # fmt: skip
"""Trials that can share a pack but differ in every setting that may differ."""


def make_data(folder: Path, shape: tuple[int, ...], labels: Sequence[str] = LABELS, charset: Charset = CHARSET) -> TrainingData:
    """Make training data with random features.

    There is one word for each label. Its task is one of two in turn.
    """
    random = np.random.default_rng(0)
    write_features(folder / "features.arrow", shape, [random.standard_normal((len(labels), *shape)).astype(np.float16)], {})
    targets, lengths = encode_labels(labels, charset)
    p_wt = np.eye(2, dtype=np.float32)[np.arange(len(labels)) % 2]
    return TrainingData(FeatureStore(folder / "features.arrow"), targets, lengths, p_wt, np.arange(len(labels)), ("hi", "la"), charset)


def make_universal(charset: Charset = CHARSET) -> UniversalModel:
    """Return an untrained trunk and universal head of the laptop's sizes."""
    head = HeadBank(1, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    return UniversalModel(Trunk().eval(), head.requires_grad_(False), charset)
