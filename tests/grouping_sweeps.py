"""Made-up sweeps over numbers of heads, and with heads of different sizes."""

from pathlib import Path

from synthetic_storage import write_sweep

from raygroup.config import Heads, Training, Trial
from raygroup.storage.layout import WORD_FACTS_FILE
from raygroup.tasks import PAPER_TASKS
from raygroup.words.word_facts import WordFacts, write_word_facts

CHARACTERS = (3, 4, 60, 5, 30, 20, 6)
"""Characters of ar bn zh hi ja ko la, all different ones. Japanese can also spell those of Chinese."""
EMBEDS, HIDDENS = (10, 20, 30, 40, 50), (8, 8, 16, 16, 32)


def write_head_counts(storage: Path, name: str = "counts", counts: tuple[int, ...] = (2, 3, 5), seeds: tuple[int, ...] = (0, 1, 2)) -> Path:
    """Write a finished sweep over numbers of heads and seeds."""
    base = Trial(training=Training(steps=60))
    points = [(count, seed) for count in counts for seed in seeds]
    declared = [(f"count={count} seed={seed}", base.replaced("heads.count", count).replaced("seed", seed)) for count, seed in points]
    return write_sweep(storage, name, declared)


def write_sized_heads(storage: Path, name: str = "sizes", seeds: tuple[int, ...] = (0, 1), facts: bool = True) -> Path:
    """Write a finished sweep whose five heads have different sizes, with the facts about its words unless ``facts`` is False."""
    base = Trial(heads=Heads(count=5, embed=EMBEDS, hidden=HIDDENS), training=Training(steps=60))
    folder = write_sweep(storage, name, [(f"seed={seed}", base.replaced("seed", seed)) for seed in seeds], hour=12)
    if facts:
        write_facts(folder)
    return folder


def write_facts(sweep_folder: Path) -> None:
    """Write the facts about the words of every trial of a sweep: ``CHARACTERS`` of each task."""
    starts = (0x621, 0x995, 0x4E00, 0x915, 0x3042, 0xAC00, 0x61)
    ends = zip(PAPER_TASKS, starts, CHARACTERS, strict=True)
    letters = {task: frozenset(map(chr, range(start, start + count))) for task, start, count in ends}
    for trial in sweep_folder.iterdir():
        if trial.is_dir():
            write_word_facts(trial / WORD_FACTS_FILE, WordFacts(sum(CHARACTERS) + 2, (24, 256), letters, frozenset(), (), "cpu", 1))
