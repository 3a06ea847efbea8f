"""What became of the words of a data set on their way in: kept, dropped and why, changed, not to be spelled."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

_EXAMPLES = 5
_CHARACTERS_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """The words that one reason took away."""

    count: int
    examples: tuple[str, ...]
    """Where the first five stand, as file:line and what is there."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Counts over one data set; plain JSON with ``to_json`` and back with ``from_json``."""

    name: str
    kept: int
    dropped: dict[str, Dropped]
    """By reason."""
    unspelled: dict[str, dict[str, int]]
    """Source -> character that no task can spell -> how often; empty where a task has letters only the data set knows."""
    changed: dict[str, int]
    """What normalisation did -> in how many words."""
    notes: tuple[str, ...] = ()

    @property
    def num_dropped(self) -> int:
        return sum(dropped.count for dropped in self.dropped.values())

    def lines(self) -> list[str]:
        """For a person to read: one line a fact, nothing for what did not happen."""
        found = [f"{self.name}: {self.kept} words kept, {self.num_dropped} dropped"]
        found += [f"  {dropped.count} dropped, {why}: {_first(dropped.examples, dropped.count)}" for why, dropped in self.dropped.items()]
        found += [f"  {source}: characters of no task: {_characters(counts)}" for source, counts in self.unspelled.items()]
        found += [f"  {count} labels normalised: {what}" for what, count in self.changed.items()]
        return found + [f"  {note}" for note in self.notes]

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "Report":
        """The report that ``to_json`` wrote."""
        dropped = {why: Dropped(count=found["count"], examples=tuple(found["examples"])) for why, found in stored["dropped"].items()}
        return Report(**{**stored, "dropped": dropped, "notes": tuple(stored["notes"])})

    def to_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(dataclasses.asdict(self)))  # type: ignore[no-any-return]


@dataclass
class Tally:
    """A report in the making."""

    name: str
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    unspelled: dict[str, Counter[str]] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    _examples: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, why: str, rows: Iterable[int], place: Callable[[int], str]) -> None:
        """Count the rows and remember where the first of them stand."""
        for row in rows:
            self.dropped[why] += 1
            if self.dropped[why] <= _EXAMPLES:
                self._examples.setdefault(why, []).append(place(int(row)))

    def example(self, whys: Iterable[str]) -> str:
        """Where the first dropped row of these reasons stands."""
        return next(self._examples[why][0] for why in whys if why in self._examples)

    def report(self) -> Report:
        return Report(
            name=self.name,
            kept=self.kept,
            dropped={why: Dropped(count=count, examples=tuple(self._examples[why])) for why, count in self.dropped.most_common()},
            unspelled={source: dict(counts.most_common()) for source, counts in sorted(self.unspelled.items()) if counts},
            changed=dict(self.changed.most_common()),
            notes=tuple(self.notes),
        )


def _first(examples: tuple[str, ...], count: int) -> str:
    return ", ".join(examples) + (f", and {count - len(examples)} more" if count > len(examples) else "")


def _characters(counts: dict[str, int]) -> str:
    shown = [f"{_visible(character)} x{count}" for character, count in list(counts.items())[:_CHARACTERS_SHOWN]]
    return ", ".join(shown) + (f", and {len(counts) - len(shown)} others" if len(counts) > len(shown) else "")


def _visible(character: str) -> str:
    return f"{character} U+{ord(character):04X}" if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"
