"""Writes made-up sweeps of group heads: every group of the seven tasks, in which planted pairs read better together."""

import itertools
import json
from pathlib import Path

from synthetic_storage import HEADS, write_sweep

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.history.group_readings import write_group_readings
from raygroup.randomness import generator
from raygroup.task_groups import all_groups, group_text
from raygroup.tasks import PAPER_TASKS
from raygroup.words.word_facts import ReadingTime, WordFacts, write_word_facts

TWINS = (("ar", "ko"), ("zh", "ja"), ("bn", "hi"))
PLAN = "ar+ko | bn+hi | zh+ja | la"
SENT = {"zh": "ja", "ja": "la", "la": "zh"}
WORDS = 12
"""Test words of each task and split."""
LETTERS = {"ar": "اب", "bn": "কখ", "zh": "中国人", "hi": "कख", "ja": "中国あ", "ko": "한국", "la": "ab"}


def bank_trial(groups: tuple[tuple[str, ...], ...], seed: int = 0, task_loss: float = 0.0) -> Trial:
    return Trial(
        heads=Heads(count=len(groups)), grouping=Grouping(method="cover", groups=groups, base_coefficient=0.0),
        loss=Loss(grouping=0.0, task=task_loss), training=Training(steps=60), seed=seed,
    )  # fmt: skip


def write_oracle(storage: Path, name: str = "oracle_made_up", seeds: tuple[int, ...] = (0, 1, 2), noise: float = 0.01, gain: float = 0.1,
                 groups: tuple[tuple[str, ...], ...] = all_groups(PAPER_TASKS), classifier: bool = False) -> Path:  # fmt: skip
    """Write a finished sweep with one bank for each seed. A twin beside a task adds ``gain`` to its 1-NED, each other task costs 0.02.

    With ``classifier``, the first of the words of zh, ja and la is sent to the next of these tasks, where a head without its task reads 0.
    """
    trials = [bank_trial(groups, seed, float(classifier)) for seed in seeds]
    folder = write_sweep(storage, name, [(f"seed={trial.seed}", trial) for trial in trials])
    stored = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps(stored | {"trains_on": "group heads"}))
    facts = WordFacts(
        classes=20, shape=(64, 8, 25), characters={task: frozenset(LETTERS[task]) for task in PAPER_TASKS},
        characters_without_task=frozenset(), times=(ReadingTime(None, 10, 0.01, 0.01),), device="cpu", threads=1,
    )  # fmt: skip
    for entry, trial in zip(stored["trials"], trials, strict=True):
        rows = [*_rows(groups, trial.seed, noise, gain, classifier)]
        names = ("head", "group", "task", "split", "word", "exact", "one_minus_ned", "nll", "sent_to")
        own = folder / entry["id"]
        write_group_readings(own / "group_readings.parquet", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        write_word_facts(own / "word_facts.json", facts)
        (own / "predictions.parquet").unlink()
    return folder


def _rows(groups, seed, noise, gain, classifier):
    twin_of = dict(itertools.chain.from_iterable(((one, other), (other, one)) for one, other in TWINS))
    for head, group in enumerate(groups):
        for lost in (task for task, sent in SENT.items() if classifier and sent in group and task not in group):
            for split in ("new", "unseen"):
                yield head, group_text(group), lost, split, _word(lost, split, 0), False, 0.0, 9.0, SENT[lost]
        for task in group:
            others = set(group) - {task}
            mean = 0.5 + gain * (twin_of.get(task) in others) - 0.02 * len(others - {twin_of.get(task)})
            mean += float(generator("head", seed, group_text(group), task).normal(0, noise))
            for split in ("new", "unseen"):
                values = generator("words", task, split).uniform(-0.2, 0.2, WORDS) + mean
                for number, value in enumerate(values.tolist()):
                    sent = (SENT.get(task, task) if number == 0 else task) if classifier else None
                    similar = min(max(value, 0.0), 1.0)
                    yield head, group_text(group), task, split, _word(task, split, number), value > 0.5, similar, 3 * (1 - value), sent


def _word(task, split, number):
    return 1000 * list(PAPER_TASKS).index(task) + number + 100 * (split == "new")


__all__ = ["HEADS", "PLAN", "TWINS", "bank_trial", "write_oracle"]
