"""The characters a head can write and the numbers of their classes, saved with every model."""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from raygroup.config import fingerprint, require
from raygroup.errors import ConfigError

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""How class 0 reads: something that the charset cannot spell."""


@dataclass(frozen=True)
class Charset:
    """Class 0 begins a word and stands for every unsupported character; 1..n are the characters; n + 1 ends a word."""

    characters: tuple[str, ...]
    """Single code points of normalised labels, each once; their order is their class."""

    def __post_init__(self) -> None:
        right = all(len(character) == 1 for character in self.characters) and len(set(self.characters)) == len(self.characters)
        require(right, "charset.characters", self.characters, "single code points, each once")

    @classmethod
    def of(cls, labels: Iterable[str], at_least: int = 1) -> "Charset":
        """The characters that stand ``at_least`` so often in the labels, by code point."""
        counts = _character_counts(labels)
        return cls(tuple(sorted(character for character, count in counts.items() if count >= at_least)))

    @property
    def begin(self) -> int:
        return 0

    @property
    def end(self) -> int:
        return len(self.characters) + 1

    @property
    def num_classes(self) -> int:
        return len(self.characters) + 2

    @property
    def hash(self) -> str:
        """SHA-256 of the characters in their order."""
        return fingerprint("".join(self.characters))

    def encode(self, label: str) -> list[int]:
        """One class for each code point, without begin and end; unsupported ones are 0."""
        classes = self._classes
        return [classes.get(character, 0) for character in label]

    def decode(self, ids: Iterable[int]) -> str:
        """The text up to the end of the word; a class that is no character reads as U+FFFD."""
        text = []
        for number in ids:
            if number == self.end:
                break
            text.append(self.characters[number - 1] if 0 < number < self.end else REPLACEMENT)
        return "".join(text)

    def unsupported(self, labels: Iterable[str]) -> Counter[str]:
        """How often each character that the charset lacks stands in the labels."""
        counts = _character_counts(labels)
        return Counter({character: count for character, count in counts.items() if character not in self._classes})

    def to_json(self) -> dict[str, Any]:
        return {"characters": "".join(self.characters), "hash": self.hash}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Charset":
        """The charset ``to_json`` wrote; a ConfigError where its characters are not those that were hashed."""
        characters: Sequence[str] = stored.get("characters", "")
        charset = cls(tuple(characters))
        if charset.hash != stored.get("hash"):
            raise ConfigError(f"charset of {len(characters)} characters has hash {charset.hash[:12]}, stored is {stored.get('hash')!r:.14}")
        return charset

    @functools.cached_property
    def _classes(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters, start=1)}


def _character_counts(labels: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for label in labels:
        counts.update(label)
    return counts
