"""The formats there are, and which of them a data set is in."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from raygroup.config import ConfigError
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.mlt import MLT19
from raygroup.scenes.scene import Scene
from raygroup.scenes.sources import Member

_SAMPLES = 5
"""Label files that are looked into before a format is believed."""


class Format(Protocol):
    """How one data set is written down."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str:
        """``word`` or ``phrase``."""

    def label_files(self, collection: Collection) -> Sequence[Member]:
        """The files that are its own by their names."""

    def fits(self, collection: Collection, member: Member) -> str:
        """Empty where a label file begins as this format's do, else what was expected and seen, and where."""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        """Every image that labels speak of; problems go to the collection's."""


_ALL: tuple[Format, ...] = (MLT19,)
"""The stricter first: of several that fit the first is taken."""

FORMATS: dict[str, Format] = {known.name: known for known in _ALL}


def format_of(collection: Collection, name: str | None = None) -> Format:
    """The format asked for, or the one that every sampled label file fits. Raises ConfigError saying what was expected and seen."""
    if name is not None and name not in FORMATS:
        raise ConfigError(f"--format {name}: no such format; there are: {', '.join(FORMATS)}")
    misfits = []
    for known in [FORMATS[name]] if name else _ALL:
        files = known.label_files(collection)
        said = next(filter(None, (known.fits(collection, member) for member in _sampled(files))), "")
        if files and not said:
            return known
        if files:
            misfits.append(f"{known.name}: {said}")
    where = ", ".join(map(str, collection.paths))
    if misfits:
        raise ConfigError(f"{where}: not {'of this format' if name else 'any known format'}: {'; '.join(misfits)}")
    seen = ", ".join(member.name for member in collection.members[:3]) or "no files"
    raise ConfigError(f"{where}: no label files of {name or 'any known format'} among {len(collection.members)} files ({seen}, ...)")


def _sampled(files: Sequence[Member]) -> list[Member]:
    step = max(len(files) // _SAMPLES, 1)
    return [*files[::step][:_SAMPLES]]
