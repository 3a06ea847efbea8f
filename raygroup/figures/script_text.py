"""Text of every script as pixels: matplotlib neither joins Arabic nor stacks conjuncts, so words are set by HarfBuzz."""

import functools

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS
from raygroup.words.rendering.fonts import FontFile, find_fonts
from raygroup.words.rendering.shaping import ink

Gray = NDArray[np.uint8]

OWN_NAMES = {"ar": "العربية", "bn": "বাংলা", "zh": "中文", "hi": "हिन्दी", "ja": "日本語", "ko": "한국어"}
"""What the paper's tasks are called by those who read them, as far as that differs from the title."""


def lettering(text: str, task: str | None, size: int = 24) -> Gray:
    """Ink (height, width), 255 where inked, cropped, at ``size`` pixels an em; one empty pixel for empty text.

    The given task's shapes come first, as far as it spells the text; the rest is set in the script of the task that does. Two
    scripts stand side by side on one bottom line.
    """
    parts = [_set(run, name, size) for run, name in _runs(text, task)]
    if len(parts) < 2:
        return parts[0] if parts else np.zeros((1, 1), np.uint8)
    height = max(part.shape[0] for part in parts)
    return np.concatenate([np.pad(part, ((height - part.shape[0], 0), (0, size // 12))) for part in parts], axis=1)


def title(task: str) -> str:
    """A task's English name, or the name itself for a task raygroup does not know."""
    return TASKS[task].title if task in TASKS else task


def _runs(text: str, task: str | None) -> list[tuple[str, str]]:
    """Stretches of text and the task that spells each: the given one, the one before, or else the one that spells most of the text."""
    rest = sorted(TASKS, key=lambda name: sum(map(TASKS[name].supports, text)), reverse=True)
    order = [task, *rest] if task is not None and task in TASKS else rest
    runs: list[tuple[str, str]] = []
    for character in text:
        candidates = [runs[-1][1], *order] if runs else order
        name = next((name for name in candidates if TASKS[name].supports(character)), candidates[0])
        if runs and runs[-1][1] == name:
            runs[-1] = (runs[-1][0] + character, name)
        else:
            runs.append((character, name))
    return runs


def _set(text: str, task: str, size: int) -> Gray:
    """Text of one script, in the font of the task, or else of any, that lacks fewest of its glyphs."""
    fewest: tuple[int, Gray] | None = None
    for name in dict.fromkeys((task, *TASKS)):
        for font in _fonts(name):
            pixels, missing = ink(text, font, name, size)
            if missing == 0:
                return pixels
            if fewest is None or missing < fewest[0]:
                fewest = (missing, pixels)
    return fewest[1] if fewest else np.zeros((1, 1), np.uint8)


@functools.lru_cache(None)
def _fonts(task: str) -> tuple[FontFile, ...]:
    """None at all where the machine has no font for a task: its words then show as the boxes of another font."""
    try:
        return find_fonts(task)
    except ConfigError:
        return ()
