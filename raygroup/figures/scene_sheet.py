"""Contact sheet of a data set: some of its scenes with their polygons, and words of every script cut out beside their texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from raygroup.figures.palette import FAINT, INK, RIGHT
from raygroup.figures.script_text import lettering, title
from raygroup.figures.word_sheet import fitted, place, write
from raygroup.scenes.cropping import crop
from raygroup.scenes.scene import Instance

Pixels = NDArray[np.uint8]

THUMB, CROP, LINE, GAP = 320, 48, 34, 10
"""Pixels: the side of a scene's square, the height of a word's picture and of its text, the space around a cell."""
COLUMNS = 4
_WORDS = 8


@dataclass(frozen=True)
class ShownScene:
    """A scene to show; ``pixels`` (h, w, 3), blue first."""

    pixels: Pixels
    instances: tuple[Instance, ...]


def scenes_figure(scenes: Sequence[ShownScene], heading: str) -> Figure:
    """The scenes with the polygons of words in colour, a dot where a word begins, don't-cares in gray; then a row a script."""
    width = COLUMNS * (THUMB + GAP)
    rows = [_row([_thumb(scene) for scene in scenes[start : start + COLUMNS]], width) for start in range(0, len(scenes), COLUMNS)]
    names, words = [], []
    for name, cells in _words_of(scenes).items():
        names.append(name)
        words.append(_row(cells, width))
    canvas = np.concatenate([*rows, *words]) if rows or words else np.full((LINE, width, 3), 255, np.uint8)
    figure = Figure(figsize=(1.6 + width / 120, 0.7 + canvas.shape[0] / 120), layout="constrained")
    axes = figure.subplots()
    axes.imshow(canvas, interpolation="antialiased")
    start = sum(row.shape[0] for row in rows)
    axes.set_yticks([start + (CROP + LINE + GAP) * (number + 0.5) for number in range(len(names))], names, fontsize=9, color=INK)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(heading, loc="left", fontsize=10, color=INK)
    return figure


def _thumb(scene: ShownScene) -> Pixels:
    cell = np.full((THUMB + GAP, THUMB + GAP, 3), 255, np.uint8)
    picture = np.ascontiguousarray(fitted(scene.pixels[..., ::-1], THUMB, THUMB))
    scale = picture.shape[1] / scene.pixels.shape[1]
    for instance in scene.instances:
        if instance.polygon is not None:
            colour = tuple(round(255 * part) for part in to_rgb(FAINT if instance.dont_care else RIGHT))
            corners = np.round(instance.polygon * scale * 16).astype(np.int32)
            cv2.polylines(picture, [corners], True, colour, 2, cv2.LINE_AA, 4)
            cv2.circle(picture, corners[0].tolist(), 3 * 16, colour, -1, cv2.LINE_AA, 4)
    place(cell[:THUMB, :THUMB], picture)
    return cell


def _words_of(scenes: Sequence[ShownScene]) -> dict[str, list[Pixels]]:
    """The first words of each script, by its name."""
    found: dict[str, list[Pixels]] = {}
    for scene in scenes:
        for instance in scene.instances:
            name = instance.script or (title(instance.task) if instance.task else "no label")
            row = found.setdefault(name, [])
            if not instance.dont_care and len(row) < _WORDS and (word := crop(scene.pixels, instance.polygon)) is not None:
                row.append(_word(word, instance))
    return {name: row for name, row in sorted(found.items()) if row}


def _word(word: Pixels, instance: Instance) -> Pixels:
    wide = COLUMNS * (THUMB + GAP) // _WORDS
    cell = np.full((CROP + LINE + GAP, wide, 3), 255, np.uint8)
    place(cell[:CROP, : wide - GAP], fitted(word[..., ::-1], CROP, wide - GAP))
    write(cell[CROP : CROP + LINE, : wide - GAP], lettering(instance.text, instance.task), to_rgb(INK))
    return cell


def _row(cells: Sequence[Pixels], width: int) -> Pixels:
    row = np.concatenate(cells, axis=1)
    return np.concatenate([row, np.full((row.shape[0], width - row.shape[1], 3), 255, np.uint8)], axis=1)
