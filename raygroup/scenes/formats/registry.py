"""List the formats and detect a data set's format."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from raygroup.errors import ConfigError
from raygroup.scenes.archives.members import SMALL_SUFFIXES, Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.art19 import ART19
from raygroup.scenes.formats.icdar13 import ICDAR13
from raygroup.scenes.formats.icdar15 import ICDAR15, ICDAR15_OF_ANY_NAME
from raygroup.scenes.formats.line_format import LineFormat
from raygroup.scenes.formats.lsvt19 import LSVT19
from raygroup.scenes.formats.mlt import MLT17, MLT19, MLT19_OF_ANY_NAME, MLT_POLYGONS
from raygroup.scenes.formats.paddleocr import PADDLEOCR
from raygroup.scenes.formats.rctw17 import RCTW17
from raygroup.scenes.formats.synthtextmlt import SYNTHTEXTMLT, SYNTHTEXTMLT_E2E, SYNTHTEXTMLT_GT
from raygroup.scenes.formats.totaltext import TOTALTEXT, TOTALTEXT_LINES
from raygroup.scenes.formats.unfit import Candidate, unfit_message
from raygroup.scenes.formats.word_lists import ICDAR13_WORDS, MLT19_WORDS
from raygroup.scenes.scene import Scene

_NUM_SAMPLES = 9
"""Label files that are sampled to detect a format."""
_NUM_SAMPLES_EXACT = 200
"""Label files that are sampled if the format has a looser sibling."""
_MIN_LABEL_SIZE = 4
"""Bytes of the smallest file with a label. A byte-order mark has three. Files of images without text are smaller, and fit any format."""


_ANY_FILE = Member(0, "any name.txt", 1)


class Format(Protocol):
    """A reader for the label files of one data set."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str:
        """``word`` or ``phrase``."""

    @property
    def example(self) -> str:
        """Return a correct line."""

    @property
    def is_exact(self) -> bool:
        """Return whether detection requires that every file fits."""

    @property
    def is_one_file(self) -> bool:
        """Return whether one label file covers all images."""

    def covers(self, member: Member) -> bool:
        """Return whether a file is named like a label file of this format."""

    def label_files(self, collection: Collection) -> Sequence[Member]:
        """Return the files whose names fit this format."""

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Return why a file is not of this format, or "".

        The reason gives the place, the expected and the actual text. It depends on the beginning of
        the file. ``is_forced`` means that the user named this format: then only text that cannot be
        parsed is a reason."""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        """Yield every labelled image as a scene.

        Problems are added to those of the collection.
        """


_ALL: tuple[Format, ...] = (
    ICDAR13_WORDS, MLT19_WORDS, PADDLEOCR, ART19, LSVT19, TOTALTEXT, ICDAR13, MLT19, MLT17, RCTW17, SYNTHTEXTMLT, SYNTHTEXTMLT_E2E, ICDAR15,
    SYNTHTEXTMLT_GT, MLT19_OF_ANY_NAME, MLT_POLYGONS, ICDAR15_OF_ANY_NAME, TOTALTEXT_LINES,
)  # fmt: skip
"""Formats, stricter ones first: if several fit, the first is taken.

Two formats may share a name. They differ in the names of their label files."""

FORMATS: dict[str, Format] = {known.name: known for known in reversed(_ALL)}
"""Formats by name. If two share a name, this is the stricter one."""


def format_of(collection: Collection, name: str | None = None) -> Format:
    """Return the format called ``name``, or detect the format.

    Detection takes the first format that fits at least half of the sampled label files. A later
    format wins only if it has more than twice as many files. Raises ConfigError with the expected
    and the actual text of a line.
    """
    if name is not None and name not in FORMATS:
        raise ConfigError(f"--format {name}: no such format: choose one of {', '.join(FORMATS)}")
    candidates: dict[str, Candidate] = {}
    best, count = None, 0
    for known in _ALL:
        if name in (None, known.name) and len(files := known.label_files(collection)) > 2 * count:
            reason = _mismatch(known, collection, files, name is not None)
            if not reason and known.is_one_file:
                return known
            if not reason:
                best, count = known, len(files)
            candidates.setdefault(known.name, Candidate(known.example, files[0], reason, known.covers(_ANY_FILE)))
    if best:
        return best
    paths = ", ".join(map(str, collection.paths))
    if candidates:
        if name is None:
            raise ConfigError(unfit_message(collection, candidates))
        raise ConfigError(f"{paths}: not of this format: {name}: {candidates[name].reason}")
    examples = ", ".join(member.name for member in collection.members[:3]) or "no files"
    count = len(collection.members)
    raise ConfigError(f"{paths}: no label files of {name or 'any known format'} among {count} files ({examples}, ...)")


def foreign_label_files(collection: Collection, label_format: Format) -> Iterator[tuple[str, list[Member]]]:
    """Yield the label files that ``label_format`` passes over, by the title of the format that they look like."""
    rest = [
        member
        for member in collection.members
        if member.suffix in SMALL_SUFFIXES and member.size and not label_format.covers(member) and not collection.is_set_aside(member)
    ]
    for known in _ALL:
        files = [member for member in rest if known.covers(member)]
        if files and not _mismatch(known, collection, files, False):
            yield known.title, files
            rest = [member for member in rest if not known.covers(member)]


def _mismatch(known: Format, collection: Collection, files: Sequence[Member], is_forced: bool) -> str:
    """Return why sampled files are not of a format, or "".

    No line may rule the format out, and at least half of the samples must fit. If the format is exact and the user did not name it, all
    must.
    """
    files = [member for member in files if member.size >= _MIN_LABEL_SIZE] or files
    if isinstance(known, LineFormat) and not is_forced:
        for member in _sample(files, _NUM_SAMPLES_EXACT):
            if known.is_ruled_out(collection, member):
                return f"{collection.place(member)}: has lines that are not of {known.title}; a line looks like this: {known.example}"
    must_all = known.is_exact and not is_forced
    samples = _sample(files, _NUM_SAMPLES_EXACT if must_all else _NUM_SAMPLES)
    reasons = [reason for member in samples if (reason := known.mismatch(collection, member, is_forced))]
    return reasons[0] if reasons and (must_all or 2 * len(reasons) > len(samples)) else ""


def _sample(files: Sequence[Member], count: int) -> list[Member]:
    step = max(len(files) // count, 1)
    return [*files[::step][:count]]
