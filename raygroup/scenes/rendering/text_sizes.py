"""Draw the sizes of a scene's text.

Sizes are pixels of one em.
"""

import numpy as np

from raygroup.scenes.rendering.settings import COMMON_LARGEST_TEXT, SceneSettings

MIN_EM = 13
"""The smallest em that can be read."""
_TINY_EM = (5, 8)
_WORDS_OF_A_BLOCK = 1.6


def draw_em(settings: SceneSettings, illegible: str | None, random: np.random.Generator) -> int:
    """Draw the em of one block.

    The logarithm of small text's em is nearly uniform. With large text, the number of blocks of a size falls with the square of the
    size, like that of equal things seen from all distances. Text that cannot be read is never large, since its size would show it.
    """
    if illegible == "tiny":
        return int(random.integers(_TINY_EM[0], _TINY_EM[1] + 1))
    is_small = illegible is not None or settings.largest_text <= COMMON_LARGEST_TEXT
    share = min(settings.largest_text, COMMON_LARGEST_TEXT) if is_small else settings.largest_text
    largest = max(share * min(settings.width, settings.height), MIN_EM + 3)
    if is_small:
        return int(MIN_EM * (largest / MIN_EM) ** (random.random() ** 1.3))
    return int(MIN_EM / (1 - random.random() * (1 - MIN_EM / largest)))


def draw_first_ems(settings: SceneSettings, num_words: int, random: np.random.Generator) -> list[int]:
    """Return the ems of a scene's first blocks, the largest last.

    Large blocks find a place only before the others. Without large text, the order does not matter, and the list is empty.
    """
    if settings.largest_text <= COMMON_LARGEST_TEXT:
        return []
    num_blocks = int(np.ceil(num_words / _WORDS_OF_A_BLOCK))
    return sorted(draw_em(settings, None, random) for _ in range(num_blocks))
