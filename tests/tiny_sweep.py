"""Sweeps of a few seconds on real rendered words."""

from pathlib import Path

SPACE = '''
"""Hypothesis: none; a few steps on a few words."""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="{name}",
    trial=Trial(
        words=Words(tasks=("ar", "hi", "la"), characters=(20, 20, 20), words_per_task=12, unseen_per_task=3, renders=2),
        heads=Heads(count=2),
        grouping=Grouping({grouping}),
        training=Training(steps={steps}, batch=8, checkpoint_every=10),
    ),
    grid={grid},
    seeds={seeds},
)
'''
DEFAULTS = {"name": "tiny", "steps": 20, "grid": '{"grouping.base_coefficient": (0.0, 0.2)}', "seeds": "(0,)", "grouping": ""}


def space(folder: Path, **settings: object) -> str:
    """A search space file made from DEFAULTS and the given settings; its path, as the command takes it."""
    return write_space(folder, SPACE, DEFAULTS | settings)


def write_space(folder: Path, text: str, filled: dict[str, object]) -> str:
    """Write a search space with these settings in their places. Returns its path."""
    for name, value in filled.items():
        text = text.replace("{" + name + "}", str(value))
    path = folder / f"{filled['name']}.py"
    path.write_text(text)
    return str(path)
