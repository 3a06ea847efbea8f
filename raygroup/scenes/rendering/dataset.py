"""Render a set of scenes into a folder.

Several processes share the work. Each scene is drawn once. A second run continues where the first
stopped. ``OUT/rendering.json`` records all that the scenes depend on, so scenes of other settings
are never mistaken for these.
"""

import dataclasses
import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from raygroup.config_sections import COUNTS_IF_SET, fingerprint
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.scenes.layouts.page import Page
from raygroup.scenes.layouts.writing import LAYOUTS, folder_writer, open_output, put_page, put_shared_files
from raygroup.scenes.rendering.backgrounds import image_files
from raygroup.scenes.rendering.composing import Materials, encode_image, label, lay_out, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene import MapInOrder, ReportProgress
from raygroup.words.rendering.fonts import fonts_fingerprint

RECORD = "rendering.json"
RECIPE = 1
"""Version of the recipe. It is raised when the same settings give other scenes."""
_LIBRARIES = ("uharfbuzz", "opencv-python-headless", "wordfreq", "numpy")
_SCENES_PER_JOB = 16


@dataclass(frozen=True)
class Rendering:
    """A set of scenes to render, and its folder."""

    out: Path
    settings: SceneSettings
    layout: str
    """One of ``LAYOUTS``."""
    fonts: Path | None = None
    """Folder of further fonts."""


@dataclass(frozen=True)
class RenderedScenes:
    """The result of one job."""

    pages: tuple[Page, ...]
    num_drawn: int
    """Number of scenes that did not exist before."""


def render(rendering: Rendering, num_scenes: int, map_in_order: MapInOrder, progress: ReportProgress) -> dict[str, Any]:
    """Render scenes 1 to ``num_scenes`` and return a summary.

    If the folder already has more scenes, render all of those. Raises ConfigError if the folder
    holds something else or scenes of other settings, and OSError if it cannot be written.
    """
    num_scenes = _prepare_folder(rendering, num_scenes)
    jobs = [range(start, min(start + _SCENES_PER_JOB, num_scenes + 1)) for start in range(1, num_scenes + 1, _SCENES_PER_JOB)]
    pages: list[Page] = []
    num_done = num_drawn = num_words = num_textless = 0
    progress(0, num_scenes)
    needs_pages = LAYOUTS[rendering.layout].has_shared_files
    for result in map_in_order(partial(render_job, rendering), jobs):
        num_done += len(result.pages)
        num_drawn += result.num_drawn
        num_words += sum(len(page.instances) for page in result.pages)
        num_textless += sum(not page.instances for page in result.pages)
        pages += result.pages if needs_pages else ()
        progress(num_done, num_scenes)
    put_shared_files(LAYOUTS[rendering.layout], pages, folder_writer(rendering.out))
    return {
        "scenes": num_scenes, "drawn": num_drawn, "words": num_words, "scenes_without_words": num_textless, "layout": rendering.layout,
        "out": str(rendering.out), "own_words": _count_own_words(rendering),
    }  # fmt: skip


def render_job(rendering: Rendering, numbers: Sequence[int]) -> RenderedScenes:
    """Draw the scenes of one job that do not exist yet.

    ``numbers`` are its scenes. The others are laid out again, because their labels are needed, but
    they are not drawn.
    """
    layout, settings, put = LAYOUTS[rendering.layout], rendering.settings, folder_writer(rendering.out)
    materials = _materials(settings, rendering.fonts)
    pages, num_drawn = [], 0
    for number in numbers:
        blocks = lay_out(settings, materials, number)
        page = Page(label(settings, blocks, number), number, settings.split, ".jpg", settings.width, settings.height)
        if not all((rendering.out / name).is_file() for name in layout.file_names(page)):
            put_page(layout, page, encode_image(settings, blocks, number), put)
            num_drawn += 1
        pages.append(page)
    return RenderedScenes(tuple(pages), num_drawn)


def zip_folder(folder: Path) -> Path:
    """Pack a folder of scenes into a zip beside it.

    Returns the path of the zip.
    """
    out = folder.with_name(f"{folder.name}.zip")
    with open_output(out) as put:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != RECORD:
                put(path.relative_to(folder).as_posix(), path.read_bytes())
    return out


def _prepare_folder(rendering: Rendering, num_scenes: int) -> int:
    """Write or check the record.

    Returns the number of scenes to render.
    """
    path = rendering.out / RECORD
    record = read_json_if_exists(path)
    if not record and rendering.out.exists() and (not rendering.out.is_dir() or any(rendering.out.iterdir())):
        raise ConfigError(f"{rendering.out}: holds something other than rendered scenes: give a new folder")
    depends_on = _depends_on(rendering)
    later = _later_defaults()
    recorded = later | record.get("depends_on", {})
    for name, value in depends_on.items():
        if record and (other := recorded.get(name)) != value:
            raise ConfigError(
                f"{rendering.out}: the scenes in this folder have another {name} ({other}, not {value}): "
                f"give a new folder, or {name} as it was"
            )
    num_scenes = max(num_scenes, record.get("scenes", 0))
    rendering.out.mkdir(parents=True, exist_ok=True)
    if record.get("scenes") != num_scenes:
        changed = {name: value for name, value in depends_on.items() if name not in later or later[name] != value}
        write_json(path, {"scenes": num_scenes, "depends_on": changed})
    return num_scenes


def _depends_on(rendering: Rendering) -> dict[str, Any]:
    """Return all that the files depend on, in JSON's types."""
    settings = rendering.settings
    values = _json_fields(settings)
    if settings.backgrounds is not None:
        values["backgrounds"] = fingerprint([(path.name, path.stat().st_size) for path in image_files(settings.backgrounds)])
    fonts = _materials(settings, rendering.fonts).fonts
    values["fonts"] = fingerprint({task: fonts_fingerprint(tuple(files)) for task, files in fonts.items()})
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    return {"layout": rendering.layout, "recipe": RECIPE, **values, "libraries": libraries}


def _json_fields(settings: SceneSettings) -> dict[str, Any]:
    """Return the settings in JSON's types. The user's words are a hash."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(settings).items()}
    values["characters_of_task"] = dict(settings.characters_of_task)
    values["own_words"] = {task: fingerprint(words) for task, words in settings.own_words}
    return values


def _later_defaults() -> dict[str, Any]:
    """Return the defaults of settings that were added later.

    Records leave them out, so records that were written before still hold.
    """
    later = [field.name for field in dataclasses.fields(SceneSettings) if field.metadata == COUNTS_IF_SET]
    defaults = _json_fields(SceneSettings())
    return {name: defaults[name] for name in later}


def _count_own_words(rendering: Rendering) -> dict[str, dict[str, Any]]:
    """Return, for each task with words of the user, how many scenes may show, and why the others are left out."""
    materials = _materials(rendering.settings, rendering.fonts)
    return {task: {"words": len(materials.words[task]), "dropped": dict(dropped)} for task, dropped in materials.dropped.items()}


@lru_cache(4)
def _materials(settings: SceneSettings, fonts: Path | None) -> Materials:
    return load_materials(settings, fonts)
