"""Choose the image that belongs to a label file.

Training and test parts of a data set often number their images alike. The words in the paths tell
the parts apart: ``train``, ``val`` and ``test``. Where they do not, the nearer folder wins.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from raygroup.scenes.archives.members import Member
from raygroup.words.part_names import parts_of


@dataclass(frozen=True)
class Candidate:
    """An image that may belong to a label file."""

    image: Member
    path: str
    """Path of the image below the folder that holds all sources."""


@dataclass(frozen=True)
class Choice:
    """The image of a label file, or the images among which nothing decides."""

    image: Member | None = None
    undecided: tuple[Member, ...] = ()
    other_part: Member | None = None
    """An image that matches by its name, but whose path names another part than the labels' path."""


def choose_image(ranks: Sequence[Sequence[Candidate]], near: Member | None, near_path: str, stems: Sequence[str]) -> Choice:
    """Return the image that belongs to the label file ``near``.

    ``ranks`` are the images of each possible stem, likeliest first. ``near_path`` is the path of
    the label file like those of the images.
    """
    label_parts = parts_of(near_path, with_base=not any(stem.casefold() in near_path.rsplit("/", 1)[-1].casefold() for stem in stems))
    of_part = [*filter(None, (_of_part(rank, label_parts) for rank in ranks))]
    if not of_part:
        first = next((rank[0].image for rank in ranks if rank), None)
        return Choice(other_part=first)
    everything = [candidate for rank in of_part for candidate in rank]
    is_open = not label_parts and len({parts_of(candidate.path) for candidate in everything}) > 1
    images = [candidate.image for candidate in (everything if is_open else of_part[0])]
    return _nearest(images, near)


def _of_part(rank: Sequence[Candidate], label_parts: frozenset[str]) -> list[Candidate]:
    """Return the images of the labels' part, else those whose path names no part."""
    if not label_parts:
        return [*rank]
    parts = [parts_of(candidate.path) for candidate in rank]
    same = [candidate for candidate, own in zip(rank, parts, strict=True) if own & label_parts]
    return same or [candidate for candidate, own in zip(rank, parts, strict=True) if not own]


def _nearest(images: Sequence[Member], near: Member | None) -> Choice:
    if len(images) == 1:
        return Choice(images[0])
    if near is not None:
        num_shared = [_num_shared_folders(image, near) for image in images]
        if num_shared.count(max(num_shared)) == 1:
            return Choice(images[num_shared.index(max(num_shared))])
    return Choice(undecided=tuple(images))


def _num_shared_folders(one: Member, other: Member) -> int:
    """Count the folders from the top that two files share.

    The source counts as the first.
    """
    if one.source != other.source:
        return 0
    folders = zip(one.name.split("/")[:-1], other.name.split("/")[:-1], strict=False)
    return 1 + sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], folders))
