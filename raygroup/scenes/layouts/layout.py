"""Define a layout: the files that scenes are written to.

Some files belong to one scene, others cover all scenes of a data set.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from raygroup.images.pixels import Pixels, decode
from raygroup.scenes.cropping import crop
from raygroup.scenes.layouts.page import Page
from raygroup.scenes.scene import Instance

Files = Iterator[tuple[str, bytes]]
"""Names and contents of files; ``/`` separates folders in a name."""


def _no_labels(page: Page) -> Iterator[tuple[str, bytes]]:
    yield from ()


def _no_crops(page: Page) -> Iterator[tuple[str, Instance]]:
    yield from ()


def _no_shared_files(pages: Iterable[Page]) -> Iterator[tuple[str, bytes]]:
    yield from ()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A way to write scenes for one data set's readers."""

    name: str
    title: str
    loses: str
    """Parts of a scene that the layout cannot hold."""
    image_name: Callable[[Page], str]
    """Returns the name of the image's file, or an empty string if the layout has only words."""
    labels: Callable[[Page], Files] = _no_labels
    """Returns the label files of one scene."""
    crops: Callable[[Page], Iterator[tuple[str, Instance]]] = _no_crops
    """Returns the words that get an image of their own, with the names of these files."""
    shared_files: Callable[[Iterable[Page]], Files] = _no_shared_files
    """Returns the label files that cover all scenes."""

    @property
    def has_shared_files(self) -> bool:
        """Return whether a label file covers all scenes."""
        return self.shared_files is not _no_shared_files

    def file_names(self, page: Page) -> list[str]:
        """Return the names of all files of one scene."""
        image = self.image_name(page)
        return [*(name for name, _ in self.crops(page)), *(name for name, _ in self.labels(page)), *([image] if image else [])]

    def files(self, page: Page, image: bytes) -> Files:
        """Yield the files of one scene, its image last.

        Raises ImageError if the layout cuts out words and the image cannot be decoded.
        """
        words = [*self.crops(page)]
        pixels = decode(image) if words else None
        for name, word in words:
            yield name, _encode_crop(pixels, word, name)
        yield from self.labels(page)
        if name := self.image_name(page):
            yield name, image


def _encode_crop(pixels: Pixels | None, word: Instance, name: str) -> bytes:
    """Cut out a word and encode it.

    The suffix of ``name`` gives the image format. A word that is too small or outside the image
    becomes one black pixel.
    """
    cropped = None if pixels is None else crop(pixels, word.polygon, 1 << 16, turn_vertical=False)
    cropped = np.zeros((1, 1, 3), np.uint8) if cropped is None else cropped
    suffix = name[name.rindex(".") :]
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1] if suffix == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 95]
    return bytes(cv2.imencode(suffix, cropped, settings)[1].tobytes())
