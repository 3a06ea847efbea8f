"""The head bank against the released algorithm (a loop over heads, 32 decoder steps, words and beams one by one) at the paper's shape.

Everything is alternated in one process on one thread; ratios are of processor seconds, the median over rounds, optimiser step
included on both sides; the bank reads its word features channels last, as a feature store keeps them for it. Baseline:
benchmarks/baselines/looped.py. Last line: one JSON object. With ``--device cuda`` seconds are wall time between synchronisations.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from baselines.looped import LoopedHead, looped_step, one_group_a_parameter
from baselines.spelling import teach_to_end, words_apart
from machine import machine_name, printed
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import AUTO, FORMS, Kernels, kernels
from raygroup.training.allocator import keep_freed_memory
from raygroup.training.label_batches import Batch, batch

FEATURES, POSITIONS, EMBED, HIDDEN = 256, (8, 32), 200, 256
BEAMS = 6
VIEWS = {"aten::view", "aten::as_strided", "aten::slice", "aten::select", "aten::expand", "aten::transpose", "aten::permute", "aten::t",
         "aten::unsqueeze", "aten::squeeze", "aten::reshape", "aten::unfold", "aten::_unsafe_view", "aten::detach", "aten::alias",
         "aten::empty", "aten::empty_like", "aten::empty_strided", "aten::resolve_conj", "aten::resolve_neg", "aten::resize_", "aten::to",
         "aten::_local_scalar_dense", "aten::as_strided_", "aten::_reshape_alias", "aten::result_type", "aten::flatten",
         "aten::lift_fresh"}  # fmt: skip
"""Operators that launch nothing."""


@dataclass(frozen=True)
class Problem:
    """A bank, the same heads for the baseline, and a batch for both."""

    bank: HeadBank
    looped: list[LoopedHead]
    drawn: Batch
    targets: Tensor
    """As the released code pads them: (w, 32), -1 after the end."""
    weights: Tensor
    """P_WM + epsilon (w, m)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round each, no more than 50 s")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, help="words (default: 16; 8 with --quick)")
    parser.add_argument("--heads", type=int, default=5)
    parser.add_argument("--classes", type=int, default=9002)
    parser.add_argument("--kernels", help="a form besides plain (default: what auto means on the device)")
    asked = parser.parse_args()
    asked.batch = asked.batch or (8 if asked.quick else 16)
    torch.set_num_threads(1)
    keep_freed_memory()
    rounds = 1 if asked.quick else 4
    form = kernels(asked.kernels or "auto", asked.device)
    found = training(asked, form, rounds) | reading(asked, form, rounds)
    found |= counted(asked, form) | {"kernels": form.name, "device": asked.device, "machine": machine_name(asked.device)}
    printed(found)
    print(json.dumps(found))


def problem(heads: int, words: int, classes: int, device: str, *, looped: bool = True) -> Problem:
    """Words of 3 to 10 characters and their end."""
    random = torch.Generator().manual_seed(0)
    bank = HeadBank(heads, classes, features=FEATURES, positions=POSITIONS, embed=EMBED, hidden=HIDDEN, convolve=True)
    for head in range(heads):
        bank.initialise(head, random)
    draw = np.random.default_rng(0)
    lengths = np.sort(draw.integers(4, 12, words))[::-1].astype(np.int32).copy()
    targets = draw.integers(1, classes - 1, (words, 11)).astype(np.int32)
    targets[np.arange(words), lengths - 1] = classes - 1
    padded = torch.full((words, 32), -1)
    for row, length in enumerate(lengths):
        padded[row, :length] = torch.from_numpy(targets[row, :length].astype(np.int64))
    drawn = batch(torch.randn(words, FEATURES, 16, 64, generator=random).relu(), targets, lengths)
    copies = [LoopedHead(classes, FEATURES, EMBED, HIDDEN).copy_from(bank, head).to(device) for head in range(heads)] if looped else []
    weights = torch.rand(words, heads, generator=random).to(device)
    return Problem(bank.to(device), copies, drawn.to(device), padded.to(device), weights)


