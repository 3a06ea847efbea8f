"""The training words of stage 1, and which of them a step reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.config import Pretraining
from raygroup.randomness import generator
from raygroup.training.label_batches import encode_labels, longest_first
from raygroup.words.charset import Charset
from raygroup.words.mixtures import MixedRows


@dataclass(frozen=True)
class TrainingWords:
    """The words of stage 1. A row is one word."""

    crops: NDArray[np.uint8]
    """(n, height, width)."""
    targets: NDArray[np.int32]
    lengths: NDArray[np.int32]
    groups: tuple[NDArray[np.intp], ...]
    """The rows of each task, if a step draws tasks. A single group holds all rows otherwise."""
    shares: NDArray[np.float64]
    """The probability of each group."""
    mixed: MixedRows | None = None
    """The rows by source, if a step draws by the ratios of sources."""

    def draw_rows(self, settings: Pretraining, phase: str, step: int) -> NDArray[np.intp]:
        """Draw the words of a step, longest first. ``step`` counts from 0 in its phase, ``crops`` or ``features``."""
        random = generator(settings.seed, "pretraining words", phase, step)
        if self.mixed is not None:
            steps_before = settings.steps if phase == "features" else 0
            rows = self.mixed.draw_rows(settings.seed, steps_before + step, settings.batch)
        elif len(self.groups) > 1:
            drawn = random.choice(len(self.groups), settings.batch, p=self.shares)
            rows = np.array([random.choice(self.groups[group]) for group in drawn])
        else:
            rows = random.integers(0, len(self.lengths), settings.batch)
        return rows[longest_first(self.lengths[rows])]


def training_words(
    crops: NDArray[np.uint8], labels: Sequence[str], tasks: Sequence[str], charset: Charset, settings: Pretraining,
    known: Charset | None, mixed: MixedRows | None = None,
) -> TrainingWords:  # fmt: skip
    """Return labelled crops, ready to be drawn. ``known`` are the characters of the first weights. None: there are no such weights.

    With ``settings.draw`` ``task``, a task weighs more if the first weights know fewer than half of its characters.
    """
    names: Any = np.array(tasks if settings.draw == "task" else [""] * len(labels))
    groups = tuple(np.flatnonzero(names == name) for name in dict.fromkeys(names.tolist()))
    characters = [set().union(*(labels[int(row)] for row in group)) for group in groups]
    weights = np.array([_weight(each, known, settings.new_task_weight) for each in characters])
    return TrainingWords(crops, *encode_labels(labels, charset), groups, weights / weights.sum(), mixed)


def _weight(characters: set[str], known: Charset | None, new_task_weight: float) -> float:
    is_new = known is not None and 2 * len(characters & set(known.characters)) < len(characters)
    return new_task_weight if is_new else 1.0
