"""Compare the head bank with the released algorithm at the paper's shape: ``python benchmarks/heads.py [--quick]``.

The released algorithm loops over heads, takes 32 decoder steps, and reads words and beams one by
one. It is restated in benchmarks/baselines/looped.py. Both sides take turns in one process, on one
thread. Ratios are of processor seconds, and with ``--device cuda`` of wall seconds: the median over
rounds. Both sides include their optimizer step. The bank reads word features in channels-last
memory. The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from baselines.looped import LoopedHead, looped_optimizer, looped_step
from baselines.spelling import distinct_words, teach_to_end
from machine import machine_name, print_figures
from operators import count_operators
from timing import AlternatedTimes, seconds_of
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import FORMS, Kernels, choose_kernels
from raygroup.training.allocator import keep_freed_memory
from raygroup.training.label_batches import Batch, make_batch

FEATURES, POSITIONS = 256, (8, 32)
EMBED, HIDDEN = 200, 256
BEAMS = 6
LONGEST = 32
"""Decoder steps of the released algorithm."""


@dataclass(frozen=True)
class Problem:
    """A bank, the same heads for the baseline, and a batch for both."""

    bank: HeadBank
    looped: list[LoopedHead]
    batch: Batch
    targets: Tensor
    """Targets as the released code pads them: (w, 32), -1 after the end."""
    weights: Tensor
    """P_WM + epsilon, (w, m)."""


def main() -> None:
    """Measure training, reading and the number of operators."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of each, at most 50 s")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, help="words of a training step (default: 16, or 8 with --quick)")
    parser.add_argument("--words", type=int, default=24, help="words to read (default: 24)")
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--classes", type=int, default=9002)
    parser.add_argument("--kernels", help="a form to compare besides plain (default: what auto means on the device)")
    arguments = parser.parse_args()
    arguments.batch = arguments.batch or (8 if arguments.quick else 16)
    torch.set_num_threads(1)
    keep_freed_memory()
    rounds = 1 if arguments.quick else 4
    form = choose_kernels(arguments.kernels or "auto", arguments.device)
    figures = measure_training(arguments, form, rounds) | measure_reading(arguments, form, rounds)
    figures |= count_step_operators(arguments, form)
    figures |= {"kernels": form.name, "device": arguments.device, "machine": machine_name(arguments.device)}
    print_figures(figures)
    print(json.dumps(figures))


def make_bank(heads: int, classes: int, random: torch.Generator) -> HeadBank:
    """Make a bank of the paper's shape with fresh weights."""
    bank = HeadBank(heads, classes, features=FEATURES, positions=POSITIONS, embed=EMBED, hidden=HIDDEN, convolve=True)
    for head in range(heads):
        bank.initialise(head, random)
    return bank


def make_looped(bank: HeadBank, device: str) -> list[LoopedHead]:
    """Copy every head of a bank for the baseline."""
    return [LoopedHead(bank.classes, FEATURES, EMBED, HIDDEN).copy_from(bank, head).to(device) for head in range(bank.heads)]


def make_problem(heads: int, words: int, classes: int, device: str, *, looped: bool = True) -> Problem:
    """Make random words of 3 to 10 characters and their end."""
    random = torch.Generator().manual_seed(0)
    bank = make_bank(heads, classes, random)
    draw = np.random.default_rng(0)
    lengths = np.sort(draw.integers(4, 12, words))[::-1].astype(np.int32).copy()
    targets = draw.integers(1, classes - 1, (words, 11)).astype(np.int32)
    targets[np.arange(words), lengths - 1] = classes - 1
    padded = torch.full((words, LONGEST), -1)
    for row, length in enumerate(lengths):
        padded[row, :length] = torch.from_numpy(targets[row, :length].astype(np.int64))
    batch = make_batch(torch.randn(words, FEATURES, 16, 64, generator=random).relu(), targets, lengths)
    copies = make_looped(bank, device) if looped else []
    weights = torch.rand(words, heads, generator=random).to(device)
    return Problem(bank.to(device), copies, batch.to(device), padded.to(device), weights)


