"""The files of a data set, wherever they lie: label files by the pattern of their names, images by their stems."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from raygroup.scenes.scene import Problems
from raygroup.scenes.sources import Member, Source, UnreadableError, source_of

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

    def labels(self, pattern: re.Pattern[str]) -> Iterator[tuple[Member, re.Match[str]]]:
        """The files whose base name is the pattern's."""
        for member in self.members:
            if match := pattern.fullmatch(member.base):
                yield member, match

    def named(self, base: str) -> Member | None:
        """The first file of this base name, whatever its case."""
        return next((member for member in self.members if member.base.casefold() == base.casefold()), None)

    def images(self) -> Iterator[Member]:
        """Every image, in the order of the sources."""
        return (member for member in self.members if member.suffix in IMAGE_SUFFIXES)

    def image_of(self, stems: Iterable[str], place: str) -> Member | None:
        """The image of one of these stems, the first that there is; of several the first, which is told as a problem of ``place``."""
        for stem in stems:
            if found := self._images.get(stem.casefold()):
                if len(found) > 1:
                    names = ", ".join(self.place(member) for member in found)
                    self.problems.add("two images", place, f"{len(found)} images are its own: {names}; the first is taken")
                return found[0]
        return None

    def place(self, member: Member) -> str:
        """How messages name a file: with its archive, but without the folder that was given."""
        path = self.sources[member.source].path
        return member.name if path.is_dir() or path.name == member.name else f"{path.name}/{member.name}"

    def read(self, member: Member) -> bytes:
        """Raises UnreadableError."""
        return self.sources[member.source].read(member.name)

    def stream(self, members: Iterable[Member]) -> Iterator[tuple[Member, bytes | UnreadableError]]:
        """The contents, source by source, in the order in which they are read fastest: one at a time in memory."""
        wanted: defaultdict[int, dict[str, Member]] = defaultdict(dict)
        for member in members:
            wanted[member.source][member.name] = member
        for number, named in sorted(wanted.items()):
            for name, content in self.sources[number].stream(named.keys()):
                yield named[name], content
