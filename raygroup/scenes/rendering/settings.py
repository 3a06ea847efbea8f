"""Settings of rendered scenes.

The same settings and fonts give the same pixels.
"""

from dataclasses import dataclass
from pathlib import Path

from raygroup.config_sections import require
from raygroup.tasks import PAPER_TASKS, TASKS

SPLITS = ("train", "val", "test")
_MIN_SIDE = 64


@dataclass(frozen=True, kw_only=True)
class SceneSettings:
    """The settings of one set of rendered scenes.

    Raises ConfigError naming a field whose value is not allowed.
    """

    width: int = 640
    height: int = 480
    words: tuple[int, int] = (5, 15)
    """Least and most words of a scene. A scene has fewer if no more fit."""
    tasks: tuple[str, ...] = PAPER_TASKS
    characters: int = 600
    """Number of a task's most frequent characters that its words may use."""
    words_per_task: int = 2000
    max_characters: int = 14
    """Characters of the longest word."""
    split: str = "train"
    """``train``, ``val`` or ``test``.

    The last two show words that are never trained on. A fixed property of each word decides this
    (``words.word_store.split_of``). With the same seed, no two splits share a scene."""
    curved: float = 0.15
    """Share of the text blocks that run along an arc."""
    rotated: float = 0.3
    """Share of the text blocks that are rotated."""
    perspective: float = 0.25
    """Share of the text blocks that are seen from the side. The rest is straight."""
    dont_care: float = 0.1
    """Share of the text blocks that nobody can read, labelled ``###``: tiny, blurred or faint."""
    backgrounds: Path | None = None
    """Folder of background images. None draws backgrounds."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            require(getattr(self, name) >= _MIN_SIDE, f"scenes.{name}", getattr(self, name), f"at least {_MIN_SIDE} pixels")
        require(1 <= self.words[0] <= self.words[1], "scenes.words", self.words, "least and most words, at least 1")
        require(len(set(self.tasks)) == len(self.tasks) > 0, "scenes.tasks", self.tasks, "task names, each once")
        require(all(task in TASKS for task in self.tasks), "scenes.tasks", self.tasks, f"among {', '.join(TASKS)}")
        require(self.split in SPLITS, "scenes.split", self.split, f"one of {', '.join(SPLITS)}")
        for name, least in (("characters", 2), ("words_per_task", 1), ("max_characters", 1), ("seed", 0)):
            require(getattr(self, name) >= least, f"scenes.{name}", getattr(self, name), f"at least {least}")
        for name in ("curved", "rotated", "perspective", "dont_care"):
            require(0 <= getattr(self, name) <= 1, f"scenes.{name}", getattr(self, name), "a share, 0 to 1")
        warped = self.curved + self.rotated + self.perspective
        require(warped <= 1 + 1e-9, "scenes.curved + rotated + perspective", warped, "at most 1: the rest is straight")
