"""Compare the head bank with the released algorithm at the paper's shape.

Run ``python benchmarks/heads.py [--quick]``. The released algorithm loops over heads, takes 32
decoder steps, and reads words and beams one by one. It is restated in
benchmarks/baselines/looped.py. Both sides take turns in one process, on one thread. Ratios are of
processor seconds, and with ``--device cuda`` of wall seconds: the median over rounds. Both sides
include their optimizer step. The bank reads word features in channels-last memory. The last line is
one JSON object.
"""

import argparse
import json

import torch
from baselines.looped import looped_optimizer, looped_step
from machine import machine_name, print_figures
from operators import count_operators
from paper_heads import FEATURES, HIDDEN, POSITIONS, Problem, make_problem, make_step
from reading_times import measure_reading
from timing import AlternatedTimes, prepare_process, seconds_of
from torch import Tensor

from raygroup.model.kernels.forms import FORMS, Kernels, choose_kernels


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
    prepare_process()
    rounds = 1 if arguments.quick else 4
    form = choose_kernels(arguments.kernels or "auto", arguments.device)
    figures = measure_training(arguments, form, rounds) | measure_reading(arguments, form, rounds)
    figures |= count_step_operators(arguments, form)
    figures |= {"kernels": form.name, "device": arguments.device, "machine": machine_name(arguments.device)}
    print_figures(figures)
    print(json.dumps(figures))


def measure_training(arguments: argparse.Namespace, form: Kernels, rounds: int) -> dict[str, object]:
    """Time a training step of the baseline and of two forms."""
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


def saved_mib(problem: Problem, form: Kernels) -> float:
    """Return the MiB kept for the backward pass, without weights."""
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
    """Count the operators of steps with two and with seven heads."""
    figures = {}
    for heads in (2, 7):
        problem = make_problem(heads, min(arguments.batch, 4), 300, arguments.device, looped=False)
        step = make_step(problem, form)
        step()
        figures[f"ops_m{heads}"] = count_operators(step, ("aten::", "mkldnn::"))
    return figures


def roofline_s(problem: Problem, form: Kernels) -> float:
    """Return the shortest time of a step's multiply-adds on this machine."""
    batch, m, h = problem.batch, problem.bank.heads, HIDDEN
    num_words, num_characters, positions = len(batch.words), len(batch.characters), POSITIONS[0] * POSITIONS[1]
    convolution = 2 * 2 * num_words * 4 * positions * 9 * FEATURES * h * (0.25 if form.convolution == "winograd" else 1)
    keys = 3 * 2 * num_words * positions * h * h
    per_character = 3 * (2 * (h * 4 * h + (h + sum(POSITIONS)) * 3 * h) + 2 * positions * 2 * h + 2 * h * problem.bank.classes)
    return m * (convolution + keys + num_characters * per_character) / operations_per_s()


def operations_per_s() -> float:
    """Measure operations a second in a large 1x1 convolution.

    Multiplications and additions both count. One thread computes.
    """
    planes, kernel = torch.randn(16, 256, 4, 16), torch.randn(1280, 256, 1, 1)
    operations = 2 * 16 * 64 * 256 * 1280
    return operations / min(seconds_of(lambda: torch.nn.functional.conv2d(planes, kernel), "cpu") for _ in range(20))


if __name__ == "__main__":
    main()
