"""Make untrained heads that spell different words of different lengths.

Decoding can only be timed on strings that end by themselves.
"""

import torch
from torch import Tensor

from raygroup.model.heads.bank import HeadBank


@torch.no_grad()
def teach_to_end(bank: HeadBank, length: float = 10.0) -> None:
    """Make a bank's strings depend on the word and end by themselves.

    They end after about ``length`` characters. The GRU's first unit becomes a clock. It runs
    towards 1 at a pace that the word sets, and the end of the word waits for it, so some words end
    sooner and some later.
    """
    h = bank.hidden
    bank.score.mul_(20)
    bank.word.mul_(6)
    bank.gate_context.mul_(3)
    bank.output.mul_(12)
    for gate in (bank.gate_word, bank.gate_state):
        gate[:, :, [h, 2 * h]] = 0
    bank.gate_context[:, :, 2 * h] = 0
    bank.gate_context[:, :, h] *= 0.4
    bank.gate_bias[:, h], bank.gate_bias[:, 2 * h] = 0.5 + torch.log(torch.tensor(length)), 9.0
    bank.output[:, 0] = 0
    bank.output[:, :, -1] = 0
    bank.output[:, 0, -1], bank.output_bias[:, -1] = 300, -160


def distinct_words(words: int, features: int, size: tuple[int, int], random: torch.Generator) -> Tensor:
    """Return planes (w, f, y, x) that differ from word to word.

    They differ in columns and channels, with some noise.
    """
    y, x = size
    columns = torch.randn(words, features, 1, 16, generator=random).repeat_interleave(x // 16, 3)
    channels = torch.randn(words, features, 1, 1, generator=random)
    return (2 * (columns + channels) + 0.3 * torch.randn(words, features, y, x, generator=random)).relu()
