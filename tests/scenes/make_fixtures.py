"""Makes ``tests/data/scenes``: three small rendered scenes in all seven scripts, written in every layout.

``python tests/scenes/make_fixtures.py`` writes them anew.
"""

import shutil
from pathlib import Path

from raygroup.scenes.layouts.writing import LAYOUTS, write_scenes
from raygroup.scenes.rendering.composing import compose, load_materials
from raygroup.scenes.rendering.settings import SceneSettings

FOLDER = Path(__file__).parents[1] / "data" / "scenes"
SETTINGS = SceneSettings(
    width=160, height=120, words=(4, 6), words_per_task=200, curved=0.4, rotated=0.2, perspective=0.2, dont_care=0.2
)  # fmt: skip
NUMBERS = (10, 382, 426)
"""Scenes with a curved word, a don't-care and three scripts each, whose images are small."""


def make(folder: Path) -> None:
    """Every layout in a folder of its name."""
    materials = load_materials(SETTINGS)
    scenes = [compose(SETTINGS, materials, number) for number in NUMBERS]
    for name, layout in LAYOUTS.items():
        write_scenes(layout, scenes, folder / name)


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    make(FOLDER)
