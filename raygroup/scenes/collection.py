"""The files of one data set, across all its folders and archives.

Label files are found by a pattern of their names, images by their stems.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.members import Member, fold_name, printable_name
from raygroup.scenes.archives.sources import ImageFiles, Source, open_source
from raygroup.scenes.image_choice import Candidate, Choice, choose_image
from raygroup.scenes.scene import Problems

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff"})
UNREAD_SUFFIXES = frozenset({
    ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".ppm", ".pgm", ".svg", ".pdf", ".eps", ".psd", ".tga", ".ico", ".raw", ".dng",
    ".cr2", ".cr3", ".nef", ".arw",
})  # fmt: skip
"""Suffixes of images that are not read."""
_MAX_NAMED = 3


class Collection:
    """The folders and archives of one data set.

    Labels and images may be in different ones. ``images`` are image files that take the place of
    those in the folders and archives. Raises ConfigError for a path that is no folder, archive or
    label file.
    """

    def __init__(self, paths: Sequence[Path], problems: Problems | None = None, images: Sequence[Path] | None = None) -> None:
        self.paths = tuple(paths)
        self.problems = Problems() if problems is None else problems
        self._image_files = None if images is None else ImageFiles(images)
        files = [] if self._image_files is None else [self._image_files]
        self.sources: tuple[Source, ...] = (*(open_source(path) for path in paths), *files)
        listings = [source.list(number, self.problems.add) for number, source in enumerate(self.sources)]
        self.members: tuple[Member, ...] = tuple(member for members in listings for member in members)
        self._images: defaultdict[str, list[Member]] = defaultdict(list)
        self._unread: dict[str, Member] = {}
        for member in self.members:
            if self._is_image(member):
                self._images[fold_name(member.stem)].append(member)
            elif member.suffix in UNREAD_SUFFIXES:
                self._unread.setdefault(fold_name(member.stem), member)
        self._excluded: set[Member] = set()
        self._roots = _relative_roots(self.sources)
        self.num_undecided = 0
        """Label files that several images match, where nothing says which one is theirs."""
        self.explained: set[str] = set()
        """Places of labels without an image for which a problem gives the reason."""

    def label_files(self, pattern: re.Pattern[str]) -> Iterator[tuple[Member, re.Match[str]]]:
        """Yield the files whose whole base name matches the pattern."""
        for member in self.members:
            if match := pattern.fullmatch(member.base):
                yield member, match

    def find(self, base: str) -> Member | None:
        """Return the first file with this base name, ignoring case."""
        return next((member for member in self.members if fold_name(member.base) == fold_name(base)), None)

    def images(self) -> Iterator[Member]:
        """Yield the images that were not set aside, in source order."""
        return (member for member in self.members if self._is_image(member) and member not in self._excluded)

    def set_aside(self, member: Member | None) -> None:
        """Exclude an image or a label file, so that nobody misses its counterpart.

        Formats use it for files that a rule of the data set omits.
        """
        if member is not None:
            self._excluded.add(member)

    def image_file(self, member: Member) -> Path:
        """Return the path of one of the ``images``, as the caller spells it."""
        assert self._image_files is not None
        return self._image_files.file_of[member.name]

    def is_set_aside(self, member: Member) -> bool:
        return member in self._excluded

    def has_image(self, stems: Iterable[str]) -> bool:
        return any(fold_name(stem) in self._images for stem in stems)

    def image_of(self, stems: Sequence[str], place: str, near: Member | None = None, path: str = "") -> Member | None:
        """Return the image that belongs to a label file.

        Its stem is one of ``stems``, likeliest first. Among several images, the one counts whose
        path ends in ``path``, or that belongs to the same part (training, validation, test) as the
        label file ``near``, or that is nearest to it. If nothing decides, or if the only image
        belongs to another part, the result is None and a problem of ``place`` gives the reason.
        """
        ranks = [self._named(stem) for stem in stems]
        if path and (exact := [image for rank in ranks for image in rank if f"/{image.name}".endswith(f"/{path}")]):
            ranks = [exact]
        candidates = [[Candidate(image, self._path(image)) for image in rank] for rank in ranks]
        choice = choose_image(candidates, near, self._path(near) if near else "", stems)
        if choice.image is None:
            self._explain(choice, stems, place)
        return choice.image

    def _named(self, stem: str) -> list[Member]:
        """Return the images with a stem. Those that spell it alike to the byte come alone."""
        images = self._images.get(fold_name(stem), [])
        return [image for image in images if image.stem.casefold() == stem.casefold()] or images

    def _explain(self, choice: Choice, stems: Sequence[str], place: str) -> None:
        """Report why a label file has no image, if there is more to say than that there is none."""
        if choice.undecided:
            self.num_undecided += 1
            images, names = choice.undecided, ", ".join(self.place(member) for member in choice.undecided[:_MAX_NAMED])
            what = f"{len(images)} images match this label: {names}: it gives no words, pass it with its own images alone"
            self._add_explained("two images", place, what)
        elif choice.other_part:
            what = f"{self.place(choice.other_part)} matches by its name, but the paths name different parts (train, val, test)"
            self._add_explained("image of another part", place, what)
        elif unread := next((self._unread[fold_name(stem)] for stem in stems if fold_name(stem) in self._unread), None):
            kinds = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
            what = f"{self.place(unread)} is of a kind that is not read (read are {kinds}): convert it"
            self._add_explained("image of a kind not read", place, what)

    def _add_explained(self, kind: str, place: str, what: str) -> None:
        self.problems.add(kind, place, what)
        self.explained.add(place)

    def _is_image(self, member: Member) -> bool:
        return member.suffix in IMAGE_SUFFIXES if self._image_files is None else member.source == len(self.paths)

    def _path(self, member: Member) -> str:
        """Return a file's path below the folder that holds all sources."""
        root = self._roots[member.source]
        return f"{root}/{member.name}" if root else member.name

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


def _relative_roots(sources: Sequence[Source]) -> list[str]:
    """Return the path of each source below the folder that holds all of them."""
    folders = [os.path.abspath(source.root) for source in sources]
    common = os.path.commonpath(folders) if folders else ""
    return [os.path.relpath(folder, common).removeprefix(".") for folder in folders]
