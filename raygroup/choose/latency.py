"""Measure how long a head takes to read a word, one word at a time on one core."""

import time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raygroup.tables.choices.group_prices import group_characters_count
from raygroup.tables.group_heads.bank_trial import BankTrialResult
from raygroup.tables.group_heads.group_cache import GroupCache
from raygroup.words.word_facts import WordFacts

if TYPE_CHECKING:
    from torch import Tensor

    from raygroup.model.heads.decoding import Reader

CHARACTERS = 5
"""Characters of a word whose reading is timed. Its end takes one more step."""
_WORDS = 24
_ROUNDS = 3
_WORD_ENDS = 2


def measure_latency(bank: BankTrialResult, facts: WordFacts, cache: GroupCache) -> NDArray[np.float64]:
    """Return the milliseconds that a pruned head of each group takes to read a word of five characters greedily, (2^t,).

    Heads of one recipe differ in their number of classes alone. So the smallest, the middle and the largest are timed, and the others
    lie on the line through them. Random weights do: the time does not depend on them.
    """
    counts = group_characters_count(facts, cache.tasks)
    timed = np.unique([counts[1:].min(), int(np.median(counts[1:])), counts.max()])
    heads = bank.settings.heads
    times = [_ms_per_word(heads.embeds[0], heads.hiddens[0], int(count) + _WORD_ENDS, facts.shape) for count in timed]
    latency = np.interp(counts, timed, np.maximum.accumulate(times))
    latency[0] = 0.0
    return np.asarray(latency, np.float64)


def _ms_per_word(embed: int, hidden: int, classes: int, shape: tuple[int, ...]) -> float:
    """Return the fastest of some rounds."""
    import torch

    from raygroup.model.heads.bank import HeadBank
    from raygroup.model.heads.decoding import Reader

    random = torch.Generator().manual_seed(0)
    bank = HeadBank.for_features(1, classes, shape, embed=embed, hidden=hidden)
    bank.requires_grad_(False).initialise(0, random)
    bank.output_bias[0, -1] = -1e4  # the end of a word is never the most probable, so every word has all its characters
    reader = Reader(bank)
    words, head = torch.randn(_WORDS, *shape, generator=random), torch.zeros(1, dtype=torch.long)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return 1000 * min(_read_all(reader, words, head) for _ in range(_ROUNDS)) / _WORDS
    finally:
        torch.set_num_threads(threads)


def _read_all(reader: "Reader", words: "Tensor", head: "Tensor") -> float:
    """Return the seconds that reading took, word by word."""
    started = time.perf_counter()
    for word in words:
        reader.greedy(word[None], head, CHARACTERS + 1)
    return time.perf_counter() - started
