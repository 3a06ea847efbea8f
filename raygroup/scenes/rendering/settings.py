"""What rendered scenes are like: size, words, tasks, how they are turned; the same settings and fonts give the same pixels."""

from dataclasses import dataclass
from pathlib import Path

from raygroup.config_sections import require
from raygroup.tasks import PAPER_TASKS, TASKS

SPLITS = ("train", "val", "test")
_LEAST_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class SceneSettings:
    """Of one set of rendered scenes; raises ConfigError naming the field that cannot be."""

    width: int = 640
    height: int = 480
    words: tuple[int, int] = (5, 15)
    """Least and most words of a scene; a scene holds fewer where no more find room."""
    tasks: tuple[str, ...] = PAPER_TASKS
    characters: int = 600
    """How many of its most frequent characters a task may use."""
    words_per_task: int = 2000
    max_characters: int = 14
    """Of a word."""
    split: str = "train"
    """``train``, ``val`` or ``test``: the last two show words that are never trained on, by a fixed property of the word
    (``words.store.split_of``). Of one seed no two splits have a scene in common."""
    curved: float = 0.15
    """Share of the blocks of text that run along an arc."""
    rotated: float = 0.3
    """Share that is turned."""
    perspective: float = 0.25
    """Share that is seen from the side; the rest is straight."""
    dont_care: float = 0.1
    """Share that nobody could be asked to read, tiny, blurred or faint: labelled ``###``."""
    backgrounds: Path | None = None
    """A folder of images to write on; None: drawn ones."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            require(getattr(self, name) >= _LEAST_SIDE, f"scenes.{name}", getattr(self, name), f"at least {_LEAST_SIDE} pixels")
        require(1 <= self.words[0] <= self.words[1], "scenes.words", self.words, "least and most words, at least 1")
        require(len(set(self.tasks)) == len(self.tasks) > 0, "scenes.tasks", self.tasks, "task names, each once")
        require(all(task in TASKS for task in self.tasks), "scenes.tasks", self.tasks, f"among {', '.join(TASKS)}")
        require(self.split in SPLITS, "scenes.split", self.split, f"one of {', '.join(SPLITS)}")
        for name, least in (("characters", 2), ("words_per_task", 1), ("max_characters", 1), ("seed", 0)):
            require(getattr(self, name) >= least, f"scenes.{name}", getattr(self, name), f"at least {least}")
        for name in ("curved", "rotated", "perspective", "dont_care"):
            require(0 <= getattr(self, name) <= 1, f"scenes.{name}", getattr(self, name), "a share, 0 to 1")
        turned = self.curved + self.rotated + self.perspective
        require(turned <= 1 + 1e-9, "scenes.curved + rotated + perspective", turned, "at most 1: the rest is straight")
