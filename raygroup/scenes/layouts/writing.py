"""Write scenes to a folder or into a zip."""

import contextlib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write, write_bytes
from raygroup.images.header import read_header
from raygroup.scenes.layouts.layout import Layout
from raygroup.scenes.layouts.lines import ICDAR13, ICDAR15, MLT17, MLT19, MLT_POLYGONS, RCTW17, SYNTHTEXT_MLT, SYNTHTEXT_MLT_GT
from raygroup.scenes.layouts.page import Page
from raygroup.scenes.layouts.shared_files import ART19, COCO_TEXT, LSVT19, MLT19_WORDS, PADDLEOCR
from raygroup.scenes.layouts.total_text import TOTAL_TEXT, TOTAL_TEXT_PRINTED
from raygroup.scenes.scene import Scene

_ALL = (
    MLT19, MLT_POLYGONS, MLT19_WORDS, MLT17, ICDAR13, ICDAR15, TOTAL_TEXT, TOTAL_TEXT_PRINTED, RCTW17, SYNTHTEXT_MLT, SYNTHTEXT_MLT_GT,
    ART19, LSVT19, COCO_TEXT, PADDLEOCR,
)  # fmt: skip
LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in _ALL}

_SUFFIXES = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif", "PPM": ".ppm",
    "JPEG2000": ".jp2", "AVIF": ".avif", "SUN": ".ras",
}  # fmt: skip
_COMPRESSED = (".txt", ".json", ".mat")
_DATE = (1980, 1, 1, 0, 0, 0)
"""Date of every zip entry: it is fixed so that the same scenes give the same bytes."""

Put = Callable[[str, bytes], None]
"""Takes a file's name and content, and writes the file."""


def find_layout(name: str) -> Layout:
    """Return the layout of this name.

    Raises ConfigError with all names if there is none.
    """
    if name not in LAYOUTS:
        raise ConfigError(f"--layout {name}: no such layout: choose one of {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


def page_of(scene: Scene, image: bytes, number: int, split: str = "train") -> Page:
    """Return the page of a scene.

    Its size and suffix come from the image. Raises ImageError if the bytes are not an image.
    """
    header = read_header(image)
    return Page(scene, number, split, _SUFFIXES[header.kind], header.width, header.height)


def write_scenes(layout: Layout, scenes: Iterable[tuple[Scene, bytes]], out: Path, split: str = "train") -> int:
    """Write scenes and their images, and return their number.

    ``out`` is a folder, or a zip if its name ends in ``.zip``. The scenes are numbered from 1. All
    labels are held in memory, but only one image at a time. Raises ConfigError if the folder is not
    empty, and ImageError if an image's bytes are not an image.
    """
    pages = []
    with open_output(out) as put:
        for page, image in number_pages(scenes, split):
            pages.append(page)
            put_page(layout, page, image, put)
        put_shared_files(layout, pages, put)
    return len(pages)


def number_pages(scenes: Iterable[tuple[Scene, bytes]], split: str = "train") -> Iterator[tuple[Page, bytes]]:
    """Yield the scenes' pages, numbered from 1, with their images."""
    for number, (scene, image) in enumerate(scenes, start=1):
        yield page_of(scene, image, number, split), image


def put_page(layout: Layout, page: Page, image: bytes, put: Put) -> None:
    for name, content in layout.files(page, image):
        put(name, content)


def put_shared_files(layout: Layout, pages: Iterable[Page], put: Put) -> None:
    for name, content in layout.shared_files(pages):
        put(name, content)


@contextlib.contextmanager
def open_output(out: Path) -> Iterator[Put]:
    """Open a folder or zip for writing.

    Yields a function that writes files there. The folder must be new or empty. The zip appears when
    it is complete.
    """
    if out.suffix.lower() != ".zip":
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise ConfigError(f"{out}: already holds something: give a new or empty folder")
        yield folder_writer(out)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as file, zipfile.ZipFile(file, "w") as archive:
        yield lambda name, content: _put_in_zip(archive, name, content)


def folder_writer(folder: Path) -> Put:
    """Return a function that writes files below a folder.

    Each file is written atomically.
    """
    existing: set[Path] = set()

    def put(name: str, content: bytes) -> None:
        path = folder / name
        if path.parent not in existing:
            path.parent.mkdir(parents=True, exist_ok=True)
            existing.add(path.parent)
        write_bytes(path, content, durable=False)

    return put


def _put_in_zip(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_COMPRESSED) else zipfile.ZIP_STORED
    archive.writestr(entry, content)
