"""A finished trial of a few seconds: the shipped weights as its heads, and a classifier that is trained on the spot.

It is written as a sweep writes it, so everything that reads trials can read it. It has no prepared words.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from raygroup.config import Heads, Training, Trial, Words, trial_id
from raygroup.config_sections import fingerprint, to_json
from raygroup.files.atomic import write_json
from raygroup.history.writer import HistoryWriter, remove_attempts, seal
from raygroup.model.grouping import route
from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.decoding import Reader
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.runtime.attempt.checkpoints import save_checkpoint
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS
from raygroup.scoring.predictions import write_predictions
from raygroup.storage.identity import without_rendering
from raygroup.storage.layout import CONFIG_FILE, DONE_FILE, PREDICTIONS_FILE, SWEEP_FILE
from raygroup.training.universal_weights import copy_universal, load_universal
from raygroup.trunks import CROP_SIZE, FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset
from raygroup.words.crops import decode_crop
from raygroup.words.labels import to_logical, to_visual
from raygroup.words.rendering.synthesis import draw_png, fonts_of, plan_crops

TASKS = ("ar", "hi", "la")
GROUPS = (1, 1, 3)
"""Arabic and Hindi share head 1, and Latin is on head 3. Heads 0 and 2 are idle."""
WORDS = Words(tasks=TASKS, characters=(30, 40, 60), words_per_task=30, unseen_per_task=24, renders=1)
DATA = fingerprint("words of tests")


@dataclass(frozen=True)
class FinishedTrial:
    """The folder of a trial, and the words it was tested on."""

    folder: Path
    images: list[bytes]
    """Encoded pictures."""
    texts: list[str]
    tasks: list[str]


def write_trial(storage: Path, *, on_users_words: bool = False, **changes: object) -> FinishedTrial:
    """Write the sweep ``tiny`` with one finished trial.

    ``changes`` are fields of its settings by their dotted path. With ``on_users_words``, the id is that of a trial on a user's words.
    """
    trial = Trial(words=WORDS, heads=Heads(count=4), training=Training(steps=10))
    for path, value in changes.items():
        trial = trial.replaced(path.replace("__", "."), value)
    folder = storage / "tiny" / trial_id("tiny", without_rendering(trial) if on_users_words else trial, DATA)
    folder.mkdir(parents=True)
    words, texts, tasks = _rendered_words()
    universal = load_universal(LAPTOP_WEIGHTS)
    crops = np.stack([decode_crop(word, *CROP_SIZE) for word in words])
    features = universal.trunk(torch.from_numpy(crops))
    charset = Charset.from_labels([to_visual(text) for text in texts])
    bank = HeadBank(4, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=32, hidden=64).requires_grad_(False)
    copy_universal(bank, range(4), universal, charset)
    classifier = _trained_classifier(features, tasks)
    r_tm = torch.full((len(TASKS), 4), 1.0)
    r_tm[range(len(TASKS)), list(GROUPS)] = 4.0
    config = {"label": "seed=0", "sweep": "tiny", "trial": to_json(trial), "data": DATA, "store": "cache/words-gone/words.parquet"}
    write_json(folder / CONFIG_FILE, config | {"features": "cache/features-gone/features.json", "weights": "laptop"})
    tensors = {f"heads.{name}": value for name, value in bank.state_dict().items()} | {"r_tm": r_tm}
    tensors |= {f"classifier.{name}": value.detach() for name, value in classifier.state_dict().items()}
    tensors["optimizer.0.first"] = torch.zeros(1000)
    facts = {"charset": charset.to_json(), "tasks": TASKS, "kernels": "winograd"}
    save_checkpoint(folder, trial.training.steps, tensors, facts, 1, {})
    _write_predictions(folder, words, texts, tasks, features, bank, classifier, r_tm, charset)
    _write_history(folder, trial, r_tm)
    write_json(folder / DONE_FILE, {"steps": trial.training.steps, "finished_at": "2026-01-01T00:00:00+00:00"})
    declared = {"name": "tiny", "hypothesis": "none", "trials": [{"id": folder.name, "label": "seed=0"}], "data": DATA}
    write_json(folder.parent / SWEEP_FILE, declared | {"written_at": "2026-01-01T00:00:00+00:00"})
    return FinishedTrial(folder, words, texts, tasks)


def _write_history(folder: Path, trial: Trial, r_tm: torch.Tensor) -> None:
    metadata = {"config": to_json(trial), "label": "seed=0", "data": DATA, "versions": {"raygroup": "0"}, "git_commit": None}
    with HistoryWriter(folder, 1, TASKS, trial.heads.count, metadata) as writer:
        for step in range(1, trial.training.steps + 1):
            writer.append(step, r_tm.numpy(), [1.0] * trial.heads.count, 1.0, 0.0, 0.5, 640.0, 1.8e9 + step)
    seal(folder)
    remove_attempts(folder)


def _rendered_words() -> tuple[list[bytes], list[str], list[str]]:
    fonts = fonts_of(WORDS, None)
    drawn = [(draw_png(order, WORDS, fonts[order.task]), order) for order in plan_crops(WORDS)]
    rows = [(image, order.text, order.task) for image, order in drawn if image is not None]
    images, texts, tasks = (list(column) for column in zip(*rows, strict=True))
    return images, texts, tasks


def _trained_classifier(features: torch.Tensor, tasks: list[str]) -> TaskClassifiers:
    classifier = TaskClassifiers(1, len(TASKS), FEATURES)
    classifier.initialise(0, torch.Generator().manual_seed(0))
    truth = torch.tensor([TASKS.index(task) for task in tasks])
    optimizer = torch.optim.Adam(classifier.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(classifier(features)[0], truth).backward()
        optimizer.step()
    return classifier.requires_grad_(False)


def _write_predictions(folder, images, texts, tasks, features, bank, classifier, r_tm, charset):  # type: ignore[no-untyped-def]
    """Write what the whole heads read. Every second word counts as unseen."""
    p_wt = classifier(features)[0].softmax(-1)
    heads = route(p_wt, r_tm)
    decoded = Reader(bank).greedy(features, heads, 32)
    columns = {
        "split": ["new" if number % 2 else "unseen" for number in range(len(texts))], "task": tasks, "text": texts,
        "reading": [to_logical(charset.decode(row)) for row in decoded.classes.tolist()], "reading_by_true_task": [None] * len(texts),
        "routed_task": [TASKS[number] for number in p_wt.argmax(-1).tolist()], "head": heads.tolist(),
        "confidence": decoded.confidence.tolist(), "image": images,
    }  # fmt: skip
    write_predictions(folder / PREDICTIONS_FILE, columns)
