"""Settings of rendered scenes.

The same settings and fonts give the same pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from raygroup.config_sections import COUNTS_IF_SET, require
from raygroup.tasks import PAPER_TASKS, TASKS

SPLITS = ("train", "val", "test")
COMMON_LARGEST_TEXT = 0.15
"""Largest em of small text, as a share of the scene's shorter side."""
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
    largest_text: float = field(default=COMMON_LARGEST_TEXT, metadata=COUNTS_IF_SET)
    """Largest em, as a share of the scene's shorter side.

    An em is the height of a Han letter. Latin capitals have about 0.7 of it. Above the default, sizes have a long tail: few words are
    large, many are small. Words that are too wide shrink until they fit."""
    vertical: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """Share of the text blocks in Chinese and Japanese whose words run from top to bottom. They are never curved."""
    textless: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """Share of the scenes that have no text at all."""
    clutter: float = field(default=0.0, metadata=COUNTS_IF_SET)
    """Share of the scenes with objects behind the text that are no text, such as fences, windows and shelves."""
    clutter_objects: tuple[int, int] = field(default=(1, 4), metadata=COUNTS_IF_SET)
    """Least and most objects in a scene with clutter."""
    characters_of_task: tuple[tuple[str, int], ...] = field(default=(), metadata=COUNTS_IF_SET)
    """Pairs of a task and its number of characters, for tasks that differ from ``characters``."""
    own_words: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), metadata=COUNTS_IF_SET)
    """Pairs of a task and the words that replace its built-in list. Both splits are taken from them."""

    def characters_for(self, task: str) -> int:
        """Return the number of characters that a task's words may use."""
        return dict(self.characters_of_task).get(task, self.characters)

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            require(getattr(self, name) >= _MIN_SIDE, f"scenes.{name}", getattr(self, name), f"at least {_MIN_SIDE} pixels")
        require(1 <= self.words[0] <= self.words[1], "scenes.words", self.words, "least and most words, at least 1")
        require(len(set(self.tasks)) == len(self.tasks) > 0, "scenes.tasks", self.tasks, "task names, each once")
        require(all(task in TASKS for task in self.tasks), "scenes.tasks", self.tasks, f"among {', '.join(TASKS)}")
        require(self.split in SPLITS, "scenes.split", self.split, f"one of {', '.join(SPLITS)}")
        for name, least in (("characters", 2), ("words_per_task", 1), ("max_characters", 1), ("seed", 0)):
            require(getattr(self, name) >= least, f"scenes.{name}", getattr(self, name), f"at least {least}")
        for name in ("curved", "rotated", "perspective", "dont_care", "vertical", "textless", "clutter"):
            require(0 <= getattr(self, name) <= 1, f"scenes.{name}", getattr(self, name), "a share, 0 to 1")
        warped = self.curved + self.rotated + self.perspective
        require(warped <= 1 + 1e-9, "scenes.curved + rotated + perspective", warped, "at most 1: the rest is straight")
        require(0 < self.largest_text <= 1, "scenes.largest_text", self.largest_text, "a share of the shorter side, above 0 and at most 1")
        objects = self.clutter_objects
        require(1 <= objects[0] <= objects[1], "scenes.clutter_objects", objects, "least and most objects, at least 1")
        self._check_pairs("characters_of_task", self.characters_of_task)
        self._check_pairs("own_words", self.own_words)
        for task, count in self.characters_of_task:
            require(count >= 2, f"scenes.characters_of_task of {task}", count, "at least 2")

    def _check_pairs(self, name: str, pairs: Sequence[tuple[str, object]]) -> None:
        """Require that each pair names another task of the settings."""
        names = tuple(task for task, _ in pairs)
        allowed = f"each task once, among {', '.join(self.tasks)}"
        require(len(set(names)) == len(names) and set(names) <= set(self.tasks), f"tasks of scenes.{name}", ", ".join(names), allowed)
