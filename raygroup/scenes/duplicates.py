"""Exact copies: images and words that stand in several splits or data sets, where a score would be of what was trained on.

Of an image only 32 bytes and its name are kept, so that 300,000 images take less than 100 MB whatever their size.
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
from raygroup.scenes.exporting import Progress, scenes_at
from raygroup.scenes.images import decode
from raygroup.scenes.scene import Problems
from raygroup.words.labels import normalise

_BYTES = 16
"""Of a digest: among 300,000 images two different ones meet with a chance of 1 in 10^28."""
_UNREADABLE = bytes(_BYTES)
_KEPT = 1000
_EXAMPLES = 10

Digests = tuple[bytes, bytes]
"""Of an image's bytes and of its decoded pixels."""


def digests(content: bytes) -> Digests:
    """Of an encoded image, for ``Pictures.add``; a process of its own may take them. The same picture in another file has the same second
    digest: PNG and BMP, or JPEG with another comment. An image that cannot be decoded has only a first one."""
    own = hashlib.blake2b(content, digest_size=_BYTES).digest()
    try:
        pixels = decode(content)
    except ImageError:
        return own, _UNREADABLE
    drawn = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=_BYTES)
    drawn.update(np.ascontiguousarray(pixels).data)
    return own, drawn.digest()


@dataclass(frozen=True)
class Copies:
    """Images that show the same pixels."""

    places: tuple[tuple[str, str], ...]
    """Set and name of each, in the order in which they were added."""
    same_bytes: bool
    """Whether the files are the same too."""


@dataclass(frozen=True)
class Duplicates:
    """What is there more than once."""

    within: dict[str, int]
    """Set -> images that repeat another of the set."""
    between: dict[tuple[str, str], int]
    """Two sets, in the order in which they were first seen -> pictures that are in both."""
    copies: tuple[Copies, ...]
    """The first thousand."""
    num_images: int

    def to_json(self) -> dict[str, Any]:
        return {
            "images": self.num_images, "within": self.within,
            "between": [{"sets": [*pair], "pictures": count} for pair, count in self.between.items()],
            "copies": [{"places": [[*place] for place in found.places], "same_bytes": found.same_bytes} for found in self.copies],
        }  # fmt: skip


class Pictures:
    """Gathers digests of images, set by set or mixed."""

    def __init__(self) -> None:
        self._sets: dict[str, int] = {}
        self._set_of = bytearray()
        self._digests = bytearray()
        self._names: list[str] = []

    def add(self, of_set: str, name: str, found: Digests) -> None:
        """An image of a set, such as a split or a data set; at most 65,536 sets."""
        number = self._sets.setdefault(of_set, len(self._sets))
        self._set_of += number.to_bytes(2, "little")
        self._digests += found[0] + (found[0] if found[1] == _UNREADABLE else found[1])
        self._names.append(name)

    def duplicates(self) -> Duplicates:
        """What was added more than once so far."""
        count = len(self._names)
        both = np.frombuffer(bytes(self._digests), np.dtype((np.void, _BYTES))).reshape(count, 2)
        set_of = np.frombuffer(bytes(self._set_of), "<u2")
        _, picture = np.unique(both[:, 1], return_inverse=True)
        order = np.argsort(picture, kind="stable")
        starts = np.flatnonzero(np.diff(picture[order], prepend=-1))
        sizes = np.diff(starts, append=count)
        groups = [order[start : start + size] for start, size in zip(starts.tolist(), sizes.tolist(), strict=True) if size > 1]
        groups.sort(key=lambda group: int(group[0]))
        names = [*self._sets]
        within: Counter[str] = Counter()
        between: Counter[tuple[str, str]] = Counter()
        for group in groups:
            held = Counter(names[number] for number in sorted(set_of[group].tolist()))
            within.update({name: times - 1 for name, times in held.items() if times > 1})
            between.update(itertools.combinations(held, 2))
        copies = tuple(
            Copies(tuple((names[set_of[image]], self._names[image]) for image in group), len(set(both[group, 0].tolist())) == 1)
            for group in groups[:_KEPT]
        )
        return Duplicates(dict(within), dict(between), copies, count)


@dataclass(frozen=True)
class SharedLabels:
    """Labels that two sets have in common."""

    sets: tuple[str, str]
    labels: int
    """Different ones."""
    instances: tuple[int, int]
    """How many words of the first and of the second set have them."""
    of_instances: tuple[int, int]
    """How many words the two sets have."""
    examples: tuple[str, ...]
    """The ten most frequent in the second set."""

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def shared_labels(sets: Mapping[str, Counter[str]]) -> list[SharedLabels]:
    """Of every two sets of labels as ``count_labels`` counts them."""
    found = []
    for one, other in itertools.combinations(sets, 2):
        first, second = sets[one], sets[other]
        shared = sorted(first.keys() & second.keys(), key=lambda label: (-second[label], label))
        instances = (sum(first[label] for label in shared), sum(second[label] for label in shared))
        found.append(SharedLabels((one, other), len(shared), instances, (first.total(), second.total()), tuple(shared[:_EXAMPLES])))
    return found


def count_labels(texts: Iterable[str]) -> Counter[str]:
    """Transcriptions as normalised labels; ``###`` and empty ones do not count. Each different label is held once."""
    counted = Counter(map(normalise, texts))
    for empty in ("", "###"):
        del counted[empty]
    return counted


def compared(paths: Sequence[Path], problems: Problems, progress: Progress) -> tuple[Duplicates, list[SharedLabels]]:
    """What data sets and scene stores, each path a set of its own, have in common. Raises ConfigError for a path that is neither."""
    pictures, labels, done = Pictures(), {str(path): Counter[str]() for path in paths}, 0
    for path in paths:
        for scene, image in scenes_at([path], problems):
            pictures.add(str(path), scene.name, digests(image))
            labels[str(path)].update(count_labels(instance.text for instance in scene.instances if not instance.dont_care))
            done += 1
            progress(done, 0)
    progress(done, done)
    return pictures.duplicates(), shared_labels(labels)
