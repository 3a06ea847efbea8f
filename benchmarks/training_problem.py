"""Make random words with random features to train on."""

from pathlib import Path

import numpy as np

from raygroup.model.heads.bank import HeadBank
from raygroup.model.laptop_trunk import Trunk
from raygroup.tasks import PAPER_TASKS
from raygroup.training.label_batches import encode_labels
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset
from raygroup.words.feature_shards import write_features
from raygroup.words.feature_store import FeatureStore

PLANES = (256, 16, 64)
"""Features, rows and columns of a word at the paper's shape."""


def random_training_data(
    folder: Path, shape: tuple[int, ...], classes: int, words: int = 48, characters: tuple[int, int] = (3, 10)
) -> TrainingData:
    """Make words of random features, none below zero, with a fixed seed.

    ``shape`` is that of one word's features. ``characters`` are the fewest and the most of a word,
    without its end.
    """
    random = np.random.default_rng(0)
    charset = Charset(tuple(chr(0x4E00 + number) for number in range(classes - 2)))
    labels = ["".join(random.choice(charset.characters, random.integers(characters[0], characters[1] + 1))) for _ in range(words)]
    features = np.maximum(random.standard_normal((words, *shape)), 0).astype(np.float16)
    write_features(folder / "features.arrow", shape, [features], {})
    targets, lengths = encode_labels(labels, charset)
    p_wt = np.eye(len(PAPER_TASKS), dtype=np.float32)[random.integers(0, len(PAPER_TASKS), words)]
    return TrainingData(FeatureStore(folder / "features.arrow"), targets, lengths, p_wt, np.arange(words), PAPER_TASKS, charset)


def unused_universal_model() -> UniversalModel:
    """Make a universal model for packs that start with fresh weights."""
    head = HeadBank(1, 3, features=FEATURES, positions=FEATURE_GRID, embed=1, hidden=1)
    return UniversalModel(Trunk(), head, Charset(("a",)))
