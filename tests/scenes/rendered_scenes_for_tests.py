"""Render small sets of scenes without other processes."""

from raygroup.scenes.rendering.dataset import Rendering, render
from raygroup.scenes.rendering.settings import SceneSettings

SETTINGS = SceneSettings(width=160, height=120, words=(2, 4), words_per_task=100, tasks=("la", "ar"))


def render_set(out, num_scenes, layout="mlt19", settings=SETTINGS):
    """Render scenes into a folder, and return the summary."""
    return render(Rendering(out, settings, layout), num_scenes, map, lambda done, total: None)


def contents(folder):
    """Return the files below a folder, name -> bytes."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