def stepper(found: Problem, form: Kernels) -> Callable[[], Tensor]:
    """A training step of the bank: forward, backward, one fused optimiser over the stack."""
    bank, drawn = found.bank, found.drawn
    optimizer = torch.optim.SGD(bank.parameters(), lr=1e-4, momentum=0.9, fused=True)
    words = drawn.words.contiguous(memory_format=torch.channels_last)
    by_character = (0.5 / len(drawn.words) * found.weights.T)[:, drawn.owners].contiguous()

    def step() -> Tensor:
        optimizer.zero_grad()
        loss = bank.losses(words, drawn.inputs, drawn.characters, drawn.active, by_character, form)[0].sum()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def training(asked: argparse.Namespace, form: Kernels, rounds: int) -> dict[str, object]:
    made = problem(asked.heads, asked.batch, asked.classes, asked.device)
    optimizer = one_group_a_parameter(made.looped)
    steps = {
        "looped": lambda: looped_step(made.looped, optimizer, made.drawn.words, made.targets, made.weights),
        "plain": stepper(made, FORMS["plain"]), "bank": stepper(made, form),
    }  # fmt: skip
    timed = Alternated(steps, rounds, asked.device, {"looped": 2, "plain": 3, "bank": 4})
    return {
        "train_ratio": timed.ratio("looped", "bank"), "train_ratio_plain": timed.ratio("looped", "plain"),
        "train_looped_s": round(timed.seconds("looped"), 3), "train_bank_s": round(timed.seconds("bank"), 3),
        "roofline_share": round(roofline_s(made, form) / timed.seconds("bank"), 2) if asked.device == "cpu" else None,
        "mib_per_word_head": round(saved_mib(made, form) / asked.batch / asked.heads, 2),
    }  # fmt: skip


def reading(asked: argparse.Namespace, form: Kernels, rounds: int) -> dict[str, object]:
    """24 words over two heads, long and short ones: the encoder, which a word pays once, weighs more in short ones."""
    found: dict[str, object] = {}
    for suffix, length in (("", 14), ("_short_words", 6)):
        greedy_ratio, beam_ratio, said = read_ratios(asked, form, 1 if suffix else rounds, length)
        found |= {f"greedy_ratio{suffix}": greedy_ratio, f"beam6_ratio{suffix}": beam_ratio, f"read{suffix}": said}
    return found


def read_ratios(asked: argparse.Namespace, form: Kernels, rounds: int, length: float) -> tuple[float, float, str]:
    """Greedy and beam-6 ratios, after both sides were seen to read the same strings, and what these look like."""
    bank, words = spelling(2, 24, asked.classes, asked.device, length)
    heads = torch.arange(24, device=asked.device) % 2
    looped = [LoopedHead(asked.classes, FEATURES, EMBED, HIDDEN).copy_from(bank, head).to(asked.device) for head in range(2)]

    def by_head(read: Callable[[LoopedHead, Tensor], list[list[int]]]) -> list[list[int]]:
        texts: list[list[int]] = [[]] * 24
        for number, head in enumerate(looped):
            places = (heads == number).nonzero().squeeze(1)
            for place, text in zip(places.tolist(), read(head, words[places]), strict=True):
                texts[place] = text
        return texts

    reader = Reader(bank, form)
    cached = words.contiguous(memory_format=torch.channels_last)
    steps: dict[str, Callable[[], object]] = {
        "looped greedy": lambda: by_head(lambda head, mine: head.greedy(mine)),
        "greedy": lambda: reader.greedy(cached, heads, 32),
        "looped beam": lambda: by_head(lambda head, mine: head.beam(mine, BEAMS)),
        "beam": lambda: reader.beam(cached, heads, 32, BEAMS),
    }
    for name in ("greedy", "beam"):
        theirs, ours = steps[f"looped {name}"](), steps[name]().classes.tolist()  # type: ignore[attr-defined]
        agreed = [[c for c in text if c != asked.classes - 1] for text in ours]
        if form.convolution != "bf16":
            assert agreed == theirs, f"{name} reads other strings than the released algorithm"
    timed = Alternated(steps, rounds, asked.device, {"greedy": 4, "beam": 4, "looped greedy": 2})
    lengths = [len(text) for text in theirs]
    said = f"{min(lengths)}-{max(lengths)} characters, mean {np.mean(lengths):.1f}, {len(set(map(tuple, theirs)))} different"
    return timed.ratio("looped greedy", "greedy"), timed.ratio("looped beam", "beam"), said


