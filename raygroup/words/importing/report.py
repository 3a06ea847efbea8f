"""Count the words that an import keeps, drops and changes."""

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from raygroup.words.importing.word_groups import GroupTally, WordGroup

_NUM_EXAMPLES = 5
_NUM_CHARACTERS_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class DroppedWords:
    """The words that were dropped for one reason."""

    count: int
    examples: tuple[str, ...]
    """Places of the first five, such as a file with line and image path."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Counts over one data set.

    Word stores keep a report as JSON (``to_json``, ``from_json``), so its field names must not
    change.
    """

    name: str
    kept: int
    dropped: dict[str, DroppedWords]
    """Reason -> the words dropped for it."""
    unspelled: dict[str, dict[str, int]]
    """Source -> character that no task can spell -> number of occurrences.

    It is empty if raygroup does not know the letters of some task of the data set.
    """
    changed: dict[str, int]
    """Kind of change by normalisation -> number of words."""
    notes: tuple[str, ...] = ()
    groups: tuple[WordGroup, ...] = ()
    """The same words by task and script. Stores of version 0.2.0 and before have none."""

    @property
    def num_dropped(self) -> int:
        return sum(dropped.count for dropped in self.dropped.values())

    @property
    def listed(self) -> int:
        return self.kept + self.num_dropped

    def lines(self) -> list[str]:
        """Return the report as lines for people.

        A fact takes one line. Counts of zero are left out.
        """
        lines = [f"{self.name}: {self.kept} words kept, {self.num_dropped} dropped"]
        lines += [f"  {words.count} dropped, {reason}: {_examples(words)}" for reason, words in self.dropped.items()]
        lines += [f"  {source}: characters of no task: {_characters(counts)}" for source, counts in self.unspelled.items()]
        lines += [f"  {count} labels normalised: {change}" for change, count in self.changed.items()]
        return lines + [f"  {note}" for note in self.notes]

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "Report":
        """Return the report that ``to_json`` wrote."""
        dropped = {
            reason: DroppedWords(count=words["count"], examples=tuple(words["examples"])) for reason, words in stored["dropped"].items()
        }
        groups = tuple(map(WordGroup.from_json, stored.get("groups", ())))
        return Report(**{**stored, "dropped": dropped, "notes": tuple(stored["notes"]), "groups": groups})

    def to_json(self) -> dict[str, Any]:
        return json.loads(json.dumps(dataclasses.asdict(self)))  # type: ignore[no-any-return]


@dataclass
class Tally:
    """The counts of a report while an import runs."""

    name: str
    num_kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    unspelled: dict[str, Counter[str]] = field(default_factory=dict)
    changed: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    groups: GroupTally | None = None
    """The same counts by task and script. None before the rows are known."""
    _examples: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, reason: str, rows: Iterable[int], place: Callable[[int], str]) -> None:
        """Count dropped rows and remember the places of the first ones."""
        for row in rows:
            self.dropped[reason] += 1
            if self.groups:
                self.groups.drop(reason, int(row))
            if self.dropped[reason] <= _NUM_EXAMPLES:
                self._examples.setdefault(reason, []).append(place(int(row)))

    def keep(self, rows: Sequence[int], labels: Sequence[str]) -> None:
        """Count kept words. ``labels`` are those of the rows."""
        self.num_kept += len(rows)
        if self.groups:
            self.groups.keep(rows, labels)

    def example(self, reason: str) -> str:
        """Return the place of the first row dropped for a reason."""
        return self._examples[reason][0]

    def report(self) -> Report:
        return Report(
            name=self.name,
            kept=self.num_kept,
            dropped={
                reason: DroppedWords(count=count, examples=tuple(self._examples[reason])) for reason, count in self.dropped.most_common()
            },
            unspelled={source: dict(counts.most_common()) for source, counts in sorted(self.unspelled.items()) if counts},
            changed=dict(self.changed.most_common()),
            notes=tuple(self.notes),
            groups=self.groups.groups() if self.groups else (),
        )


def _examples(words: DroppedWords) -> str:
    num_more = words.count - len(words.examples)
    return ", ".join(words.examples) + (f", and {num_more} more" if num_more > 0 else "")


def _characters(counts: dict[str, int]) -> str:
    shown = [f"{_visible(character)} x{count}" for character, count in list(counts.items())[:_NUM_CHARACTERS_SHOWN]]
    return ", ".join(shown) + (f", and {len(counts) - len(shown)} others" if len(counts) > len(shown) else "")


def _visible(character: str) -> str:
    return f"{character} U+{ord(character):04X}" if character.isprintable() and not character.isspace() else f"U+{ord(character):04X}"
