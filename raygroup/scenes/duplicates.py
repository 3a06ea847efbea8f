"""Find exact copies of images and words across data sets.

The sets may also be splits of one data set. A score on images that were also trained on means
nothing. An image takes 32 bytes and its name, so that 300,000 images need less than 100 MB,
whatever their size.
"""

import dataclasses
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from raygroup.errors import ImageError
from raygroup.images.pixels import decode
from raygroup.scenes.exporting import scenes_with_images
from raygroup.scenes.scene import Problems, ReportProgress
from raygroup.words.labels import normalise

_DIGEST_BYTES = 16
"""Two different images among 300,000 have the same digest with a chance of 1 in 10^28."""
_UNREADABLE = bytes(_DIGEST_BYTES)
_MAX_COPIES = 1000
_NUM_EXAMPLES = 10

Digests = tuple[bytes, bytes]
"""Digest of an image's bytes, and digest of its decoded pixels."""


def digests(content: bytes) -> Digests:
    """Return the digests of an encoded image, for ``DigestIndex.add``.

    Worker processes may compute them. The second digest is the same for the same pixels in another
    file: PNG and BMP, or a JPEG with another comment. An image that cannot be decoded has only the
    first digest; the second one is all zeros.
    """
    of_bytes = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest()
    try:
        pixels = decode(content)
    except ImageError:
        return of_bytes, _UNREADABLE
    of_pixels = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=_DIGEST_BYTES)
    of_pixels.update(np.ascontiguousarray(pixels).data)
    return of_bytes, of_pixels.digest()


@dataclass(frozen=True)
class ImageCopies:
    """Images that show the same pixels."""

    places: tuple[tuple[str, str], ...]
    """Set and name of each image, in the order of ``add``."""
    same_bytes: bool
    """Whether the files are the same too."""


@dataclass(frozen=True)
class Duplicates:
    """Images that occur more than once."""

    within: dict[str, int]
    """Set -> number of images that repeat another image of the set."""
    between: dict[tuple[str, str], int]
    """Two sets, in the order in which they first occurred -> number of pictures in both."""
    copies: tuple[ImageCopies, ...]
    """The first thousand."""
    num_images: int

    def to_json(self) -> dict[str, Any]:
        return {
            "images": self.num_images, "within": self.within,
            "between": [{"sets": [*pair], "pictures": count} for pair, count in self.between.items()],
            "copies": [{"places": [[*place] for place in group.places], "same_bytes": group.same_bytes} for group in self.copies],
        }  # fmt: skip


class DigestIndex:
    """The digests of images, added in any order of their sets."""

    def __init__(self) -> None:
        self._sets: dict[str, int] = {}
        self._set_of = bytearray()
        self._digests = bytearray()
        self._names: list[str] = []

    def add(self, set_name: str, name: str, image_digests: Digests) -> None:
        """Add an image of a set, for example a split.

        There may be 65,536 sets.
        """
        number = self._sets.setdefault(set_name, len(self._sets))
        self._set_of += number.to_bytes(2, "little")
        of_bytes, of_pixels = image_digests
        # an image without pixels is compared by its bytes alone
        self._digests += of_bytes + (of_bytes if of_pixels == _UNREADABLE else of_pixels)
        self._names.append(name)

    def duplicates(self) -> Duplicates:
        """Return the images that were added more than once so far."""
        count = len(self._names)
        pairs = np.frombuffer(bytes(self._digests), np.dtype((np.void, _DIGEST_BYTES))).reshape(count, 2)
        set_of = np.frombuffer(bytes(self._set_of), "<u2")
        # sort the images by their pixels: equal ones then stand side by side
        _, picture = np.unique(pairs[:, 1], return_inverse=True)
        order = np.argsort(picture, kind="stable")
        starts = np.flatnonzero(np.diff(picture[order], prepend=-1))
        sizes = np.diff(starts, append=count)
        groups = [order[start : start + size] for start, size in zip(starts.tolist(), sizes.tolist(), strict=True) if size > 1]
        groups.sort(key=lambda group: int(group[0]))
        names = [*self._sets]
        within: Counter[str] = Counter()
        between: Counter[tuple[str, str]] = Counter()
        for group in groups:
            in_sets = Counter(names[number] for number in sorted(set_of[group].tolist()))
            within.update({name: times - 1 for name, times in in_sets.items() if times > 1})
            between.update(itertools.combinations(in_sets, 2))
        copies = tuple(
            ImageCopies(tuple((names[set_of[image]], self._names[image]) for image in group), len(set(pairs[group, 0].tolist())) == 1)
            for group in groups[:_MAX_COPIES]
        )
        return Duplicates(dict(within), dict(between), copies, count)


@dataclass(frozen=True)
class SharedLabels:
    """Labels that two sets have in common."""

    sets: tuple[str, str]
    labels: int
    """Number of different labels in both sets."""
    instances: tuple[int, int]
    """Number of words of the first and of the second set that have these labels."""
    of_instances: tuple[int, int]
    """Number of all words of the first and of the second set."""
    examples: tuple[str, ...]
    """The ten most frequent labels in the second set."""

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def shared_labels(sets: Mapping[str, Counter[str]]) -> list[SharedLabels]:
    """Compare every two sets of labels, each counted by ``count_labels``."""
    comparisons = []
    for one, other in itertools.combinations(sets, 2):
        first, second = sets[one], sets[other]
        shared = sorted(first.keys() & second.keys(), key=lambda label: (-second[label], label))
        instances = (sum(first[label] for label in shared), sum(second[label] for label in shared))
        totals = (first.total(), second.total())
        comparisons.append(SharedLabels((one, other), len(shared), instances, totals, tuple(shared[:_NUM_EXAMPLES])))
    return comparisons


def count_labels(texts: Iterable[str]) -> Counter[str]:
    """Count transcriptions by their normalised label, without ``###`` and empty ones.

    Memory holds each different label once.
    """
    counts = Counter(map(normalise, texts))
    for empty in ("", "###"):
        del counts[empty]
    return counts


def compare(paths: Sequence[Path], problems: Problems, progress: ReportProgress) -> tuple[Duplicates, list[SharedLabels]]:
    """Compare the images and the labels of data sets and scene stores.

    Each path is a set. Raises ConfigError for a path that is neither a data set nor a store.
    """
    index, done = DigestIndex(), 0
    labels = {str(path): Counter[str]() for path in paths}
    for path in paths:
        for scene, image in scenes_with_images([path], problems):
            index.add(str(path), scene.name, digests(image))
            labels[str(path)].update(count_labels(instance.text for instance in scene.instances if not instance.dont_care))
            done += 1
            progress(done, 0)
    progress(done, done)
    return index.duplicates(), shared_labels(labels)
