"""The features, labels and P_WT that the trials of a pack share."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.words.charset import Charset
from raygroup.words.feature_store import FeatureStore
from raygroup.words.mixtures import MixedRows


@dataclass(frozen=True)
class TrainingData:
    """Words ready for training. Rows are those of their word store."""

    features: FeatureStore
    targets: NDArray[np.int32]
    """Classes of the labels, (words, longest)."""
    lengths: NDArray[np.int32]
    """Lengths of the labels with their end, (words,)."""
    p_wt: NDArray[np.float32]
    train: NDArray[np.intp]
    """Rows of the words to train on."""
    tasks: tuple[str, ...]
    charset: Charset
    mixed: MixedRows | None = None
    """The rows to train on by source, if they are drawn by a mixture.

    None if all words are equally likely.
    """

    @functools.cached_property
    def train_by_task(self) -> tuple[NDArray[np.intp], ...]:
        """The rows of ``train`` of each task that has any. A word counts for its most likely task."""
        task_of = self.p_wt[self.train].argmax(1)
        return tuple(self.train[task_of == task] for task in np.unique(task_of))
