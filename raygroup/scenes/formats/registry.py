"""The formats there are, and which of them a data set is in."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from raygroup.errors import ConfigError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.art19 import ART19
from raygroup.scenes.formats.icdar13 import ICDAR13
from raygroup.scenes.formats.icdar15 import ICDAR15, ICDAR15_OF_ANY_NAME
from raygroup.scenes.formats.lsvt19 import LSVT19
from raygroup.scenes.formats.mlt import MLT17, MLT19, MLT19_OF_ANY_NAME, MLT_POLYGONS
from raygroup.scenes.formats.rctw17 import RCTW17
from raygroup.scenes.formats.synthtextmlt import SYNTHTEXTMLT, SYNTHTEXTMLT_E2E, SYNTHTEXTMLT_GT
from raygroup.scenes.formats.totaltext import TOTALTEXT, TOTALTEXT_LINES
from raygroup.scenes.formats.word_lists import ICDAR13_WORDS, MLT19_WORDS
from raygroup.scenes.scene import Scene

_SAMPLES = 9
"""Label files that are looked into before a format is believed,"""
_SAMPLES_EXACT = 200
"""and before one is that has a looser sibling."""


class Format(Protocol):
    """How one data set is written down."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str:
        """``word`` or ``phrase``."""

    @property
    def is_exact(self) -> bool:
        """Whether it is only believed where every label file is its own."""

    @property
    def is_one_file(self) -> bool:
        """Whether one label file speaks of all images."""

    def label_files(self, collection: Collection) -> Sequence[Member]:
        """The files that are its own by their names."""

    def fits(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Empty where a label file begins as this format's do, else what was expected and seen, and where.

        Where it is forced, a user asked for this format by name: only what cannot be read speaks against it."""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        """Every image that labels speak of; problems go to the collection's."""


_ALL: tuple[Format, ...] = (
    ICDAR13_WORDS, MLT19_WORDS, ART19, LSVT19, TOTALTEXT, ICDAR13, MLT19, MLT17, RCTW17, SYNTHTEXTMLT, SYNTHTEXTMLT_E2E, ICDAR15,
    SYNTHTEXTMLT_GT, MLT19_OF_ANY_NAME, MLT_POLYGONS, ICDAR15_OF_ANY_NAME, TOTALTEXT_LINES,
)  # fmt: skip
"""The stricter first: of several that fit the first is taken. Two of one name differ in the names of their label files."""

FORMATS: dict[str, Format] = {known.name: known for known in reversed(_ALL)}
"""By name, the stricter of two."""


def format_of(collection: Collection, name: str | None = None) -> Format:
    """The format asked for, or the first that most sampled label files fit, unless a later one has more than twice as many files.

    Raises ConfigError saying what was expected and seen.
    """
    if name is not None and name not in FORMATS:
        raise ConfigError(f"--format {name}: no such format; there are: {', '.join(FORMATS)}")
    misfits: dict[str, str] = {}
    best, count = None, 0
    for known in _ALL:
        if name in (None, known.name) and len(files := known.label_files(collection)) > 2 * count:
            said = _misfit(known, collection, files, name is not None)
            if not said and known.is_one_file:
                return known
            if not said:
                best, count = known, len(files)
            misfits.setdefault(known.name, said)
    if best:
        return best
    where = ", ".join(map(str, collection.paths))
    if misfits:
        listed = "; ".join(f"{known}: {said}" for known, said in misfits.items())
        raise ConfigError(f"{where}: not {'of this format' if name else 'any known format'}: {listed}")
    seen = ", ".join(member.name for member in collection.members[:3]) or "no files"
    raise ConfigError(f"{where}: no label files of {name or 'any known format'} among {len(collection.members)} files ({seen}, ...)")


def _misfit(known: Format, collection: Collection, files: Sequence[Member], is_forced: bool) -> str:
    """Empty where most of the sampled label files fit, all of them where the format is exact and was not asked for."""
    must_all = known.is_exact and not is_forced
    sampled = _sampled(files, _SAMPLES_EXACT if must_all else _SAMPLES)
    said = [misfit for member in sampled if (misfit := known.fits(collection, member, is_forced))]
    return said[0] if said and (must_all or 2 * len(said) > len(sampled)) else ""


def _sampled(files: Sequence[Member], count: int) -> list[Member]:
    step = max(len(files) // count, 1)
    return [*files[::step][:count]]
