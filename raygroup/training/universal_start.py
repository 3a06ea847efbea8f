"""The first weights of stage 1: a trunk with its universal head, or a trunk alone."""

from collections.abc import Iterable
from pathlib import Path

from raygroup.config import Pretraining
from raygroup.model.laptop_trunk import Trunk
from raygroup.training.universal_weights import UniversalModel, hash_weights, load_trunk, load_universal, read_weights_metadata
from raygroup.words.charset import Charset

UniversalStart = UniversalModel | Trunk


def load_start(path: Path) -> UniversalStart:
    """Load a weights file of stage 1, or the trunk alone of a package's ``model.safetensors``."""
    return load_universal(path) if read_weights_metadata(path, required=False) else load_trunk(path)


def trunk_of(start: UniversalStart) -> Trunk:
    """Return the trunk of first weights."""
    return start.trunk if isinstance(start, UniversalModel) else start


def start_hash(start: UniversalStart) -> str:
    """Return the SHA-256 of first weights, and of the characters of their head."""
    if isinstance(start, UniversalModel):
        return hash_weights((start.trunk, start.head), start.charset.hash)
    return hash_weights((start,))


def is_same_size(start: UniversalModel, settings: Pretraining) -> bool:
    """Return whether the head of ``start`` has the size that the settings name."""
    return (start.head.embeds, start.head.hiddens) == (settings.heads.embeds, settings.heads.hiddens)


def known_characters(start: UniversalStart | None, settings: Pretraining) -> Charset | None:
    """Return the characters that the first head knows. None if there is no such head, or if its size keeps it from being used."""
    return start.charset if isinstance(start, UniversalModel) and is_same_size(start, settings) else None


def stage1_charset(labels: Iterable[str], start: UniversalStart | None, settings: Pretraining) -> Charset:
    """Return the characters of the universal head: those of the labels, and those that the first head knows."""
    known = known_characters(start, settings)
    return Charset.from_labels([*labels, *(known.characters if known else ())])
