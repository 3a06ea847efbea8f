"""Place the text of a rendered scene.

It consists of warped blocks of words that do not overlap. Placing needs no pixels of the picture,
so labels can be made again without drawing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.rendering.columns import typeset_columns
from raygroup.scenes.rendering.random_warps import draw_warp
from raygroup.scenes.rendering.settings import COMMON_LARGEST_TEXT, SceneSettings
from raygroup.scenes.rendering.text_sizes import MIN_EM, draw_em, draw_first_ems
from raygroup.scenes.rendering.typesetting import Block, typeset
from raygroup.scenes.rendering.warping import Warp
from raygroup.scenes.scene import Polygon
from raygroup.words.rendering.fonts import FontFile
from raygroup.words.rendering.vertical_shaping import VERTICAL_TASKS

ILLEGIBLE = ("tiny", "blurred", "faint")
"""Reasons why a don't-care cannot be read."""
_MARGIN = 1.0
"""Pixels between ink and its polygon, before corners are rounded."""
_NUM_BLOCKS = 60
"""Blocks that are tried for one scene."""
_NUM_POSITIONS = 12
"""Positions that are tried for one block."""
_NUM_SHRINKS = 4
"""Sizes that are tried for one large block."""
_MIN_PADDING = 3
"""Pixels around a block that other blocks stay out of."""
_LINES = ((1,), (1, 1), (2,), (3,), (2, 1), (1, 2), (2, 2), (1, 1, 1))
"""Numbers of words in each line of a block."""


@dataclass(frozen=True)
class PlacedBlock:
    """A block with its warp and its place in the scene."""

    block: Block
    warp: Warp
    x: int
    y: int
    """x and y are the top left corner of the block's patch."""
    padding: float
    """Pixels around the ink that belong to the block. A panel may fill them."""
    illegible: str | None
    """One of ``ILLEGIBLE``, or None if the block can be read."""

    def polygon(self, number: int) -> Polygon:
        """Return the polygon around the ink of one word.

        It has whole pixels of the scene, clockwise as seen from the top left of the upright text.
        """
        return np.round(self.warp.outline(self.block.boxes[number], _MARGIN) + (self.x, self.y))

    def area(self, share: float = 1.0) -> Polygon:
        """Return the polygon around block and padding.

        ``share`` is the share of the padding that it includes.
        """
        return self.warp.outline(_full_box(self.block), share * self.padding) + (self.x, self.y)


def place_blocks(
    settings: SceneSettings, words: Mapping[str, Sequence[str]], fonts: Mapping[str, Sequence[FontFile]], random: np.random.Generator
) -> list[PlacedBlock]:
    """Return the blocks of a scene.

    The number of words is drawn from the settings' range. The scene has fewer words if no more fit.
    """
    num_left = int(random.integers(settings.words[0], settings.words[1] + 1))
    tasks = random.permutation(settings.tasks)[: int(random.integers(1, 4))].tolist()
    occupied = np.zeros((settings.height, settings.width), np.uint8)
    blocks: list[PlacedBlock] = []
    first_ems = draw_first_ems(settings, num_left, random)
    for attempt in range(_NUM_BLOCKS):
        illegible = str(random.choice(ILLEGIBLE)) if random.random() < settings.dont_care else None
        # the second half of the attempts uses the smallest text, which is most likely to fit
        em = draw_em(settings, illegible, random) if attempt < _NUM_BLOCKS // 2 else MIN_EM
        if first_ems and illegible is None:
            em = first_ems.pop()
        warped = _make_block(settings, _draw_lines(num_left, tasks, words, random), fonts, em, random)
        placed = warped and _find_place(warped[0], warped[1], warped[2], occupied, illegible, random)
        if placed:
            blocks.append(placed)
            num_left -= len(placed.block.texts)
        if not num_left:
            break
    return blocks


def _draw_lines(
    max_words: int, tasks: Sequence[str], words: Mapping[str, Sequence[str]], random: np.random.Generator
) -> list[tuple[str, list[str]]]:
    """Draw lines with at most this many words in all.

    Some blocks have lines in two scripts, as on signs.
    """
    counts = [lines for lines in _LINES if sum(lines) <= max_words]
    chosen = counts[int(random.integers(len(counts)))]
    first = tasks[int(random.integers(len(tasks)))]
    lines = []
    for count in chosen:
        task = tasks[int(random.integers(len(tasks)))] if random.random() < 0.3 else first
        lines.append((task, [words[task][index] for index in random.integers(len(words[task]), size=count).tolist()]))
    return lines


def _make_block(
    settings: SceneSettings,
    lines: list[tuple[str, list[str]]],
    fonts: Mapping[str, Sequence[FontFile]],
    em: int,
    random: np.random.Generator,
) -> tuple[Block, Warp, float] | None:
    """Return the block, its warp and its padding.

    Returns None if no font has the characters, or if the warped block is larger than the scene. A large block has one word, and
    shrinks until it fits.
    """
    largest_common = COMMON_LARGEST_TEXT * min(settings.width, settings.height)
    is_large = settings.largest_text > COMMON_LARGEST_TEXT and em > largest_common
    if is_large:
        lines = [(lines[0][0], [min(lines[0][1], key=len)])]
    chance = random.random()
    lines = lines[:1] if chance < settings.curved else lines
    in_columns = _draws_columns(settings, lines, random)
    for _ in range(_NUM_SHRINKS if is_large else 1):
        padding = float(_MIN_PADDING + (em * random.uniform(0.15, 0.5) if random.random() < 0.6 else 0))
        block = (typeset_columns if in_columns else typeset)(lines, fonts, em, random)
        if block is None:
            return None
        warp = draw_warp(settings, block, padding, chance, random)
        room = min(settings.width / warp.size[0], settings.height / warp.size[1])
        if room >= 1:
            return block, warp, padding
        em = max(int(0.97 * em * room), MIN_EM)
    return None


def _draws_columns(settings: SceneSettings, lines: list[tuple[str, list[str]]], random: np.random.Generator) -> bool:
    """Return whether the words run from top to bottom. Without vertical text, no random number is drawn."""
    return settings.vertical > 0 and all(task in VERTICAL_TASKS for task, _ in lines) and random.random() < settings.vertical


def _find_place(
    block: Block, warp: Warp, padding: float, occupied: NDArray[np.uint8], illegible: str | None, random: np.random.Generator
) -> PlacedBlock | None:
    """Place the block at a free random position.

    Several positions are tried. Marks its area in ``occupied``. Returns None if no position is
    free.
    """
    width, height = warp.size
    corners = np.round(warp.outline(_full_box(block), padding)).astype(np.int32)
    area = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1)
    most = (occupied.shape[1] - width + 1, occupied.shape[0] - height + 1)
    for x, y in random.integers((0, 0), most, size=(_NUM_POSITIONS, 2)).tolist():
        under = occupied[y : y + height, x : x + width]
        if not cv2.countNonZero(cv2.bitwise_and(under, area)):
            cv2.bitwise_or(under, area, under)
            return PlacedBlock(block, warp, x, y, padding, illegible)
    return None


def _full_box(block: Block) -> tuple[int, int, int, int]:
    return (0, 0, block.ink.shape[1], block.ink.shape[0])
