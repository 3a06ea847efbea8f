"""Decide which trials can train together in one pack.

Their settings and the memory of a device decide.
"""

from collections.abc import Sequence
from typing import Any

from raygroup.config import Trial
from raygroup.costs import pack_bytes

_USABLE_SHARE = 0.9
"""Share of a device's memory that packs may fill. Fragmentation takes the rest."""


def shared_settings(trial: Trial) -> dict[str, Any]:
    """Return the settings that all trials of a pack must share.

    They shape the program. Settings that only scale a number may differ: seed, temperature,
    learning rates, loss weights.
    """
    heads, grouping = trial.heads, trial.grouping
    loss, training = trial.loss, trial.training
    return {
        "heads.embed": max(heads.embeds), "heads.hidden": max(heads.hiddens), "heads.start": heads.start,
        "grouping.method": grouping.method, "grouping.sample": grouping.sample, "grouping.penalty_on": grouping.penalty_on,
        "grouping.word_tasks": grouping.word_tasks, "grouping.control": grouping.control,
        "grouping.assignment": grouping.assignment, "grouping.heads_per_word": grouping.heads_per_word,
        # Heads that are drawn are dealt evenly only among equally many.
        "heads.count": heads.count if grouping.heads_per_word else None,
        "loss.length": loss.length, "loss.words": loss.words,
        "training.steps": training.steps, "training.batch": training.batch, "training.order_seed": trial.order_seed,
        "training.draw": training.draw, "training.checkpoint_every": training.checkpoint_every, "training.evidence": training.evidence,
        "training.evidence_every": training.evidence_every, "training.evidence_words": training.evidence_words,
        "grouping.probe": grouping.probe,
        "words.mixture": trial.words.mixture, "words.mixture_weighting": trial.words.mixture_weighting,
    }  # fmt: skip


def fill_packs(
    trials: Sequence[Trial], classes: int, shape: Sequence[int], memory_bytes: float, kernels: str = "plain"
) -> list[list[int]]:  # fmt: skip
    """Divide trials into packs, each as large as the memory allows.

    The trials have equal ``shared_settings``. Returns their positions in ``trials``. A trial that
    fits nowhere still gets a pack of its own. ``classes`` and ``shape`` are as in
    ``costs.head_parameters``, and ``kernels`` is as in ``costs.pack_bytes``.
    """
    packs: list[list[int]] = []
    for position in range(len(trials)):
        larger = [*packs[-1], position] if packs else [position]
        if packs and pack_bytes([trials[each] for each in larger], classes, shape, kernels=kernels) <= _USABLE_SHARE * memory_bytes:
            packs[-1] = larger
        else:
            packs.append([position])
    return packs
