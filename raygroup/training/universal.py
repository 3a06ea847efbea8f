"""Train stage 1 in one call: the trunk and the universal head of labelled crops."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.config import Pretraining
from raygroup.training.held_out import HeldOutCurve
from raygroup.training.universal_draws import training_words
from raygroup.training.universal_start import UniversalStart, known_characters
from raygroup.training.universal_state import NoKeeper, StateKeeper
from raygroup.training.universal_trainer import UniversalTrainer
from raygroup.training.universal_weights import UniversalModel
from raygroup.words.charset import Charset
from raygroup.words.mixtures import MixedRows

LossCallback = Callable[[str, int, int, float], None]
"""Gets (phase, step, steps, loss) after every step. The phase ``features`` counts crops between the other two and has no loss."""
_PHASES = {"crops": "trunk and head", "features": "head"}


def train_universal(
    crops: NDArray[np.uint8], labels: Sequence[str], charset: Charset, settings: Pretraining, progress: LossCallback,
    keeper: StateKeeper | None = None, start: UniversalStart | None = None, held_out: HeldOutCurve | None = None,
    tasks: Sequence[str] = (), mixed: MixedRows | None = None,
) -> UniversalModel:  # fmt: skip
    """Train a trunk and its universal head on labelled crops.

    Crops are (n, 32, 96). The result is the same for the same settings and number of threads. With a
    ``keeper``, the training continues from the state that it kept, with the same result. It counts
    the steps of both phases together. With ``start``, both begin with its weights, and characters
    that it does not know begin at random. ``held_out`` measures the loss now and then. ``tasks`` has the task of
    each word, which ``settings.draw`` may need. ``mixed`` draws words by their sources.

    Raises ConfigError if the head of ``start`` has another size than the settings, unless ``settings.steps`` is 0.
    """
    keeper = keeper or NoKeeper()
    curve = held_out or HeldOutCurve(crops[:0], (), (), charset)
    words = training_words(crops, labels, tasks, charset, settings, known_characters(start, settings), mixed)

    def on_features(done: int, total: int) -> None:
        progress("features", done, total, 0.0)

    trainer = UniversalTrainer(words, charset, settings, start, curve, on_features=on_features)
    step, state = keeper.restored()
    if step:
        trainer.restore(step, state)
    while trainer.step < trainer.steps:
        losses = trainer.advance()
        if keeper.is_due(trainer.step):
            keeper.keep(trainer.step, trainer.state())
        phase, step, steps = trainer.phase
        progress(_PHASES[phase], step, steps, float(losses[0]))
    return trainer.universal()
