"""``python -m raygroup.pretrain``: trains the trunk and the universal head (stage 1 at laptop scale) that sweeps start from."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config import Pretraining
from raygroup.errors import ConfigError

if TYPE_CHECKING:
    from raygroup.scoring.word_accuracy import WordScore
    from raygroup.training.universal_weights import Universal
    from raygroup.words.word_store import WordTable


def run(settings: Pretraining, storage_path: Path, out: Path, fonts: Path | None = None) -> None:
    """Renders the words into the cache, trains, reads new renders and unseen words, and writes the weights with their scores."""
    from raygroup.config_sections import to_json
    from raygroup.runtime.preparation.prepare import render_store
    from raygroup.runtime.progress import preparing
    from raygroup.storage.locks import held, writable
    from raygroup.storage.sweeps import CACHE
    from raygroup.terminal import console
    from raygroup.words.rendering.synthesis import fonts_of, rendered_fingerprint
    from raygroup.words.word_store import read_words

    screen = console()
    writable(storage_path)
    found = fonts_of(settings.words, fonts)
    data = rendered_fingerprint(settings.words, found)
    store = storage_path / CACHE / f"words-{data[:16]}" / "words.parquet"
    with preparing(screen) as progress:
        with held(store.parent, "cache"):
            if not store.exists():
                render_store(store, settings.words, found, data, progress)
        words = read_words(store)
        universal = _trained(words, settings, progress)
    scores = _scores(universal, words)
    from raygroup.training.universal_weights import save_universal

    out.parent.mkdir(parents=True, exist_ok=True)
    save_universal(out, universal, {"settings": to_json(settings), "data": data, "scores": scores})
    screen.print_json(data=scores)
    screen.print(f"weights: {out} ({out.stat().st_size / 1e6:.2f} MB)")


def _trained(words: "WordTable", settings: Pretraining, progress: Any) -> "Universal":
    from raygroup.training.universal import train_universal
    from raygroup.words.charset import Charset
    from raygroup.words.crops import crop_array

    rows = words.rows_of("train")
    every = words.labels()
    labels = [every[row] for row in rows]
    crops = crop_array(words, rows, settings.words.height, settings.words.width)

    def told(phase: str, step: int, steps: int, loss: float) -> None:
        if step % 20 == 0 or step == steps:
            progress(f"steps of {phase}", step, steps)

    return train_universal(crops, labels, Charset.of(labels), settings, told)


def _scores(universal: "Universal", words: "WordTable") -> dict[str, Any]:
    """1-NED and exact match of the universal head, by split and task, on up to 200 words each."""
    import torch

    from raygroup.model.heads.decoding import Reader
    from raygroup.model.kernels.forms import kernels
    from raygroup.model.laptop_trunk import HEIGHT, WIDTH
    from raygroup.scoring.word_accuracy import score_words
    from raygroup.training.feature_extraction import extracted
    from raygroup.training.word_reading import tested_rows
    from raygroup.words.crops import crop_array
    from raygroup.words.labels import to_logical

    labels, task_of, found = words.labels(), words.task_numbers(), {}
    for split in ("new", "unseen"):
        rows = tested_rows(words.rows_of(split), task_of, 200)
        features = torch.from_numpy(extracted(universal.trunk, crop_array(words, rows, HEIGHT, WIDTH))).float()
        reader = Reader(universal.head, kernels("auto"))
        read = reader.greedy(features, torch.zeros(len(rows), dtype=torch.long), max(map(len, labels)) + 1)
        readings = [to_logical(universal.charset.decode(word)) for word in read.classes.tolist()]
        names = [words.metadata.tasks[task] for task in task_of[rows]]
        scores = score_words(names, [labels[row] for row in rows], readings, words.metadata.tasks)
        rounded = {task: _rounded(score) for task, score in scores.by_task.items()}
        found[split] = {"mean": _rounded(scores.mean), **rounded}
    return found


def _rounded(score: "WordScore") -> dict[str, float]:
    return {"one_minus_ned": round(score.one_minus_ned, 4), "exact": round(score.accuracy, 4)}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m raygroup.pretrain", description=__doc__)
    parser.add_argument("name", nargs="?", default="pretrain", help="a file with 'pretraining = Pretraining(...)' (default: pretrain)")
    parser.add_argument("--out", type=Path, default=Path("universal.safetensors"), help="the weights file to write")
    parser.add_argument("--storage-path", type=Path, default=Path("runs"), help="where the rendered words are cached (default: ./runs)")
    parser.add_argument("--fonts", type=Path, help="a folder of fonts to render with, beside the installed ones")
    asked = parser.parse_args(arguments)
    from raygroup.search_space import load
    from raygroup.terminal import refuse

    try:
        run(load(asked.name, "pretraining", Pretraining), asked.storage_path, asked.out, asked.fonts)
    except ConfigError as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
