"""What a layout is: which files a scene becomes, and which files speak of all scenes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from raygroup.scenes.cropping import crop
from raygroup.scenes.images import Pixels, decode
from raygroup.scenes.layouts.page import Page
from raygroup.scenes.scene import Instance

Files = Iterator[tuple[str, bytes]]
"""Names with ``/`` between folders, and contents."""


def _none(page: Page) -> Iterator[tuple[str, bytes]]:
    yield from ()


def _no_crops(page: Page) -> Iterator[tuple[str, Instance]]:
    yield from ()


def _no_whole(pages: Iterable[Page]) -> Iterator[tuple[str, bytes]]:
    yield from ()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How scenes are written for those who read one data set's way."""

    name: str
    title: str
    loses: str
    """What it cannot hold of a scene."""
    image: Callable[[Page], str]
    """Name of the image's file; empty where only words are kept."""
    labels: Callable[[Page], Files] = _none
    """The label files of one scene."""
    crops: Callable[[Page], Iterator[tuple[str, Instance]]] = _no_crops
    """Names of the files of single words, and the words."""
    whole: Callable[[Iterable[Page]], Files] = _no_whole
    """The label files that speak of every scene."""

    @property
    def is_whole(self) -> bool:
        """Whether some file speaks of every scene."""
        return self.whole is not _no_whole

    def names(self, page: Page) -> list[str]:
        """Of all files of one scene."""
        image = self.image(page)
        return [*(name for name, _ in self.crops(page)), *(name for name, _ in self.labels(page)), *([image] if image else [])]

    def files(self, page: Page, image: bytes) -> Files:
        """Of one scene, its image last. Raises ImageError where words are to be cut from an image that cannot be decoded."""
        words = [*self.crops(page)]
        pixels = decode(image) if words else None
        for name, word in words:
            yield name, _encoded(pixels, word, name)
        yield from self.labels(page)
        if name := self.image(page):
            yield name, image


def _encoded(pixels: Pixels | None, word: Instance, name: str) -> bytes:
    cut = None if pixels is None else crop(pixels, word.polygon, 1 << 16, turn_vertical=False)
    cut = np.zeros((1, 1, 3), np.uint8) if cut is None else cut
    kind = name[name.rindex(".") :]
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1] if kind == ".png" else [cv2.IMWRITE_JPEG_QUALITY, 95]
    return bytes(cv2.imencode(kind, cut, settings)[1].tobytes())
