"""``python -m raygroup.pretrain``: train the trunk and the universal head (stage 1 at laptop scale) that sweeps start from.

The same command continues after an interruption. ``pretrain`` is its Python twin.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config import Pretraining
from raygroup.config_sections import to_json
from raygroup.files.places import local_path, parse_local_path
from raygroup.terminal import Parser, command_line, console, print_json, print_line, run_command
from raygroup.trunks import HEIGHT, WIDTH
from raygroup.values import STEPS

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.attempt.training_checkpoints import TrainingCheckpoints
    from raygroup.scoring.word_accuracy import WordScore
    from raygroup.training.universal_weights import UniversalModel
    from raygroup.words.word_store import WordStore

_TESTED_WORDS = 200
"""Words of each split and task that score the universal head."""


def pretrain(
    settings: Pretraining, out: Path | str, *, storage_path: Path | str = "runs", fonts: Path | str | None = None,
    checkpoint_every: int = 200, progress: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Render the words into the cache, train, score new renders and unseen words, and write the weights file.

    Returns the scores by split and task, which are also in the file. Every ``checkpoint_every`` steps the training is kept in the folder
    ``OUT.training``, and the same call continues from there, with the same weights bit for bit. Raises ConfigError for fonts, a storage
    path or an ``out`` that cannot be used, OSError if one of them fails later, and KeyboardInterrupt.
    """
    from rich.console import Console

    from raygroup.runtime.attempt.training_checkpoints import lock_result
    from raygroup.storage.locks import require_writable
    from raygroup.training.universal_weights import save_universal

    STEPS.require("--checkpoint-every", checkpoint_every)
    storage, out = local_path(storage_path), local_path(out)
    require_writable(storage)
    screen = console() if progress else Console(quiet=True)
    with lock_result(out) as folder:
        words, data = _rendered_words(settings, storage, local_path(fonts) if fonts else None, screen)
        about = {"settings": to_json(settings), "data": data}
        checkpoints = _checkpoints(folder, about, checkpoint_every, screen)
        universal = _train(words, settings, checkpoints, screen)
        scores = _score(universal, words)
        save_universal(out, universal, {**about, "scores": scores})
        checkpoints.delete()
    return scores


def _rendered_words(settings: Pretraining, storage: Path, fonts: Path | None, screen: "Console") -> "tuple[WordStore, str]":
    """Return the rendered words and their fingerprint. They are rendered unless the cache has them."""
    from raygroup.runtime.preparation.prepare import render_store
    from raygroup.runtime.processes import WorkerPool, cores
    from raygroup.runtime.progress import progress_bars
    from raygroup.storage.layout import words_path
    from raygroup.storage.locks import lock_folder
    from raygroup.words.rendering.synthesis import fonts_of, rendered_fingerprint
    from raygroup.words.word_store import open_word_store

    font_faces = fonts_of(settings.words, fonts)
    data = rendered_fingerprint(settings.words, font_faces)
    store = Path(str(words_path(storage, data)))
    with lock_folder(store.parent, "cache"), progress_bars(screen) as show_progress:
        if not store.exists():
            with WorkerPool(cores()) as workers:
                render_store(store, settings.words, font_faces, data, show_progress, workers)
    return open_word_store(store), data


def _checkpoints(folder: Path, identity: dict[str, Any], every: int, screen: "Console") -> "TrainingCheckpoints":
    """Open the checkpoints, and say from which step the training continues."""
    from raygroup.runtime.attempt.training_checkpoints import TrainingCheckpoints

    checkpoints = TrainingCheckpoints(folder, identity, every)
    if checkpoints.step or checkpoints.lost_steps:
        again = f"; {checkpoints.lost_steps} steps are trained again, because their checkpoint is damaged" if checkpoints.lost_steps else ""
        print_line(screen, f"continues after step {checkpoints.step}, from {folder}{again}")
    return checkpoints


