"""Searches of head sizes: one of a few seconds on real rendered words, and made-up records of a finished one."""

import json
from pathlib import Path

from synthetic_storage import write_sweep
from tiny_sweep import write_space

from raygroup.config import Heads, Training, Trial
from raygroup.storage.layout import SWEEP_FILE, WORD_FACTS_FILE
from raygroup.tasks import PAPER_TASKS
from raygroup.words.word_facts import WordFacts, write_word_facts

SEARCH = '''
"""Hypothesis: none; a few steps on a few words."""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.searches.head_sizes import HeadSizes, SizeRange, SizeSearch

sweep = SizeSearch(
    name="{name}",
    trial=Trial(
        words=Words(tasks=("ar", "hi", "la"), characters=(20, 20, 20), words_per_task=12, unseen_per_task=3, renders=2),
        heads=Heads(count=2, start="{start}"),
        training=Training(steps={steps}, batch=8, checkpoint_every=10, learning_rate=2e-2),
    ),
    embed=SizeRange(low={low}, high=24),
    hidden=SizeRange(low=8, high=24),
    points=(HeadSizes(embed=8, hidden=8), HeadSizes(embed=(8, 24), hidden=24)),
    num_points={num_points}, points_at_once={points_at_once}, seeds={seeds}, confirm_seeds={confirm_seeds},
)
'''
DEFAULTS = {
    "name": "sizes", "start": "independent", "steps": 20, "low": 8, "num_points": 4, "points_at_once": 1, "seeds": "(0,)",
    "confirm_seeds": "()",
}  # fmt: skip


def search_space(folder: Path, **settings: object) -> str:
    """A search space file made from DEFAULTS and the given settings; its path, as the command takes it."""
    return write_space(folder, SEARCH, DEFAULTS | settings)


def write_search(storage: Path, points: dict[tuple[int, ...], tuple[int, ...]], confirm: tuple[int, ...] = ()) -> Path:
    """Write a finished search: embed sizes -> seeds of each point. Hidden sizes are twice the embed sizes."""
    declared, entries = [], []
    for number, (embeds, seeds) in enumerate(points.items()):
        hiddens = tuple(2 * embed for embed in embeds)
        heads = Heads(count=len(embeds), embed=embeds, hidden=hiddens, start="independent")
        trials = [
            (f"point={number} seed={seed}", Trial(heads=heads, training=Training(steps=60), seed=seed)) for seed in (*seeds, *confirm)
        ]
        declared += trials
        entries.append({"number": number, "embed": list(embeds), "hidden": list(hiddens), "labels": [label for label, _ in trials]})
    folder = write_sweep(storage, "found", declared, hour=12)
    starts = (0x621, 0x995, 0x4E00, 0x915, 0x3042, 0xAC00, 0x61)
    letters = {task: frozenset(map(chr, range(start, start + 5))) for task, start in zip(PAPER_TASKS, starts, strict=True)}
    for trial in folder.iterdir():
        if trial.is_dir():
            write_word_facts(trial / WORD_FACTS_FILE, WordFacts(37, (24, 256), letters, frozenset(), (), "cpu", 1))
    stored = json.loads((folder / SWEEP_FILE).read_text())
    ids = {entry["label"]: entry["id"] for entry in stored["trials"]}
    seeds = next(iter(points.values()))
    for entry in entries:
        own = [ids[label] for label in entry.pop("labels")]
        entry["trials"], entry["confirm"] = own[: len(seeds)], own[len(seeds) :]
    search = {"seeds": list(seeds), "confirm_seeds": list(confirm), "num_points": len(points), "points": entries}
    (folder / SWEEP_FILE).write_text(json.dumps(stored | {"search": search}))
    return folder
