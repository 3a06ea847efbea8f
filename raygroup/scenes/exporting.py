"""Data sets of scenes, or scene stores, on their way into another layout."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from raygroup.errors import ConfigError, ImageError
from raygroup.scenes.collection import Collection, each_once
from raygroup.scenes.formats.registry import format_of
from raygroup.scenes.images import header
from raygroup.scenes.layouts.layout import Layout
from raygroup.scenes.layouts.page import as_file
from raygroup.scenes.layouts.writing import numbered, opened, put_page, put_whole
from raygroup.scenes.scene import Problems, Scene
from raygroup.scenes.scene_store import read_scenes

NAMES = "names.tsv"

Progress = Callable[[int, int], None]
"""Told how many scenes are written, and of how many: the same number at the end, else none."""


def export(
    paths: Sequence[Path],
    layout: Layout,
    out: Path,
    problems: Problems,
    progress: Progress,
    *,
    known: str | None = None,
    split: str = "train",
) -> int:
    """Writes what lies at the paths, a scene store or a data set (of the format ``known``, or guessed), to a new folder or a zip. How
    many scenes there were; those without a readable image are told of and left out.

    ``names.tsv`` says which image was which. Raises ConfigError for paths that are neither.
    """
    pages, names = [], []
    with opened(out) as put:
        for page, image in numbered(_readable(scenes_at(paths, problems, known), problems), split):
            put_page(layout, page, image, put)
            pages.append(page)
            names.append(f"{layout.image(page) or page.number}\t{page.scene.name}")
            progress(len(pages), 0)
        if not pages:
            raise ConfigError(f"{', '.join(map(str, paths))}: no scene with a readable image")
        put_whole(layout, pages, put)
        put(NAMES, as_file(names))
    progress(len(pages), len(pages))
    return len(pages)


def scenes_at(paths: Sequence[Path], problems: Problems, known: str | None = None) -> Iterator[tuple[Scene, bytes]]:
    """The scenes of a store or of a data set with their images, in the order in which images are read fastest; those without an image
    are told of and left out. Raises ConfigError for paths that are neither."""
    if len(paths) == 1 and is_store(paths[0]):
        for stored in read_scenes(paths[0]):
            yield Scene(stored.name, stored.source, None, stored.instances), stored.image
        return
    collection = Collection(paths, problems)
    by_image = {scene.image: scene for scene in each_once(format_of(collection, known).scenes(collection), collection) if scene.image}
    for member, content in collection.stream(by_image):
        if isinstance(content, bytes):
            yield by_image[member], content
        else:
            problems.add("image unreadable", collection.place(member), str(content))


def is_store(path: Path) -> bool:
    """Whether a path is what an import made: a folder with Parquet files of scenes, or one of them."""
    folders = [path, path / "scenes"]
    return path.suffix == ".parquet" or any(folder.is_dir() and any(folder.glob("*.parquet")) for folder in folders)


def _readable(scenes: Iterator[tuple[Scene, bytes]], problems: Problems) -> Iterator[tuple[Scene, bytes]]:
    for scene, image in scenes:
        try:
            header(image)
        except ImageError as error:
            problems.add("image unreadable", scene.name, f"{error}; its labels are {scene.labels}")
            continue
        yield scene, image
