"""Render small sets of scenes without other processes, and find the ink of their words."""

import cv2
import numpy as np

from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.importing.importer import import_scenes
from raygroup.scenes.importing.shard_rows import ImportSettings
from raygroup.scenes.rendering.dataset import Rendering, render
from raygroup.scenes.rendering.settings import SceneSettings

SETTINGS = SceneSettings(width=160, height=120, words=(2, 4), words_per_task=100, tasks=("la", "ar"))


def render_set(out, num_scenes, layout="mlt19", settings=SETTINGS):
    """Render scenes into a folder, and return the summary."""
    return render(Rendering(out, settings, layout), num_scenes, map, lambda done, total: None)


def store_of(folder, num_scenes, settings=SETTINGS):
    """Render scenes and import them into a store below a folder. Returns the store."""
    render_set(folder / "rendered", num_scenes, settings=settings)
    collection = Collection([folder / "rendered"])
    source = ImportSettings(source="rendered")
    import_scenes(collection, format_of(collection, None), folder / "data", source, map, lambda done, total: None)
    return folder / "data"


def contents(folder):
    """Return the files below a folder, name -> bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ink_of(placed, word, settings):
    """Return the ink of one word, in the pixels of the scene."""
    scene = np.zeros((settings.height, settings.width), np.uint8)
    patch = placed.warp.apply(placed.block.ink_of_word(word))
    scene[placed.y : placed.y + patch.shape[0], placed.x : placed.x + patch.shape[1]] = patch
    return scene


def inside(polygon, settings):
    """Return which pixels of the scene are in a polygon."""
    return cv2.fillPoly(np.zeros((settings.height, settings.width), np.uint8), [polygon.astype(np.int32)], 1) > 0


def words_of(layouts):
    """Return the block and the number of every word."""
    return [(placed, word) for blocks in layouts for placed in blocks for word in range(len(placed.block.texts))]
