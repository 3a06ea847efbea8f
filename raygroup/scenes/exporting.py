"""Write a data set or a scene store in another layout."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from raygroup.errors import ConfigError, ImageError
from raygroup.images.header import read_header
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.layouts.layout import Layout
from raygroup.scenes.layouts.page import encode_lines
from raygroup.scenes.layouts.writing import number_pages, open_output, put_page, put_shared_files
from raygroup.scenes.matched_scenes import matched_scenes
from raygroup.scenes.scene import Problems, ReportProgress, Scene
from raygroup.scenes.scene_store import read_scenes

NAMES_FILE = "names.tsv"
"""File that maps the exported images to the names of their scenes."""


def export(
    paths: Sequence[Path],
    layout: Layout,
    out: Path,
    problems: Problems,
    progress: ReportProgress,
    *,
    format_name: str | None = None,
    split: str = "train",
) -> int:
    """Write the scenes at the paths to a new folder or zip.

    The paths are a scene store or a data set. Returns the number of scenes. ``format_name`` is the
    format of the data set; None guesses it. Scenes without a readable image become problems and are
    left out. ``names.tsv`` lists each image with the name of its scene.

    Raises ConfigError for paths that are neither a data set nor a store, and if no scene has a
    readable image.
    """
    pages, names = [], []
    with open_output(out) as put:
        for page, image in number_pages(_readable(scenes_with_images(paths, problems, format_name), problems), split):
            put_page(layout, page, image, put)
            pages.append(page)
            names.append(f"{layout.image_name(page) or page.number}\t{page.scene.name}")
            progress(len(pages), 0)
        if not pages:
            raise ConfigError(f"{', '.join(map(str, paths))}: no scene with a readable image")
        put_shared_files(layout, pages, put)
        put(NAMES_FILE, encode_lines(names))
    progress(len(pages), len(pages))
    return len(pages)


def scenes_with_images(paths: Sequence[Path], problems: Problems, format_name: str | None = None) -> Iterator[tuple[Scene, bytes]]:
    """Yield the scenes at the paths, with their encoded images.

    The paths are a scene store or a data set. The scenes come in the order in which the images are
    fastest to read. Scenes without an image become problems and are left out. Raises ConfigError
    for paths that are neither a data set nor a store.
    """
    if len(paths) == 1 and is_scene_store(paths[0]):
        for stored in read_scenes(paths[0]):
            yield Scene(stored.name, stored.source, None, stored.instances), stored.image
        return
    collection = Collection(paths, problems)
    scenes = matched_scenes(collection, format_of(collection, format_name))
    by_image = {scene.image: scene for scene in scenes if scene.image}
    for member, content in collection.stream(by_image):
        if isinstance(content, bytes):
            yield by_image[member], content
        else:
            problems.add("image unreadable", collection.place(member), str(content))


def is_scene_store(path: Path) -> bool:
    """Return whether a path is a scene store or its part.

    A store is a folder with Parquet files, directly or in its folder ``scenes``.
    """
    folders = [path, path / "scenes"]
    return path.suffix == ".parquet" or any(folder.is_dir() and any(folder.glob("*.parquet")) for folder in folders)


def _readable(scenes: Iterator[tuple[Scene, bytes]], problems: Problems) -> Iterator[tuple[Scene, bytes]]:
    for scene, image in scenes:
        try:
            read_header(image)
        except ImageError as error:
            problems.add("image unreadable", scene.name, f"{error}; its labels are {scene.labels}")
            continue
        yield scene, image
