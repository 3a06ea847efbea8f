"""What the trials of a pack share: words, their features, their labels as classes, and P_WT."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.words.charset import Charset
from raygroup.words.feature_store import Features
from raygroup.words.sources import MixedRows


@dataclass(frozen=True)
class Material:
    """Words ready to train on; rows are those of their store."""

    features: Features
    targets: NDArray[np.int32]
    lengths: NDArray[np.int32]
    p_wt: NDArray[np.float32]
    train: NDArray[np.intp]
    """Rows of the words to train on."""
    tasks: tuple[str, ...]
    charset: Charset
    mixed: MixedRows | None = None
    """The same rows, where they are drawn by a mixture of their sources; None where all words are alike."""
