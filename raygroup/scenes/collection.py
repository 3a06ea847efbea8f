"""The files of one data set, across all its folders and archives.

Label files are found by a pattern of their names, images by their stems.
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.members import Member, printable_name
from raygroup.scenes.archives.sources import Source, open_source
from raygroup.scenes.scene import Problems, Scene

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"})


class Collection:
    """The folders and archives of one data set.

    Labels and images may be in different ones. Raises ConfigError for a path that is no folder,
    archive or label file.
    """

    def __init__(self, paths: Sequence[Path], problems: Problems | None = None) -> None:
        self.paths = tuple(paths)
        self.problems = Problems() if problems is None else problems
        self.sources: tuple[Source, ...] = tuple(open_source(path) for path in paths)
        listings = [source.list(number, self.problems.add) for number, source in enumerate(self.sources)]
        self.members: tuple[Member, ...] = tuple(member for members in listings for member in members)
        self._images: defaultdict[str, list[Member]] = defaultdict(list)
        for member in self.members:
            if member.suffix in IMAGE_SUFFIXES:
                self._images[member.stem.casefold()].append(member)
        self._excluded: set[Member] = set()

    def label_files(self, pattern: re.Pattern[str]) -> Iterator[tuple[Member, re.Match[str]]]:
        """Yield the files whose whole base name matches the pattern."""
        for member in self.members:
            if match := pattern.fullmatch(member.base):
                yield member, match

    def find(self, base: str) -> Member | None:
        """Return the first file with this base name, ignoring case."""
        return next((member for member in self.members if member.base.casefold() == base.casefold()), None)

    def images(self) -> Iterator[Member]:
        """Yield the images that were not set aside, in source order."""
        return (member for member in self.members if member.suffix in IMAGE_SUFFIXES and member not in self._excluded)

    def set_aside(self, image: Member | None) -> None:
        """Exclude an image, so that nobody misses its labels.

        Formats use it for images that a rule of the data set omits.
        """
        if image is not None:
            self._excluded.add(image)

    def has_image(self, stems: Iterable[str]) -> bool:
        return any(stem.casefold() in self._images for stem in stems)

    def image_of(self, stems: Iterable[str], place: str, near: Member | None = None) -> Member | None:
        """Return the image of the first of these stems that has one.

        If several images have the stem, take the one nearest to the label file ``near``: training
        and test parts often use the same numbers. If there is no single nearest image, take the
        first and report a problem of ``place``.
        """
        for stem in stems:
            if images := self._images.get(stem.casefold()):
                return images[0] if len(images) == 1 else self._nearest(images, place, near)
        return None

    def _nearest(self, images: Sequence[Member], place: str, near: Member | None) -> Member:
        if near is not None:
            num_shared = [_num_shared_folders(image, near) for image in images]
            if num_shared.count(max(num_shared)) == 1:
                return images[num_shared.index(max(num_shared))]
        names = ", ".join(self.place(member) for member in images[:5])
        self.problems.add("two images", place, f"{len(images)} images match this label: {names}; the first is taken")
        return images[0]

    def place(self, member: Member) -> str:
        """Return the name of a file for messages.

        It includes the archive, but not the folder that the user passed.
        """
        path = self.sources[member.source].path
        name = printable_name(member.name)
        return name if path.is_dir() or path.name == member.name else f"{path.name}/{name}"

    def read(self, member: Member) -> bytes:
        """Return the content of a file, or raise UnreadableFileError."""
        return self.sources[member.source].read(member.name)

    def stream(self, members: Iterable[Member]) -> Iterator[tuple[Member, bytes | UnreadableFileError]]:
        """Yield the contents of files, one source after the other.

        Within a source they come in the order that is fastest to read. Only one content is in
        memory at a time.
        """
        by_source: defaultdict[int, dict[str, Member]] = defaultdict(dict)
        for member in members:
            by_source[member.source][member.name] = member
        for number, by_name in sorted(by_source.items()):
            for name, content in self.sources[number].stream(by_name.keys()):
                yield by_name[name], content


def unique_scenes(scenes: Iterator[Scene], collection: Collection) -> Iterator[Scene]:
    """Yield the scenes that have an image, and each name only once.

    Other scenes become problems of the collection. At the end images without labels do too.
    """
    names: set[str] = set()
    labelled = set()
    for scene in scenes:
        if scene.image is None:
            collection.problems.add("image missing", scene.labels, f"no image {scene.name!r} here")
        elif scene.name in names:
            collection.problems.add("two labels", scene.labels, f"the image {scene.name!r} has labels already; the first labels are taken")
        else:
            names.add(scene.name)
            labelled.add(scene.image)
            yield scene
    for image in collection.images():
        if image not in labelled:
            collection.problems.add("labels missing", collection.place(image), "no labels for this image; it is left out")


def _num_shared_folders(one: Member, other: Member) -> int:
    """Count the folders from the top that two files share.

    The source counts as the first.
    """
    if one.source != other.source:
        return 0
    folders = zip(one.name.split("/")[:-1], other.name.split("/")[:-1], strict=False)
    return 1 + sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], folders))