def make_step(problem: Problem, form: Kernels) -> Callable[[], Tensor]:
    """Return a training step of the bank: forward, backward, and one fused optimizer for all heads."""
    bank, batch = problem.bank, problem.batch
    optimizer = torch.optim.SGD(bank.parameters(), lr=1e-4, momentum=0.9, fused=True)
    words = batch.words.contiguous(memory_format=torch.channels_last)
    by_character = (0.5 / len(batch.words) * problem.weights.T)[:, batch.owners].contiguous()

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = bank.losses(words, batch.inputs, batch.characters, batch.active, by_character, form)[0].sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def measure_training(arguments: argparse.Namespace, form: Kernels, rounds: int) -> dict[str, object]:
    """Time a training step of the baseline, of the plain form and of another form."""
    problem = make_problem(arguments.heads, arguments.batch, arguments.classes, arguments.device)
    optimizer = looped_optimizer(problem.looped)
    steps = {
        "looped": lambda: looped_step(problem.looped, optimizer, problem.batch.words, problem.targets, problem.weights),
        "plain": make_step(problem, FORMS["plain"]), "bank": make_step(problem, form),
    }  # fmt: skip
    times = AlternatedTimes(steps, rounds, arguments.device, {"looped": 2, "plain": 3, "bank": 4})
    on_cpu = arguments.device == "cpu"
    return {
        "train_ratio": times.ratio("looped", "bank"), "train_ratio_plain": times.ratio("looped", "plain"),
        "train_looped_s": round(times.seconds("looped"), 3), "train_bank_s": round(times.seconds("bank"), 3),
        "roofline_share": round(roofline_s(problem, form) / times.seconds("bank"), 2) if on_cpu else None,
        "mib_per_word_head": round(saved_mib(problem, form) / arguments.batch / arguments.heads, 2),
    }  # fmt: skip


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
    """Return the ratios of greedy reading and of six beams, and a description of the strings.

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
        "greedy": lambda: reader.greedy(channels_last, heads, LONGEST),
        "looped beam": lambda: read_by_head(lambda head, rows: head.beam(rows, BEAMS)),
        "beam": lambda: reader.beam(channels_last, heads, LONGEST, BEAMS),
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
    """Make words, and a bank whose strings depend on the word and end at different lengths."""
    random = torch.Generator().manual_seed(1)
    bank = make_bank(heads, classes, random)
    teach_to_end(bank, length)
    return bank.to(device), distinct_words(words, FEATURES, (16, 64), random).to(device)


def saved_mib(problem: Problem, form: Kernels) -> float:
    """Return the MiB that a step keeps for its backward pass, without weights."""
    saved: dict[int, int] = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in problem.bank.parameters()}

    def record(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    batch = problem.batch
    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        by_character = torch.ones(problem.bank.heads, len(batch.characters), device=batch.words.device)
        loss = problem.bank.losses(batch.words, batch.inputs, batch.characters, batch.active, by_character, form)[0].sum()
        total = sum(saved.values())
    loss.detach()
    return total / 2**20


def count_step_operators(arguments: argparse.Namespace, form: Kernels) -> dict[str, object]:
    """Count the operators of a training step with two heads and with seven."""
    figures = {}
    for heads in (2, 7):
        problem = make_problem(heads, min(arguments.batch, 4), 300, arguments.device, looped=False)
        step = make_step(problem, form)
        step()
        figures[f"ops_m{heads}"] = count_operators(step, ("aten::", "mkldnn::"))
    return figures


def roofline_s(problem: Problem, form: Kernels) -> float:
    """Return the seconds that the multiply-adds of a step need at this machine's highest speed."""
    batch, m, h = problem.batch, problem.bank.heads, HIDDEN
    num_words, num_characters, positions = len(batch.words), len(batch.characters), POSITIONS[0] * POSITIONS[1]
    convolution = 2 * 2 * num_words * 4 * positions * 9 * FEATURES * h * (0.25 if form.convolution == "winograd" else 1)
    keys = 3 * 2 * num_words * positions * h * h
    per_character = 3 * (2 * (h * 4 * h + (h + sum(POSITIONS)) * 3 * h) + 2 * positions * 2 * h + 2 * h * problem.bank.classes)
    return m * (convolution + keys + num_characters * per_character) / operations_per_s()


def operations_per_s() -> float:
    """Measure multiplications and additions a second in a large 1x1 convolution on one thread."""
    planes, kernel = torch.randn(16, 256, 4, 16), torch.randn(1280, 256, 1, 1)
    operations = 2 * 16 * 64 * 256 * 1280
    return operations / min(seconds_of(lambda: torch.nn.functional.conv2d(planes, kernel), "cpu") for _ in range(20))


if __name__ == "__main__":
    main()
