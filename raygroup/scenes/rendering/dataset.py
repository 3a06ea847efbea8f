"""A set of rendered scenes on its way to a folder: drawn by several processes, each scene once; run again, it goes on.

``OUT/rendering.json`` says what the scenes depend on, so that those of other settings are never taken for these.
"""

import dataclasses
import importlib.metadata
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from raygroup.config_sections import fingerprint
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.scenes.layouts.page import Page
from raygroup.scenes.layouts.writing import LAYOUTS, into, opened, put_page, put_whole
from raygroup.scenes.rendering.backgrounds import image_files
from raygroup.scenes.rendering.composing import Materials, encoded, gather, label, lay_out
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.words.rendering.fonts import fonts_fingerprint

RECORD = "rendering.json"
RECIPE = 1
"""Raised when the same settings give other scenes."""
_LIBRARIES = ("uharfbuzz", "opencv-python-headless", "wordfreq", "numpy")
_SCENES_A_JOB = 16

Progress = Callable[[int, int], None]
"""Told how many scenes are there, of how many."""


@dataclass(frozen=True)
class Rendering:
    """What is drawn and where it goes."""

    out: Path
    settings: SceneSettings
    layout: str
    """One of ``LAYOUTS``."""
    fonts: Path | None = None


@dataclass(frozen=True)
class Made:
    """What some scenes came to."""

    pages: tuple[Page, ...]
    drawn: int
    """Those that were not there before."""


def render(rendering: Rendering, scenes: int, pool: Executor, progress: Progress) -> dict[str, Any]:
    """Draws scenes 1 to ``scenes``, or as many as are there already where those are more. The summary.

    Raises ConfigError for a folder that holds something else or scenes of other settings, OSError where it cannot be written.
    """
    scenes = _require_own(rendering, scenes)
    numbers = [range(start, min(start + _SCENES_A_JOB, scenes + 1)) for start in range(1, scenes + 1, _SCENES_A_JOB)]
    pages: list[Page] = []
    drawn = words = 0
    progress(0, scenes)
    keeps = LAYOUTS[rendering.layout].is_whole
    done = 0
    for made in pool.map(make, [rendering] * len(numbers), numbers):
        done, drawn = done + len(made.pages), drawn + made.drawn
        words += sum(len(page.instances) for page in made.pages)
        pages += made.pages if keeps else ()
        progress(done, scenes)
    put_whole(LAYOUTS[rendering.layout], pages, into(rendering.out))
    return {"scenes": scenes, "drawn": drawn, "words": words, "layout": rendering.layout, "out": str(rendering.out)}


def make(rendering: Rendering, numbers: Sequence[int]) -> Made:
    """Draws those of the scenes that are not there; the others are laid out again for what is told of them, but not drawn."""
    layout, settings, put = LAYOUTS[rendering.layout], rendering.settings, into(rendering.out)
    materials = _materials(settings, rendering.fonts)
    pages, drawn = [], 0
    for number in numbers:
        placed = lay_out(settings, materials, number)
        page = Page(label(settings, placed, number), number, settings.split, ".jpg", settings.width, settings.height)
        if not all((rendering.out / name).is_file() for name in layout.names(page)):
            put_page(layout, page, encoded(settings, placed, number), put)
            drawn += 1
        pages.append(page)
    return Made(tuple(pages), drawn)


def zipped(folder: Path) -> Path:
    """Packs a folder of scenes into a zip beside it, which it returns."""
    out = folder.with_name(f"{folder.name}.zip")
    with opened(out) as put:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != RECORD:
                put(path.relative_to(folder).as_posix(), path.read_bytes())
    return out


def _require_own(rendering: Rendering, scenes: int) -> int:
    """Writes the record, or checks the one that is there; how many scenes there will be."""
    record = rendering.out / RECORD
    said = read_json_if_exists(record)
    if not said and rendering.out.exists() and (not rendering.out.is_dir() or any(rendering.out.iterdir())):
        raise ConfigError(f"{rendering.out}: holds something that is no set of rendered scenes: give a new folder")
    mine = _depends_on(rendering)
    for name, value in mine.items():
        if said and said.get("depends_on", {}).get(name) != value:
            was = said.get("depends_on", {}).get(name)
            raise ConfigError(f"{rendering.out}: holds scenes of another {name} ({was}, not {value}): give a new folder, or what it was")
    scenes = max(scenes, said.get("scenes", 0))
    rendering.out.mkdir(parents=True, exist_ok=True)
    if said.get("scenes") != scenes:
        write_json(record, {"scenes": scenes, "depends_on": mine})
    return scenes


def _depends_on(rendering: Rendering) -> dict[str, Any]:
    """All that the files depend on, as JSON gives it back."""
    settings = rendering.settings
    found: dict[str, Any] = {name: list(value) if isinstance(value, tuple) else value for name, value in _fields(settings)}
    if settings.backgrounds is not None:
        found["backgrounds"] = fingerprint([(path.name, path.stat().st_size) for path in image_files(settings.backgrounds)])
    fonts = _materials(settings, rendering.fonts).fonts
    found["fonts"] = fingerprint({task: fonts_fingerprint(tuple(files)) for task, files in fonts.items()})
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    return {"layout": rendering.layout, "recipe": RECIPE, **found, "libraries": libraries}


def _fields(settings: SceneSettings) -> list[tuple[str, Any]]:
    return [(field.name, getattr(settings, field.name)) for field in dataclasses.fields(settings)]


@lru_cache(4)
def _materials(settings: SceneSettings, fonts: Path | None) -> Materials:
    return gather(settings, fonts)
