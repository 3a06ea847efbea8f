"""Where the text of a rendered scene stands: blocks of words, warped each in its way, that do not overlap. No pixel of the picture is
needed for it, so labels can be had again without drawing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.rendering.typesetting import Block, typeset
from raygroup.scenes.rendering.warping import Arc, Warp, arc, flat
from raygroup.scenes.scene import Polygon
from raygroup.words.rendering.fonts import FontFile

ILLEGIBLE = ("tiny", "blurred", "faint")
"""How a don't-care comes not to be read."""
_MARGIN = 1.0
"""Pixels between ink and its polygon, before corners are rounded."""
_SMALLEST, _LARGEST = 13, 0.15
"""Pixels an em of text that can be read: least, and at most as a share of the scene's shorter side."""
_TINY = (5, 8)
_ATTEMPTS = 60
"""Blocks that are tried for one scene."""
_POSITIONS = 12
"""Positions that are tried for one block."""
_ROOM = 3
"""Pixels around a block that no other one comes into."""
_LINES = ((1,), (1, 1), (2,), (3,), (2, 1), (1, 2), (2, 2), (1, 1, 1))
"""Words of each line of a block."""


@dataclass(frozen=True)
class Placed:
    """A block where it stands."""

    block: Block
    warp: Warp
    x: int
    y: int
    """Of its patch's top left corner."""
    room: float
    """Pixels around its ink that are its own: a panel may fill them."""
    illegible: str | None
    """One of ``ILLEGIBLE``; None where it can be read."""

    def polygon(self, number: int) -> Polygon:
        """Around the ink of one word: whole pixels of the scene, clockwise as seen from the top left of the upright text."""
        return np.round(self.warp.outline(self.block.boxes[number], _MARGIN) + (self.x, self.y))

    def area(self, share: float = 1.0) -> Polygon:
        """Around the whole block and a share of its room."""
        return self.warp.outline(_whole(self.block), share * self.room) + (self.x, self.y)


def place(
    settings: SceneSettings, words: Mapping[str, Sequence[str]], fonts: Mapping[str, Sequence[FontFile]], random: np.random.Generator
) -> list[Placed]:
    """The blocks of a scene, as many words as drawn from the settings' range, or as find room."""
    wanted = int(random.integers(settings.words[0], settings.words[1] + 1))
    tasks = random.permutation(settings.tasks)[: int(random.integers(1, 4))].tolist()
    occupied = np.zeros((settings.height, settings.width), np.uint8)
    placed: list[Placed] = []
    left = wanted
    for attempt in range(_ATTEMPTS):
        illegible = str(random.choice(ILLEGIBLE)) if random.random() < settings.dont_care else None
        em = _em(settings, illegible, random) if attempt < _ATTEMPTS // 2 else _SMALLEST
        made = _warped(settings, _lines(left, tasks, words, random), fonts, em, random)
        found = made and _free(made[0], made[1], made[2], occupied, illegible, random)
        if found:
            placed.append(found)
            left -= len(found.block.texts)
        if not left:
            break
    return placed


def _em(settings: SceneSettings, illegible: str | None, random: np.random.Generator) -> int:
    if illegible == "tiny":
        return int(random.integers(_TINY[0], _TINY[1] + 1))
    largest = max(_LARGEST * min(settings.width, settings.height), _SMALLEST + 3)
    return int(_SMALLEST * (largest / _SMALLEST) ** (random.random() ** 1.3))


def _lines(most: int, tasks: Sequence[str], words: Mapping[str, Sequence[str]], random: np.random.Generator) -> list[tuple[str, list[str]]]:
    """At most so many words in lines; a block in two scripts now and then, as on signs."""
    counts = [lines for lines in _LINES if sum(lines) <= most]
    chosen = counts[int(random.integers(len(counts)))]
    first = tasks[int(random.integers(len(tasks)))]
    lines = []
    for count in chosen:
        task = tasks[int(random.integers(len(tasks)))] if random.random() < 0.3 else first
        lines.append((task, [words[task][place] for place in random.integers(len(words[task]), size=count).tolist()]))
    return lines


def _warped(
    settings: SceneSettings,
    lines: list[tuple[str, list[str]]],
    fonts: Mapping[str, Sequence[FontFile]],
    em: int,
    random: np.random.Generator,
) -> tuple[Block, Warp, float] | None:
    """The block, how it is warped, and the room around it; None where it would be larger than the scene or has no font."""
    chance = random.random()
    room = float(_ROOM + (em * random.uniform(0.15, 0.5) if random.random() < 0.6 else 0))
    if chance < settings.curved:
        lines = lines[:1]
    block = typeset(lines, fonts, em, random)
    if block is None:
        return None
    warp = _warp(settings, block, room, chance, random)
    fits = warp.size[0] <= settings.width and warp.size[1] <= settings.height
    return (block, warp, room) if fits else None


def _warp(settings: SceneSettings, block: Block, room: float, chance: float, random: np.random.Generator) -> Warp:
    height, width = block.ink.shape
    if chance < settings.curved:
        return _curved(width, height, room, random)
    chance -= settings.curved
    if chance < settings.rotated:
        steep = random.random() < 0.15
        angle = float(np.clip(random.normal(0, 0.7 if steep else 0.22), -math.pi / 2, math.pi / 2))
        return flat((width, height), room, angle)
    if chance < settings.rotated + settings.perspective:
        moved = _moved(width, height, random)
        return flat((width, height), room, float(random.normal(0, 0.12)), moved)
    return flat((width, height), room)


def _curved(width: int, height: int, room: float, random: np.random.Generator) -> Arc:
    """As far round as keeps the inner edge from shrinking to nothing, up to some 150 degrees; one in three hangs instead of arching."""
    most = min(2.6, width / (1.3 * height + room))
    angle = most * float(random.uniform(0.45, 1))
    hangs = random.random() < 0.35
    return arc((width, height), room, -angle if hangs else angle, float(random.normal(0, 0.2)))


def _moved(width: int, height: int, random: np.random.Generator) -> NDArray[np.float64]:
    """How far each corner moves where a sign is seen from one side: one end is lower than the other, and both come nearer."""
    shrunk = height * float(random.uniform(0.08, 0.25))
    slope = min(width * float(random.uniform(-0.12, 0.12)), 0.8 * height)
    nearer = width * float(random.uniform(0.05, 0.2))
    if random.random() < 0.5:
        return np.array([[nearer, shrunk], [0, slope], [0, slope], [nearer, -shrunk]])
    return np.array([[0, slope], [-nearer, shrunk], [-nearer, -shrunk], [0, slope]])


def _free(
    block: Block, warp: Warp, room: float, occupied: NDArray[np.uint8], illegible: str | None, random: np.random.Generator
) -> Placed | None:
    """The block at the first of some positions where nothing stands, which it then occupies."""
    width, height = warp.size
    corners = np.round(warp.outline(_whole(block), room)).astype(np.int32)
    area = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 1)
    most = (occupied.shape[1] - width + 1, occupied.shape[0] - height + 1)
    for x, y in random.integers((0, 0), most, size=(_POSITIONS, 2)).tolist():
        under = occupied[y : y + height, x : x + width]
        if not cv2.countNonZero(cv2.bitwise_and(under, area)):
            cv2.bitwise_or(under, area, under)
            return Placed(block, warp, x, y, room, illegible)
    return None


def _whole(block: Block) -> tuple[int, int, int, int]:
    return (0, 0, block.ink.shape[1], block.ink.shape[0])
