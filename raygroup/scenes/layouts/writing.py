"""Scenes are written in a layout, to a folder or into a zip."""

import contextlib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write, write_bytes
from raygroup.scenes.images import read_header
from raygroup.scenes.layouts.layout import Layout
from raygroup.scenes.layouts.lines import ICDAR13, ICDAR15, MLT17, MLT19, MLT_POLYGONS, RCTW17, SYNTHTEXT_MLT, SYNTHTEXT_MLT_GT
from raygroup.scenes.layouts.page import Page
from raygroup.scenes.layouts.total_text import TOTAL_TEXT, TOTAL_TEXT_PRINTED
from raygroup.scenes.layouts.whole_files import ART19, COCO_TEXT, LSVT19, MLT19_WORDS, PADDLEOCR
from raygroup.scenes.scene import Scene

_ALL = (
    MLT19, MLT_POLYGONS, MLT19_WORDS, MLT17, ICDAR13, ICDAR15, TOTAL_TEXT, TOTAL_TEXT_PRINTED, RCTW17, SYNTHTEXT_MLT, SYNTHTEXT_MLT_GT,
    ART19, LSVT19, COCO_TEXT, PADDLEOCR,
)  # fmt: skip
LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in _ALL}

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif", "PPM": ".ppm"}
_COMPRESSED = (".txt", ".json", ".mat")
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of every entry of a zip: the same scenes give the same bytes."""

Put = Callable[[str, bytes], None]
"""Takes a file's name and content."""


def layout_named(name: str) -> Layout:
    """Raises ConfigError listing those there are."""
    if name not in LAYOUTS:
        raise ConfigError(f"--layout {name}: no such layout; there are: {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def page_of(scene: Scene, image: bytes, number: int, split: str = "train") -> Page:
    """What an image says of itself beside its scene; raises ImageError for bytes that are none."""
    said = read_header(image)
    return Page(scene, number, split, _SUFFIXES[said.kind], said.width, said.height)


def write(layout: Layout, scenes: Iterable[tuple[Scene, bytes]], out: Path, split: str = "train") -> int:
    """Writes scenes and their images to ``out``, a folder, or a zip where its name ends so; they are numbered from 1. How many there
    were. Their labels are held in memory, their images are not. Raises ConfigError for a folder that holds something, ImageError for
    bytes that are no image."""
    pages = []
    with opened(out) as put:
        for page, image in numbered(scenes, split):
            pages.append(page)
            put_page(layout, page, image, put)
        put_whole(layout, pages, put)
    return len(pages)


def numbered(scenes: Iterable[tuple[Scene, bytes]], split: str = "train") -> Iterator[tuple[Page, bytes]]:
    """The pages of scenes, numbered from 1."""
    for number, (scene, image) in enumerate(scenes, start=1):
        yield page_of(scene, image, number, split), image


def put_page(layout: Layout, page: Page, image: bytes, put: Put) -> None:
    for name, content in layout.files(page, image):
        put(name, content)


def put_whole(layout: Layout, pages: Iterable[Page], put: Put) -> None:
    for name, content in layout.whole(pages):
        put(name, content)


@contextlib.contextmanager
def opened(out: Path) -> Iterator[Put]:
    """Where files go: below a new or empty folder, or into a zip that is there when all is in it."""
    if out.suffix.lower() != ".zip":
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ConfigError(f"{out}: holds something already: give a new folder")
        yield into(out)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as file, zipfile.ZipFile(file, "w") as archive:
        yield lambda name, content: _pack(archive, name, content)


def into(folder: Path) -> Put:
    """Files below a folder, each there whole or not at all."""
    made: set[Path] = set()

    def put(name: str, content: bytes) -> None:
        path = folder / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        write_bytes(path, content, durable=False)

    return put


def _pack(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_COMPRESSED) else zipfile.ZIP_STORED
    archive.writestr(entry, content)
