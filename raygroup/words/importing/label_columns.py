"""The names that the columns of a label file have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from raygroup.errors import ConfigError
from raygroup.words.importing.listed_rows import OPTIONAL, missing_column


@dataclass(frozen=True)
class Columns:
    """The possible names of the two needed columns."""

    path: str = "path"
    text: tuple[str, ...] = ("text",)
    """The first one is taken if it is there. Otherwise exactly one of the others must be."""

    @property
    def needed(self) -> tuple[str, str]:
        return self.path, " or ".join(self.text)

    def meanings(self, place: object, present: Sequence[str]) -> Mapping[str, str]:
        """Return for each used column of ``present`` what it means: ``path``, ``text`` or an optional column.

        Raises ConfigError if a needed column is missing, is there twice, or is not clear.
        """
        texts = [name for name in self.text if present.count(name) == 1]
        if self.text[0] in texts:
            texts = [self.text[0]]
        missing = [needed for needed, count in zip(self.needed, (present.count(self.path), len(texts)), strict=True) if count == 0]
        if missing or present.count(self.path) != 1:
            raise missing_column(place, missing or [self.path], present, self.needed)
        if len(texts) > 1:
            raise ConfigError(f"{place}: the text may be in {' or '.join(map(repr, texts))}: call the right one {self.text[0]!r}")
        return {**{name: name for name in OPTIONAL if name in present}, self.path: "path", texts[0]: "text"}

    def note(self, present: frozenset[str]) -> list[str]:
        """Return a note that names the column of the texts, if more than one name was possible."""
        if len(self.text) == 1 or not present:
            return []
        used = next((name for name in self.text if name in present), "")
        others = [name for name in self.text if name in present and name != used]
        return [f"the texts are those of column {used!r}" + (f", not of {' or '.join(map(repr, others))}" if others else "")]


OWN_COLUMNS = Columns()
"""The columns of raygroup's own label files."""
