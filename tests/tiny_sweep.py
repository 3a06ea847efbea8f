"""Sweeps of a few seconds on real rendered words."""

from pathlib import Path

SPACE = '''
"""Hypothesis: none; a few steps on a few words."""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="tiny",
    trial=Trial(
        words=Words(tasks=("ar", "hi", "la"), characters=(20, 20, 20), words_per_task=12, unseen_per_task=3, renders=2),
        heads=Heads(count=2),
        training=Training(steps={steps}, batch=8, checkpoint_every=10{more}),
    ),
    grid={grid},
    seeds={seeds},
)
'''


def space(
    folder: Path, *, steps: int = 20, grid: str = '{"grouping.base_coefficient": (0.0, 0.2)}', seeds: str = "(0,)", more: str = ""
) -> str:
    """A search space file; its path, as the command takes it."""
    path = folder / "tiny.py"
    path.write_text(SPACE.replace("{steps}", str(steps)).replace("{grid}", grid).replace("{seeds}", seeds).replace("{more}", more))
    return str(path)
