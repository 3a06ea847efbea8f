"""Compare greedy reading and six beams with the released algorithm."""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from baselines.looped import STEPS, LoopedHead
from baselines.spelling import distinct_words, teach_to_end
from paper_heads import FEATURES, make_bank, make_looped
from timing import AlternatedTimes
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import Kernels

BEAMS = 6


def measure_reading(arguments: argparse.Namespace, form: Kernels, rounds: int) -> dict[str, object]:
    """Time reading with two heads, long words first and then short ones.

    The encoder runs once for each word, so it weighs more in short words.
    """
    figures: dict[str, object] = {}
    for suffix, length in (("", 14), ("_short_words", 6)):
        measured = compare_reading(arguments, form, 1 if suffix else rounds, length)
        figures |= {f"{name}{suffix}": value for name, value in measured.items()}
    return figures


def compare_reading(arguments: argparse.Namespace, form: Kernels, rounds: int, length: float) -> dict[str, object]:
    """Return the ratios of both methods, and a description of the strings.

    On a CPU both sides must read the same strings. On a GPU the share of equal strings is reported.
    """
    bank, words = make_readable_words(2, arguments.words, arguments.classes, arguments.device, length)
    heads = torch.arange(len(words), device=arguments.device) % 2
    looped = make_looped(bank, arguments.device)

    def read_by_head(read: Callable[[LoopedHead, Tensor], list[list[int]]]) -> list[list[int]]:
        texts: list[list[int]] = [[]] * len(words)
        for number, head in enumerate(looped):
            places = (heads == number).nonzero().squeeze(1)
            for place, text in zip(places.tolist(), read(head, words[places]), strict=True):
                texts[place] = text
        return texts

    reader = Reader(bank, form)
    channels_last = words.contiguous(memory_format=torch.channels_last)
    steps: dict[str, Callable[[], object]] = {
        "looped greedy": lambda: read_by_head(lambda head, rows: head.greedy(rows)),
        "greedy": lambda: reader.greedy(channels_last, heads, STEPS),
        "looped beam": lambda: read_by_head(lambda head, rows: head.beam(rows, BEAMS)),
        "beam": lambda: reader.beam(channels_last, heads, STEPS, BEAMS),
    }
    equal = 0
    for name in ("greedy", "beam"):
        expected = steps[f"looped {name}"]()
        classes = steps[name]().classes.tolist()  # type: ignore[attr-defined]
        texts = [[number for number in text if number != arguments.classes - 1] for text in classes]
        equal += sum(text == other for text, other in zip(texts, expected, strict=True))  # type: ignore[call-overload]
        if arguments.device == "cpu" and form.convolution != "bf16":
            assert texts == expected, f"{name} reads other strings than the released algorithm"
    times = AlternatedTimes(steps, rounds, arguments.device, {"greedy": 4, "beam": 4, "looped greedy": 2})
    lengths = [len(text) for text in texts]
    distinct = len(set(map(tuple, texts)))
    return {
        "greedy_ratio": times.ratio("looped greedy", "greedy"), "beam6_ratio": times.ratio("looped beam", "beam"),
        "read": f"{min(lengths)}-{max(lengths)} characters, mean {np.mean(lengths):.1f}, {distinct} different",
        "equal_strings": round(equal / 2 / len(words), 3),
    }  # fmt: skip


def make_readable_words(heads: int, words: int, classes: int, device: str, length: float) -> tuple[HeadBank, Tensor]:
    """Make words, and a bank that spells different strings.

    The strings depend on the word and end at different lengths.
    """
    random = torch.Generator().manual_seed(1)
    bank = make_bank(heads, classes, random)
    teach_to_end(bank, length)
    return bank.to(device), distinct_words(words, FEATURES, (16, 64), random).to(device)