def _train(words: "WordStore", settings: Pretraining, checkpoints: "TrainingCheckpoints", screen: "Console") -> "UniversalModel":
    from raygroup.runtime.progress import progress_bars
    from raygroup.training.universal import train_universal
    from raygroup.words.charset import Charset
    from raygroup.words.crops import crop_array

    rows = words.rows_of("train")
    all_labels = words.labels()
    labels = [all_labels[row] for row in rows]
    crops = crop_array(words, rows, settings.words.height, settings.words.width)
    with progress_bars(screen) as show_progress:

        def report(phase: str, step: int, steps: int, loss: float) -> None:
            show_progress(f"steps of {phase}", step, steps)

        return train_universal(crops, labels, Charset.from_labels(labels), settings, report, checkpoints)


def _score(universal: "UniversalModel", words: "WordStore") -> dict[str, Any]:
    """Return 1-NED and exact match of the universal head, by split and task."""
    import torch

    from raygroup.model.heads.decoding import Reader
    from raygroup.model.kernels.forms import choose_kernels
    from raygroup.scoring.word_accuracy import score_words
    from raygroup.training.feature_extraction import extract_features
    from raygroup.training.word_reading import sample_test_rows
    from raygroup.words.crops import crop_array
    from raygroup.words.labels import to_logical

    labels, task_of = words.labels(), words.task_numbers()
    by_split = {}
    for split in ("new", "unseen"):
        rows = sample_test_rows(words.rows_of(split), task_of, _TESTED_WORDS)
        features = torch.from_numpy(extract_features(universal.trunk, crop_array(words, rows, HEIGHT, WIDTH))).float()
        reader = Reader(universal.head, choose_kernels("auto"))
        read = reader.greedy(features, torch.zeros(len(rows), dtype=torch.long), max(map(len, labels)) + 1)
        readings = [to_logical(universal.charset.decode(word)) for word in read.classes.tolist()]
        names = [words.metadata.tasks[task] for task in task_of[rows]]
        scores = score_words(names, [labels[row] for row in rows], readings, words.metadata.tasks)
        rounded = {task: _rounded(score) for task, score in scores.by_task.items()}
        by_split[split] = {"mean": _rounded(scores.mean), **rounded}
    return by_split


def _rounded(score: "WordScore") -> dict[str, float]:
    return {"one_minus_ned": round(score.one_minus_ned, 4), "exact": round(score.accuracy, 4)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)), resume=command_line("raygroup.pretrain", arguments))


def _run(options: argparse.Namespace) -> None:
    from raygroup.search_space import load
    from raygroup.words.rendering.font_folder import unread_font_lines

    settings = load(options.name, "pretraining", Pretraining)
    for line in unread_font_lines(options.fonts):
        print_line(console(), line)
    scores = pretrain(
        settings, options.out, storage_path=options.storage_path, fonts=options.fonts, checkpoint_every=options.checkpoint_every,
        progress=True,
    )  # fmt: skip
    screen = console()
    print_json(scores, indent=2)
    print_line(screen, f"weights: {options.out} ({options.out.stat().st_size / 1e6:.2f} MB)")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.pretrain",
        description="Train the trunk and the universal head that sweeps start from (stage 1 at laptop scale).",
        epilog="exit codes: 0 done, 2 bad input, 3 storage or a worker failed, 130 interrupted; after 3 and 130 the same command continues",
    )
    parser.add_argument("name", nargs="?", default="pretrain", help="a file with 'pretraining = Pretraining(...)' (default: pretrain)")
    parser.add_argument("--out", type=parse_local_path, default=Path("universal.safetensors"), help="the weights file to write")
    parser.add_argument(
        "--storage-path", type=parse_local_path, default=Path("runs"), help="where the rendered words are cached (default: ./runs)"
    )
    parser.add_argument("--fonts", type=parse_local_path, help="a folder of fonts to render with, beside the installed ones")
    parser.add_argument(
        "--checkpoint-every", type=STEPS.parse, default=200, metavar="STEPS",
        help="steps between two checkpoints, which lie in OUT.training until the file is written (default: 200)",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