def spelling(heads: int, words: int, classes: int, device: str, length: float) -> tuple[HeadBank, Tensor]:
    """A bank whose strings depend on the word and end by themselves at mixed lengths, and words for it."""
    random = torch.Generator().manual_seed(1)
    bank = HeadBank(heads, classes, features=FEATURES, positions=POSITIONS, embed=EMBED, hidden=HIDDEN, convolve=True)
    for head in range(heads):
        bank.initialise(head, random)
    teach_to_end(bank, length)
    return bank.to(device), words_apart(words, FEATURES, (16, 64), random).to(device)


class Alternated:
    """Seconds of several sides, one after the other, round by round; of each round a side's fastest try counts, since the first pays for
    memory that another side has just had."""

    def __init__(self, steps: dict[str, Callable[[], object]], rounds: int, device: str, tries: dict[str, int]) -> None:
        self.rounds = [
            {name: min(seconds_of(step, device) for _ in range(tries.get(name, 1))) for name, step in steps.items()} for _ in range(rounds)
        ]

    def ratio(self, slower: str, faster: str) -> float:
        """The median over rounds."""
        return round(float(np.median([seconds[slower] / seconds[faster] for seconds in self.rounds])), 2)

    def seconds(self, name: str) -> float:
        return float(np.median([seconds[name] for seconds in self.rounds]))


def seconds_of(step: Callable[[], object], device: str) -> float:
    if device == "cpu":
        started = time.process_time()
        step()
        return time.process_time() - started
    torch.cuda.synchronize()
    wall = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - wall


def saved_mib(made: Problem, form: Kernels) -> float:
    """What a step keeps for its way back, weights apart."""
    kept: dict[int, int] = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in made.bank.parameters()}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    drawn = made.drawn
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        weights = torch.ones(made.bank.heads, len(drawn.characters), device=drawn.words.device)
        loss = made.bank.losses(drawn.words, drawn.inputs, drawn.characters, drawn.active, weights, form)[0].sum()
        total = sum(kept.values())
    loss.detach()
    return total / 2**20


def counted(asked: argparse.Namespace, form: Kernels) -> dict[str, object]:
    """Operators of a training step that do something, by the number of heads."""
    found = {}
    for heads in (2, 7):
        made = problem(heads, min(asked.batch, 4), 300, asked.device, looped=False)
        step = stepper(made, form)
        step()
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            step()
        names = [event.name for event in seen.events() if not event.cpu_children]
        found[f"ops_m{heads}"] = sum(name.startswith(("aten::", "mkldnn::")) and name not in VIEWS for name in names)
    return found


def roofline_s(made: Problem, form: Kernels) -> float:
    """Seconds that the step's multiply-adds take at the speed of this machine's convolution (direct) or product (Winograd)."""
    drawn, m, h = made.drawn, made.bank.heads, HIDDEN
    w, n, positions = len(drawn.words), len(drawn.characters), POSITIONS[0] * POSITIONS[1]
    convolution = 2 * 2 * w * 4 * positions * 9 * FEATURES * h * (0.25 if form.convolution == "winograd" else 1)
    keys = 3 * 2 * w * positions * h * h
    per_character = 3 * (2 * (h * 4 * h + (h + sum(POSITIONS)) * 3 * h) + 2 * positions * 2 * h + 2 * h * made.bank.classes)
    return m * (convolution + keys + n * per_character) / speed()


def speed() -> float:
    """Multiply-adds (twice counted) a second of a large 1x1 convolution on one thread."""
    planes, kernel = torch.randn(16, 256, 4, 16), torch.randn(1280, 256, 1, 1)
    operations = 2 * 16 * 64 * 256 * 1280
    return operations / min(seconds_of(lambda: torch.nn.functional.conv2d(planes, kernel), "cpu") for _ in range(20))


if __name__ == "__main__":
    assert set(AUTO.values()) <= set(FORMS)
    main()
