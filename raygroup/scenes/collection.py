"""The files of a data set, wherever they lie: label files by the pattern of their names, images by their stems."""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.members import Member, shown
from raygroup.scenes.archives.sources import Source, source_of
from raygroup.scenes.scene import Problems, Scene

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"})


class Collection:
    """Folders and archives that belong together; labels and images may lie apart.

    Raises ConfigError for a path that is neither.
    """

    def __init__(self, paths: Sequence[Path], problems: Problems | None = None) -> None:
        self.paths = tuple(paths)
        self.problems = Problems() if problems is None else problems
        self.sources: tuple[Source, ...] = tuple(source_of(path) for path in paths)
        listed = [source.list(number, self.problems.add) for number, source in enumerate(self.sources)]
        self.members: tuple[Member, ...] = tuple(member for members in listed for member in members)
        self._images: defaultdict[str, list[Member]] = defaultdict(list)
        for member in self.members:
            if member.suffix in IMAGE_SUFFIXES:
                self._images[member.stem.casefold()].append(member)
        self._set_aside: set[Member] = set()

    def labels(self, pattern: re.Pattern[str]) -> Iterator[tuple[Member, re.Match[str]]]:
        """The files whose base name is the pattern's."""
        for member in self.members:
            if match := pattern.fullmatch(member.base):
                yield member, match

    def named(self, base: str) -> Member | None:
        """The first file of this base name, whatever its case."""
        return next((member for member in self.members if member.base.casefold() == base.casefold()), None)

    def images(self) -> Iterator[Member]:
        """Every image that no format has set aside, in the order of the sources."""
        return (member for member in self.members if member.suffix in IMAGE_SUFFIXES and member not in self._set_aside)

    def set_aside(self, image: Member | None) -> None:
        """An image that a data set's rule leaves out: nothing is missing where no scene has it."""
        if image is not None:
            self._set_aside.add(image)

    def has_image(self, stems: Iterable[str]) -> bool:
        return any(stem.casefold() in self._images for stem in stems)

    def image_of(self, stems: Iterable[str], place: str, near: Member | None = None) -> Member | None:
        """The image of one of these stems, the first that there is.

        Of several it is the one that lies nearest to the label file ``near``, as where a training and a test part number alike; where that
        does not tell it is the first, which is told as a problem of ``place``.
        """
        for stem in stems:
            if found := self._images.get(stem.casefold()):
                return found[0] if len(found) == 1 else self._nearest(found, place, near)
        return None

    def _nearest(self, found: Sequence[Member], place: str, near: Member | None) -> Member:
        if near is not None:
            shared = [_shared_folders(image, near) for image in found]
            if shared.count(max(shared)) == 1:
                return found[shared.index(max(shared))]
        names = ", ".join(self.place(member) for member in found[:5])
        self.problems.add("two images", place, f"{len(found)} images are its own: {names}; the first is taken")
        return found[0]

    def place(self, member: Member) -> str:
        """How messages name a file: with its archive, but without the folder that was given."""
        path = self.sources[member.source].path
        name = shown(member.name)
        return name if path.is_dir() or path.name == member.name else f"{path.name}/{name}"

    def read(self, member: Member) -> bytes:
        """Raises UnreadableFileError."""
        return self.sources[member.source].read(member.name)

    def stream(self, members: Iterable[Member]) -> Iterator[tuple[Member, bytes | UnreadableFileError]]:
        """The contents, source by source, in the order in which they are read fastest: one at a time in memory."""
        wanted: defaultdict[int, dict[str, Member]] = defaultdict(dict)
        for member in members:
            wanted[member.source][member.name] = member
        for number, named in sorted(wanted.items()):
            for name, content in self.sources[number].stream(named.keys()):
                yield named[name], content


def each_once(scenes: Iterator[Scene], collection: Collection) -> Iterator[Scene]:
    """The scenes that have an image, each name once; at the end images that no label speaks of are told of too."""
    names: set[str] = set()
    used = set()
    for scene in scenes:
        if scene.image is None:
            collection.problems.add("image missing", scene.labels, f"no image {scene.name!r} here")
        elif scene.name in names:
            collection.problems.add("two labels", scene.labels, f"the image {scene.name!r} was labelled before; the first labels are taken")
        else:
            names.add(scene.name)
            used.add(scene.image)
            yield scene
    for image in collection.images():
        if image not in used:
            collection.problems.add("labels missing", collection.place(image), "no labels speak of this image; it is left out")


def _shared_folders(one: Member, other: Member) -> int:
    """How many folders from the top on two files have in common, the source being the first; none of them where the sources differ."""
    if one.source != other.source:
        return 0
    folders = zip(one.name.split("/")[:-1], other.name.split("/")[:-1], strict=False)
    return 1 + sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], folders))
