"""Number the characters that a head can write. Every model is saved with its charset."""

import functools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from raygroup.config_sections import fingerprint, require
from raygroup.errors import ConfigError

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Text of class 0, which stands for a character that the charset cannot spell."""


@dataclass(frozen=True)
class Charset:
    """The characters of a head and their class numbers.

    Class 0 begins a word and stands for every unsupported character. Classes 1 to n are the
    characters. Class n + 1 ends a word.
    """

    characters: tuple[str, ...]
    """Single code points of normalised labels, each once. The first has class 1."""

    def __post_init__(self) -> None:
        are_single = all(len(character) == 1 for character in self.characters)
        are_different = len(set(self.characters)) == len(self.characters)
        require(are_single and are_different, "charset.characters", self.characters, "single code points, each once")

    @classmethod
    def from_labels(cls, labels: Iterable[str], min_count: int = 1) -> "Charset":
        """Return the characters that occur ``min_count`` times or more, by code point."""
        counts = _character_counts(labels)
        return cls(tuple(sorted(character for character, count in counts.items() if count >= min_count)))

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
        """Return the SHA-256 of the characters in their order."""
        return fingerprint("".join(self.characters))

    def encode(self, label: str) -> list[int]:
        """Return the class of each code point, without begin and end.

        An unsupported character is 0.
        """
        classes = self._classes
        return [classes.get(character, 0) for character in label]

    def decode(self, classes: Iterable[int]) -> str:
        """Return the text before the end of the word.

        A class that is not a character becomes U+FFFD.
        """
        text = []
        for number in classes:
            if number == self.end:
                break
            text.append(self.characters[number - 1] if 0 < number < self.end else REPLACEMENT)
        return "".join(text)

    def unsupported_characters(self, labels: Iterable[str]) -> Counter[str]:
        """Count the characters in the labels that the charset lacks."""
        counts = _character_counts(labels)
        return Counter({character: count for character, count in counts.items() if character not in self._classes})

    def to_json(self) -> dict[str, Any]:
        return {"characters": "".join(self.characters), "hash": self.hash}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Charset":
        """Return the charset that ``to_json`` wrote.

        Raises ConfigError if the stored hash does not fit the characters.
        """
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
